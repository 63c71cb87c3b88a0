"""The same bits by one process, two processes, two nodes, and two nodes of which something is killed while they work.

    python benchmarks/cluster_kills.py                                 # 20 random moments: worker, node, head, command
    python benchmarks/cluster_kills.py --count 3 --small --jobs score  # a few minutes

A scorecard of several pieces, a board and a bench are made by one process; two processes and two nodes must make the
same. Then one process that works, one node, the head of a cluster, or the command itself is killed at a random moment.
Without a worker or a node the command must end well and with the same bits. Without the head it may end with one line
that says so; then, and after the command was killed, the same command by two processes of this machine must come to the
same bits, from what was kept. Exit code 1 on a fault.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench_kills
import numpy as np
from cluster import pack_shard, take_home
from leaderboard import pack, perturb
from nodes import TARGETS, Nodes, Watched, children_of, command, nodes

ONE, TWO = ["--jobs", 1], ["--jobs", 2]
LOST = 2  # exit code of a command whose cluster is lost
VICTIMS = (*TARGETS, "command")


@dataclass(frozen=True)
class Job:
    """A command.

    Attributes:
        words: of it, given the folder of inputs.
        out: the words that name what it writes, and its name.
        read: returns what must be the same to the bit.
        kept: folders below the cache, or files below what it writes, that a second run goes on from.
    """

    words: Callable[[Path], list[object]]
    out: tuple[str, str]
    read: Callable[[Path], Any]
    kept: str


def _json(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


JOBS = {
    "score": Job(lambda at: ["score", at / "shards"], ("--json", "card.json"), _json, "pieces/*"),
    "leaderboard": Job(
        lambda at: ["leaderboard", "--keep-flagged", *sorted((at / "submissions").glob("*.tgz"))],
        ("--json", "board.json"),
        _json,
        "scorecards/*",
    ),
    "bench": Job(
        lambda at: [
            "bench", "--data", at / "small.npy", "--reference", at / "small.npy", "--detector", "none",
            "--preset", "smoke", "--variants", "dcgan,wgan-gp", "--seeds", 2, "--set", "model.size=32",
            "--set", "training.batch=8", "--set", "training.steps=60", "--save-every", 5, "--gradnorm-steps", 4,
            "--samples", 30, "--cores", 1,
        ],
        ("--out", "bench"),
        bench_kills.facts,
        "*/checkpoint.pt",
    ),
}  # fmt: skip


def make_inputs(at: Path, images: int) -> None:
    """Write faces, submissions and shards, drawn."""
    from ganbench.toyfaces import toyfaces

    faces = np.stack([image for _, image in toyfaces(200, size=64, seed=1)])
    np.save(at / "faces.npy", faces)
    np.save(at / "small.npy", np.stack([image for _, image in toyfaces(24, size=32, seed=3)]))
    for name in ("submissions", "shards"):
        (at / name).mkdir()
    for number in range(8):
        pack(at / "submissions" / f"student{number}.tgz", perturb(faces[:100], number))
    for number in range(4):
        pack_shard(at / "shards" / f"shard-{number:05d}.tar", faces, number, images // 4)


class Trial:
    """Runs of one job, each in a place of its own that begins with the exported network alone."""

    def __init__(self, job: Job, at: Path, root: Path) -> None:
        self._job, self._at, self._root = job, at, root
        self.home = root / "home"
        shutil.copytree(at / "home" / "cache" / "onnx", self.home / "cache" / "onnx")

    @property
    def result(self) -> Path:
        """What the command writes."""
        return self._root / self._job.out[1]

    def run(
        self, where: list[object], meanwhile: Callable[[float, int], None] = lambda seconds, process: None
    ) -> Watched:
        """Run the command to its end."""
        words = [*self._job.words(self._at), self._job.out[0], self.result, *where, "--quiet"]
        return command(words, self.home, children_of, meanwhile=meanwhile, limit=900)

    def kept(self) -> int:
        """Return how many files there are to go on from."""
        return sum(1 for root in (self.home / "cache", self.result) for _ in root.glob(self._job.kept))

    def fault(self, seen: Watched, truth: Any) -> str:
        """Say what is wrong with how it ended: a code, a traceback, other bits. Or ""."""
        if "Traceback (most recent call last)" in seen.said:
            return f"a traceback: {seen.said.strip()[-500:]}"
        if seen.code:
            return f"exit code {seen.code}: {seen.said.strip()[-500:]}"
        return "" if self._job.read(self.result) == truth else "other bits"


def on_nodes(trial: Trial, cluster: Nodes, kill: tuple[str, float, random.Random] | None) -> tuple[Watched, bool]:
    """Run on a cluster; at a moment kill something. Returns how it went, and whether there was something to kill."""
    done = False

    def meanwhile(seconds: float, process: int) -> None:
        nonlocal done
        if kill is None or done or seconds < kill[1]:
            return
        if kill[0] == "command":
            os.kill(process, signal.SIGKILL)
            done = True
        else:
            done = cluster.kill(kill[0], kill[2])

    return trial.run(["--cluster", cluster.address], meanwhile), done


def truth_of(name: str, at: Path, scratch: Path) -> tuple[Any, float, list[str]]:
    """Return what one process makes, the seconds on two nodes, and what differs by two processes and by two nodes."""
    job = JOBS[name]
    one = Trial(job, at, scratch / "one")
    seen = one.run(ONE)
    if seen.code:
        sys.exit(f"{name} by one process: exit code {seen.code}\n{seen.said}")
    truth = job.read(one.result)
    two, there = Trial(job, at, scratch / "two"), Trial(job, at, scratch / "nodes")
    faults = [f"{name} by two processes: {fault}" for fault in [two.fault(two.run(TWO), truth)] if fault]
    with nodes() as cluster:
        seen, _ = on_nodes(there, cluster, None)
    faults += [f"{name} on two nodes: {fault}" for fault in [there.fault(seen, truth)] if fault]
    return truth, seen.seconds, faults


def kill_once(name: str, target: str, at: Path, scratch: Path, truth: Any, seconds: float, seed: str) -> dict[str, Any]:
    """Kill something at a random moment, let the work come to its end, and compare."""
    rng = random.Random(seed)
    moment = rng.uniform(0.2, 0.95) * seconds
    trial = Trial(JOBS[name], at, scratch)
    with nodes() as cluster:
        seen, killed = on_nodes(trial, cluster, (target, moment, rng))
    told: dict[str, Any] = {"job": name, "target": target, "moment": moment, "of": seconds, "killed": killed}
    told |= {"code": seen.code, "said": seen.said.strip()[-300:], "seconds": seen.seconds, "kept": trial.kept()}
    told_so = target == "head" and seen.code == LOST and "lost" in seen.said and "Traceback" not in seen.said
    if told_so or (target == "command" and seen.code == -signal.SIGKILL):
        seen = trial.run(TWO)
        told["again"] = seen.seconds
    told["fault"] = trial.fault(seen, truth)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="random moments")
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--targets", nargs="+", choices=VICTIMS, default=list(VICTIMS))
    parser.add_argument("--small", action="store_true", help="fewer images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    faults: list[str] = []
    kills: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="ganbench-cluster-kills-") as name:
        at = Path(name)
        take_home(at / "home")
        make_inputs(at, 9000 if arguments.small else 24_576)
        command(["score", at / "faces.npy", "--quiet"], at / "home", children_of)  # exports the network
        truths: dict[str, tuple[Any, float]] = {}
        for number in range(arguments.count):
            job = arguments.jobs[number % len(arguments.jobs)]
            target = arguments.targets[number // len(arguments.jobs) % len(arguments.targets)]
            if job not in truths:
                truth, seconds, found = truth_of(job, at, at / f"whole-{job}")
                truths[job], faults = (truth, seconds), faults + found
                print(
                    f"{job}: {seconds:.0f} s on two nodes; {found or 'the same bits by 1, 2 and on 2 nodes'}",
                    flush=True,
                )
            scratch = at / f"kill-{number}"
            told = kill_once(job, target, at, scratch, *truths[job], f"{arguments.seed}/{number}")
            shutil.rmtree(scratch, ignore_errors=True)
            kills.append(told)
            again = f", again in {told['again']:.0f} s from {told['kept']} files kept" if "again" in told else ""
            what = told["fault"] or "the same bits"
            print(
                f"{number}: {job}, {target} killed at {told['moment']:.1f} of {told['of']:.1f} s: "
                f"code {told['code']} after {told['seconds']:.0f} s{again}: {what}",
                flush=True,
            )
            faults += [f"kill {number} ({job}, {target}): {told['fault']}"] if told["fault"] else []
    print(f"{len(kills)} tried, {len(faults)} failed")
    if arguments.json:
        arguments.json.write_text(json.dumps({"kills": kills, "faults": faults}, indent=2) + "\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
