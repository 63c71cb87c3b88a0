"""Processes killed at any moment: the next run gives what an undisturbed one gives, and leaves nothing lying about."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns.base import Found
from campaigns.bomb_files import small
from campaigns.packing import pack
from campaigns.watch import end, environment, tree_of

COUNT = 8
_ORPHANS = 15.0  # seconds after which nothing of a killed process may run any more
_LIMIT = 300.0  # seconds for a command that is not killed


@dataclass(frozen=True)
class Job:
    """A command whose process is killed.

    Attributes:
        words: the command, in a folder with ``faces/`` and submissions.
        result: file that it writes.
        read: what two undisturbed runs agree on.
        resumed: words to add once a run has left a checkpoint.
    """

    words: str
    result: str
    read: Callable[[Path], Any]
    resumed: str = ""


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _reference(path: Path) -> Any:
    from ganbench.references.reference import Reference

    return Reference.load(path).identity()


def _weights(path: Path) -> Any:
    import torch

    found: list[str] = []

    def walk(value: Any, where: str) -> None:
        if isinstance(value, torch.Tensor):
            found.append(f"{where} {value.double().sum().item()!r} {value.double().abs().sum().item()!r}")
        elif isinstance(value, dict):
            for key in value:
                walk(value[key], f"{where}.{key}")

    content = torch.load(path, map_location="cpu", weights_only=True)
    walk(content, "")
    return content["step"], found


JOBS = {
    "score": Job("score faces --json card.json --csv card.csv --per-image images.csv", "card.json", _json),
    "leaderboard": Job("leaderboard a.tgz b.tgz --jobs 2 --json board.json --html b.html", "board.json", _json),
    "build": Job("reference build faces -o real.npz --sample 10", "real.npz", _reference),
    "train": Job(
        "train --variant dcgan --preset smoke --steps 12 --save-every 2 --sheet-every 2 --score-every 0 "
        "--data faces --run run --set training.batch=8",
        "run/checkpoint.pt",
        _weights,
        "--resume",
    ),
}


class _Place:
    """Folders of one job: where it runs, its home, its temporary folder, and a home of the user's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.here, self.home, self.temporary, self.user = (root / name for name in ("here", "home", "tmp", "user"))
        for folder in (self.here, self.home, self.temporary, self.user, self.here / "faces"):
            folder.mkdir(parents=True)
        for name, data in small(24):
            (self.here / "faces" / name).write_bytes(data)
        pack(self.here / "a.tgz", small(12))
        pack(self.here / "b.tgz", [(name, data) for name, data in small(24)[12:]])

    def start(self, words: str) -> subprocess.Popen[bytes]:
        """Start a command."""
        more = {"HOME": str(self.user), "TMPDIR": str(self.temporary), "XDG_CACHE_HOME": str(self.user / ".cache")}
        with (self.root / "said.txt").open("wb") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "ganbench", *words.split()],
                cwd=self.here,
                env=environment(self.home, **more),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def finish(self, words: str) -> tuple[int, float]:
        """Run a command to its end; return its exit code and its seconds."""
        begun = time.monotonic()
        process = self.start(words)
        try:
            process.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            end(process.pid)
            process.wait()
        return process.returncode, time.monotonic() - begun

    @property
    def said(self) -> str:
        """The last line of the last command."""
        lines = (self.root / "said.txt").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1][:160] if lines else ""

    def litter(self) -> list[str]:
        """Return what lies about and should not: temporary files, and anything outside our folders."""
        found = [path for folder in (self.here, self.home) for path in folder.rglob("*")]
        found = [path for path in found if path.name.startswith(".") or path.name.endswith((".tmp", ".part"))]
        found += [path for folder in (self.temporary, self.user) for path in folder.rglob("*") if not path.is_dir()]
        found = [path for path in found if "matplotlib" not in path.parts]  # its list of fonts, where it always is
        return sorted(str(path.relative_to(self.root)) for path in found)


def run(count: int | None, seed: int, home: Path, *, names: tuple[str, ...] = ()) -> Found:
    """Kill processes.

    Args:
        count: how many; None: as usual.
        seed: of the moments.
        home: folder whose exported networks most of the jobs start with; a fresh one exports, and may be killed then.
        names: these jobs only.
    """
    rng = random.Random(f"kills/{seed}")
    found = Found()
    jobs = list(names or JOBS)
    with tempfile.TemporaryDirectory(prefix="ganbench-kills-") as name:
        wanted: dict[str, tuple[Any, float]] = {}
        for number in range(count or COUNT):
            what = jobs[number % len(jobs)]
            if what not in wanted:
                place = _Place(Path(name) / f"whole-{what}")
                _warm(place, home)
                code, seconds = place.finish(JOBS[what].words)
                if code:
                    found.faults.append(f"{what}, undisturbed: exit code {code}: {place.said}")
                    found.tried += 1
                    jobs.remove(what)
                    continue
                wanted[what] = JOBS[what].read(place.here / JOBS[what].result), seconds
                if litter := place.litter():
                    found.faults.append(f"{what}, undisturbed: leaves {litter[:4]}")
            place = _Place(Path(name) / f"{number}-{what}")
            if rng.random() < 0.8:
                _warm(place, home)
            found.tried += 1
            found.faults += [f"{what}, kill {number}: {fault}" for fault in _kill(place, JOBS[what], rng, wanted[what])]
            shutil.rmtree(place.root, ignore_errors=True)
    return found


def _warm(place: _Place, home: Path) -> None:
    exported = home / "cache" / "onnx"
    if exported.is_dir():
        shutil.copytree(exported, place.home / "cache" / "onnx")


def _kill(place: _Place, job: Job, rng: random.Random, wanted: tuple[Any, float]) -> list[str]:
    """Kill the command at one to three moments, run it to its end, and compare."""
    truth, seconds = wanted
    moments = [rng.uniform(0.3, 1) * seconds for _ in range(rng.randint(1, 2))]
    faults = []
    for moment in moments:
        process = place.start(_words(place, job))
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            others = tree_of(process.pid)[1:]
            process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
            process.wait()
            faults += _orphans(others)
    code, _ = place.finish(_words(place, job))
    when = ", ".join(f"{moment:.1f}" for moment in moments) + f" of {seconds:.1f} s"
    if code:
        return [*faults, f"at {when}: the next run fails with {code}: {place.said}"]
    if job.read(place.here / job.result) != truth:
        faults.append(f"at {when}: the next run gives something else")
    if litter := place.litter():
        faults.append(f"at {when}: leaves {len(litter)}: {litter[:3]}")
    return faults


def _words(place: _Place, job: Job) -> str:
    """Return the command, with what it takes to go on where a checkpoint is there."""
    return f"{job.words} {job.resumed}" if job.resumed and (place.here / job.result).is_file() else job.words


def _orphans(processes: list[int]) -> list[str]:
    """Wait for the children of a killed process to end; those that do not are faults, and are ended."""
    until = time.monotonic() + _ORPHANS
    while time.monotonic() < until and (left := [one for one in processes if _runs(one)]):
        time.sleep(0.1)
    left = [one for one in processes if _runs(one)]
    for one in left:
        end(one)
    return [f"{len(left)} processes go on without it"] if left else []


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and os.getpid() != process
