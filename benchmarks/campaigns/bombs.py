"""Memory and time bombs: each is refused or handled within 512 MiB of resident memory and ten seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from campaigns import bomb_files as make
from campaigns.base import MEGABYTES, SECONDS, Found
from campaigns.watch import run as command

# name: (maker of the file, command on it; FILE and OUT are put in)
BOMBS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "huge images among small ones, score": (make.huge_among_small, "score FILE --resize 64"),
    "huge images among small ones, detect": (make.huge_among_small, "detect FILE --resize 64"),
    "huge images among small ones, build": (make.huge_among_small, "reference build FILE --size 64 -o OUT/r.npz"),
    "huge images among small ones, leaderboard": (make.huge_among_small, "leaderboard FILE"),
    "huge images among small ones, check": (make.huge_among_small, "data check FILE"),
    "GIFs": (make.gifs, "score FILE --resize 64"),
    "films": (make.films, "score FILE --resize 64"),
    "tgz": (make.tgz, "score FILE"),
    "xz": (make.xz, "score FILE"),
    "bz2": (make.bz2_tar, "score FILE"),
    "zip": (make.zipped, "score FILE"),
    "zip that lies": (make.liar, "score FILE"),
    "tgz, checked": (make.tgz, "data check FILE"),
    "npy that claims": (make.npy, "score FILE"),
    "npy of holes": (make.npy_sparse, "score FILE --resize 64"),
    "npz": (make.npz, "score FILE"),
    "npz that claims": (make.npz_claims, "score FILE"),
    "reference": (make.reference, "score FACES --reference FILE"),
    "reference, shown": (make.reference, "reference show FILE"),
    "generator": (make.generator, "sample FILE --out OUT/samples --count 4"),
    "PNG chunks": (make.chunks, "score FILE --skip-bad 4"),
    "JPEG scans": (make.scans, "score FILE --resize 64"),
    "members": (make.members, "score FILE"),
    "long names": (make.long_names, "score FILE"),
    "deep JSON": (make.deep_json, "leaderboard FILE"),
    "wide JSON": (make.wide_json, "leaderboard FILE"),
    "deep TOML": (make.deep_toml, "recipes show FILE"),
    "wide TOML": (make.wide_toml, "recipes show FILE"),
    "sheet": (make.sheet, "score FILE --grid guess"),
    "imgsz": (make.faces, "detect FILE --imgsz 6400"),
}


def run(count: int | None, seed: int, home: Path, *, names: tuple[str, ...] = (), seconds: float = SECONDS) -> Found:
    """Set off the bombs.

    Args:
        count: the first so many only; None: all of them.
        seed: of nothing: bombs are what they are.
        home: folder for what ganbench keeps.
        names: these only.
        seconds: that each may take.
    """
    del seed
    found = Found()
    chosen = {name: BOMBS[name] for name in names or list(BOMBS)[:count]}
    with tempfile.TemporaryDirectory(prefix="ganbench-bombs-") as name:
        folder = Path(name)
        honest = make.faces(folder)
        warm = command(["score", honest, "--quiet"], home)  # networks are exported once per machine; not their time
        if warm.code:
            found.faults.append(f"honest images: {warm.last}")
        made: dict[Callable[[Path], Path], Path] = {}
        largest = slowest = 0.0
        for label, (maker, words) in chosen.items():
            if maker not in made:
                made = {maker: maker(folder)}
            places = {"FILE": str(made[maker]), "FACES": str(honest)}
            out = folder / "out"
            out.mkdir(exist_ok=True)
            arguments = [places.get(word, word.replace("OUT", str(out))) for word in words.split()]
            done = command(arguments, home, cwd=folder, seconds=3 * seconds, megabytes=4 * MEGABYTES)
            found.tried += 1
            largest, slowest = max(largest, done.peak), max(slowest, done.seconds)
            why = done.fault((0, 1, 2))
            if not why and done.peak > MEGABYTES << 20:
                why = f"takes {done.peak >> 20} MiB (exit code {done.code}: {done.last[:90]})"
            if not why and done.seconds > seconds:
                why = f"takes {done.seconds:.1f} s (exit code {done.code}: {done.last[:90]})"
            if why:
                found.faults.append(f"{label}: {why}")
    found.note = f"at most {int(largest) >> 20} MiB, {slowest:.1f} s"
    return found
