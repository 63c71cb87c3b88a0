"""Two one-core nodes of a Ray cluster on this machine against `--jobs 2`: the same commands, images and values.

    python benchmarks/cluster.py --data anime-faces-20k.zip  # 60 submissions, 6 cells, 100,000 images: under 20 minutes
    python benchmarks/cluster.py --small                     # a minute or two, on drawn faces
    python benchmarks/cluster.py --parts leaderboard driver --json F

Efficiency is the local time over the cluster's, both less their start-up, which is what the same command takes for its
smallest input. The cluster itself is up before, and the network is exported. While a command runs, the memory of its
own process (the driver) and of every process that works is watched. Last comes what a task costs the driver, as a
model, and from it where more nodes stop paying. With --work DIR what was measured is kept, and a second run goes on.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paying
from leaderboard import pack, perturb
from nodes import Nodes, Watched, children_of, command, nodes
from PIL import Image

from ganbench.images.sources import open_source

MOST_DRIVER = 600.0  # MB, of score: a bench's has PyTorch in it


@dataclass(frozen=True)
class Size:
    """How large the parts are."""

    submissions: int = 60
    images: int = 250  # of each
    seeds: int = 3  # of two variants: cells of the bench
    steps: int = 60  # of a cell
    shards: int = 20
    each: int = 5000  # images of a shard
    base: int = 1000  # faces that all is made of


SMALL = Size(submissions=6, images=40, seeds=1, steps=4, shards=4, each=150, base=40)


@dataclass(frozen=True)
class Part:
    """A command to measure.

    Attributes:
        words: the command without where it runs and what it writes, given the folder of inputs.
        least: the same with its smallest input, for the start-up.
        out: words that name what it writes, given a name.
        read: returns what must be the same on both sides, given that name.
    """

    words: Callable[[Path, Size], list[object]]
    least: Callable[[Path], list[object]]
    out: Callable[[Path], list[object]]
    read: Callable[[Path], Any]


def values(found: Any) -> list[Any]:
    """Return the values in a board or a scorecard: every row's id, value, interval and number of images."""
    if isinstance(found, dict) and "protocol" in found and "value" in found:
        return [(found.get("id"), found["value"], found["low"], found["high"], found["n"])]
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    return [value for part in parts for value in values(part)]


def _json(path: Path) -> Any:
    return values(json.loads(path.read_text("utf-8")))


def _cells(path: Path) -> Any:
    return {card.parent.name: _json(card) for card in sorted(path.glob("*/scorecard.json"))}


BENCH: list[object] = ["bench", "--preset", "smoke", "--save-every", 10, "--gradnorm-steps", 0]
PARTS = {
    "leaderboard": Part(
        lambda at, size: ["leaderboard", "--keep-flagged", *sorted((at / "submissions").glob("*.tgz")), "--no-cache"],
        lambda at: ["leaderboard", "--keep-flagged", *sorted((at / "few").glob("*.tgz")), "--no-cache"],
        lambda out: ["--json", out],
        _json,
    ),
    "bench": Part(
        lambda at, size: [
            *BENCH, "--data", at / "faces.npy", "--variants", "dcgan,wgan", "--seeds", size.seeds,
            "--set", f"training.steps={size.steps}",
        ],
        lambda at: [
            *BENCH, "--data", at / "faces.npy", "--variants", "dcgan", "--seeds", 2, "--set", "training.steps=1",
            "--samples", 24,
        ],
        lambda out: ["--out", out],
        _cells,
    ),
    "score": Part(
        lambda at, size: ["score", at / "shards", "--no-cache"],
        lambda at: ["score", at / "few-shards", "--no-cache"],
        lambda out: ["--json", out],
        _json,
    ),
}  # fmt: skip


def make_inputs(at: Path, data: str | None, size: Size) -> None:
    """Write submissions, shards and faces, each part of them unless it is there: no two images are the same."""
    done = at / "made"
    if done.exists():
        return
    if data is None:
        from ganbench.toyfaces import toyfaces

        real = np.stack([image for _, image in toyfaces(size.base, size=64, seed=1)])
    else:
        source = open_source(data, resize="64").first(size.base)
        real = np.concatenate([batch.pixels for batch in source.batches(256)])
    for name in ("submissions", "few", "shards", "few-shards"):
        (at / name).mkdir(parents=True, exist_ok=True)
    np.save(at / "faces.npy", real)
    for number in range(size.submissions):
        pack(at / "submissions" / f"student{number:03d}.tgz", perturb(real[: size.images], number))
    for number in range(2):
        pack(at / "few" / f"student{number}.tgz", perturb(real[:24], number))
    for number in range(size.shards):
        pack_shard(at / "shards" / f"shard-{number:05d}.tar", real, number, size.each)
    for number in range(2):
        pack_shard(at / "few-shards" / f"shard-{number:05d}.tar", real, number, 24)
    done.touch()


def pack_shard(path: Path, real: np.ndarray, number: int, count: int) -> None:
    """Write a webdataset shard of faces that each got a noise of their own."""
    rng = np.random.default_rng(number)
    with tarfile.open(path, "w") as archive:
        for i in range(count):
            face = real[(number * count + i) % len(real)].astype(np.int16)
            noisy = np.clip(face + rng.integers(-6, 7, face.shape, np.int16), 0, 255).astype(np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(noisy).save(buffer, "JPEG", quality=90)
            info = tarfile.TarInfo(f"{number * count + i:08d}.jpg")
            info.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(info, buffer)


class Measured:
    """What was measured so far; kept in a file, so that a run that was cut short goes on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}

    def once(self, key: str, measure: Callable[[], Any]) -> Any:
        """Return what was measured under a key, or measure and keep it."""
        if key not in self.found:
            self.found[key] = measure()
            self._file.write_text(json.dumps(self.found, indent=1), "utf-8")
        return self.found[key]


def go(part: Part, words: list[object], out: Path, where: list[object], cluster: Nodes | None) -> dict[str, Any]:
    """Run one command and say how it went."""
    for old in (out, out.with_suffix("")):
        shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    home = Path(os.environ["GANBENCH_HOME"])
    workers = children_of if cluster is None else lambda process: cluster.workers()
    seen: Watched = command([*words, *part.out(out), *where, "--quiet"], home, workers)
    if seen.code:
        sys.exit(f"{' '.join(map(str, words))[:200]}\nended with {seen.code}:\n{seen.said}")
    early, late = seen.peak((0.25, 0.5)), seen.peak((0.75, 1.0))
    return {
        "seconds": seen.seconds,
        "driver_mb": seen.driver,
        "worker_mb": seen.peak(),
        "workers": len(seen.workers),
        "growth": late / early if early and late else None,
        "values": part.read(out),
    }


def compare(name: str, size: Size, at: Path, measured: Measured, cluster: Nodes) -> dict[str, Any]:
    """Measure one part on both sides, print a line, and return it."""
    part, found = PARTS[name], {}
    for side, where in (("local", ["--jobs", 2]), ("cluster", ["--cluster", cluster.address])):
        inside = None if side == "local" else cluster
        for what, words in (("least", part.least(at)), ("whole", part.words(at, size))):
            # Both sides begin with the exported network and nothing else: scores of one would serve the other.
            found[f"{side} {what}"] = measured.once(
                f"{name} {side} {what}",
                lambda words=words, where=where, side=side, inside=inside: go(
                    part, words, at / f"{name}-{side}.json", where, inside
                ),
            )
            clear_results()
    local, there = found["local whole"], found["cluster whole"]
    start = {side: found[f"{side} least"]["seconds"] for side in ("local", "cluster")}
    told = {
        "local_seconds": local["seconds"],
        "cluster_seconds": there["seconds"],
        "start_seconds": start,
        "efficiency": (local["seconds"] - start["local"]) / (there["seconds"] - start["cluster"]),
        "efficiency_with_start": local["seconds"] / there["seconds"],
        "same": local["values"] == there["values"],
        "memory_mb": {side: {k: v for k, v in found[f"{side} whole"].items() if "mb" in k or k == "growth"}
                      for side in ("local", "cluster")},
    }  # fmt: skip
    grown = there["growth"]
    print(
        f"{name}: {local['seconds']:.1f} s with --jobs 2, {there['seconds']:.1f} s on two nodes; efficiency "
        f"{told['efficiency']:.3f} ({told['efficiency_with_start']:.3f} with start-up, {start['local']:.1f} and "
        f"{start['cluster']:.1f} s); same values: {told['same']}; driver {there['driver_mb']:.0f} MB, worker "
        f"{there['worker_mb']:.0f} MB" + ("" if grown is None else f", late over early {grown:.2f}"),
        flush=True,
    )
    return told


def take_home(home: Path) -> None:
    """Use a GANBENCH_HOME of our own, with the exported networks of the one that was given."""
    given = Path(os.environ.get("GANBENCH_HOME", home)) / "cache" / "onnx"
    if given.is_dir() and not home.exists():
        shutil.copytree(given, home / "cache" / "onnx")
    os.environ["GANBENCH_HOME"] = str(home)


def clear_results() -> None:
    """Remove scores and features from the cache; exported networks stay."""
    for folder in Path(os.environ["GANBENCH_HOME"]).glob("cache/*"):
        if folder.name != "onnx":
            shutil.rmtree(folder, ignore_errors=True)


def works(told: dict[str, Any], size: Size) -> list[paying.Work]:
    """Return the works of the prediction, with the seconds that were measured here, if they were."""
    board, score = (told.get(name) if size == Size() else None for name in ("leaderboard", "score"))
    seconds = 2 * board["local_seconds"] / size.submissions / size.images if board else 0.008
    images = 2 * score["local_seconds"] / size.shards / size.each if score else 0.006
    pieces = -(-10_000_000 // 8192)
    return [
        paying.Work("300 submissions of 1,000 images", 300, 1000 * seconds, 0.05),
        paying.Work("ten million images", pieces, 8192 * images, 6.9, merge=paying.merging()),
        paying.Work("ten million images on Inception", pieces, 8192 * 0.11, 17.0, merge=paying.merging(2048)),
        paying.Work("a bench of 15 cells of two hours", 15, 7200, 0.01, cores=8),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="real faces to make everything of; without it, drawn ones")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--parts", nargs="+", choices=[*PARTS, "driver"], default=[*PARTS, "driver"])
    parser.add_argument("--work", type=Path, help="folder that keeps inputs and what was measured")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    size = SMALL if arguments.small else Size()
    with tempfile.TemporaryDirectory(prefix="ganbench-cluster-") as scratch:
        at = (arguments.work or Path(scratch)).resolve()
        at.mkdir(parents=True, exist_ok=True)
        take_home(at / "home")
        make_inputs(at, arguments.data, size)
        measured = Measured(at / "measured.json")
        few = sorted((at / "few").glob("*.tgz"))
        command(["leaderboard", "--keep-flagged", *few, "--quiet"], at / "home", children_of)  # exports the network
        clear_results()
        told: dict[str, Any] = {}
        with nodes() as cluster:
            for name in arguments.parts:
                if name != "driver":
                    told[name] = compare(name, size, at, measured, cluster)
            if "driver" in arguments.parts:
                few_tasks = {"counts": (20, 60), "sizes": (0, 1 << 20)} if arguments.small else {}
                rows = measured.once("driver", lambda: paying.measure(cluster.address, **few_tasks))
                start = told["leaderboard"]["start_seconds"]["cluster"] if "leaderboard" in told else 10.0
                told["driver"] = paying.report(rows, works(told, size), start)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    wrong = [n for n, one in told.items() if not one.get("same", True)]
    driver = told["score"]["memory_mb"]["cluster"]["driver_mb"] if "score" in told else 0.0
    if wrong or driver > MOST_DRIVER:
        sys.exit(f"other values on the cluster: {wrong}; the driver of score takes {driver:.0f} MB")


if __name__ == "__main__":
    main()
