"""A Ray cluster of one-core nodes on this machine, and commands under watch that run on it.

Memory is read from ``/proc``: Linux only.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaigns.watch import FOLDER, ROOT, end, environment, tree_of, words_of

TARGETS = ("worker", "raylet", "head")
Meanwhile = Callable[[float, int], None]
_TICK = 0.25  # seconds between looks at memory
_TASK = "ray::ganbench"  # how Ray calls a process while it works on a task of ours
_STORE = 150 << 20  # bytes of each node's object store


class Nodes:
    """A cluster of nodes that have one core each; the first is the head."""

    def __init__(self, count: int) -> None:
        from ray.cluster_utils import Cluster

        size = {"num_cpus": 1, "object_store_memory": _STORE}
        self._cluster = Cluster(initialize_head=True, head_node_args=size)
        for _ in range(count - 1):
            self._cluster.add_node(**size)
        self.address: str = self._cluster.address

    def close(self) -> None:
        """End all of it, whatever is left."""
        left = [one for node in self._cluster.list_all_nodes() for one in _processes(node)]
        with suppress(Exception):  # a part of it may have been killed
            self._cluster.shutdown()
        for process in left:
            end(process)

    def workers(self) -> list[int]:
        """Return the processes that work on tasks."""
        raylets = [r for node in self._cluster.list_all_nodes() for r in _processes(node, "raylet")]
        return [p for r in raylets for p in tree_of(r)[1:] if words_of(p).startswith(_TASK)]

    def kill(self, target: str, rng: random.Random) -> bool:
        """Kill a process that works, a whole node that is not the head, or the head; returns whether there was one.

        Args:
            target: one of ``TARGETS``.
            rng: chooses the process.
        """
        head, *others = self._cluster.list_all_nodes()
        if target == "worker":
            found = self.workers()
            if found:
                _kill(rng.choice(found))
            return bool(found)
        node = head if target == "head" else rng.choice(others)
        for process in _processes(node, *(["gcs_server", "raylet"] if target == "head" else ["raylet"])):
            _kill(process)
        return True


@contextmanager
def nodes(count: int = 2) -> Iterator[Nodes]:
    """Start a cluster for the time of the block; its workers find ganbench and the benchmarks of this checkout."""
    for name, value in environment(Path(os.environ["GANBENCH_HOME"])).items():
        os.environ[name] = value
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Nodes(count)
    try:
        yield cluster
    finally:
        cluster.close()


def _processes(node: Any, *kinds: str) -> list[int]:
    return [
        info.process.pid
        for kind, infos in node.all_processes.items()
        if not kinds or kind in kinds
        for info in infos
        if info.process.poll() is None
    ]


def _kill(process: int) -> None:
    with suppress(OSError):
        os.kill(process, signal.SIGKILL)


def children_of(process: int) -> list[int]:
    """Return the processes that a local command has started for its tasks."""
    return [one for one in tree_of(process)[1:] if "resource_tracker" not in words_of(one)]


@dataclass
class Watched:
    """How a command went.

    Attributes:
        code: exit code.
        seconds: wall time.
        said: what it printed.
        driver: peak memory of the command's own process and of the one that speaks with Ray, MB.
        workers: memory of every process that worked, over time: per process (seconds since the start, MB).
    """

    code: int = 0
    seconds: float = 0.0
    said: str = ""
    driver: float = 0.0
    workers: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    def peak(self, part: tuple[float, float] = (0.0, 1.0)) -> float:
        """Return the peak memory of any worker in a part of the time, MB; 0 where there was none."""
        low, high = (share * self.seconds for share in part)
        return max((mb for row in self.workers.values() for when, mb in row if low <= when <= high), default=0.0)


def command(
    words: Sequence[object],
    home: Path,
    workers: Callable[[int], list[int]],
    *,
    meanwhile: Meanwhile = lambda seconds, process: None,
    limit: float = 3600.0,
) -> Watched:
    """Run ``ganbench`` to its end and watch it.

    Args:
        words: the command's.
        home: its GANBENCH_HOME.
        workers: returns the processes that work, given the command's own.
        meanwhile: is called with the seconds since the start and the command's process, at every look.
        limit: seconds after which it is ended, with the code of SIGKILL.
    """
    seen = Watched()
    call = [sys.executable, "-m", "ganbench", *map(str, words)]
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        process = subprocess.Popen(
            call, env=environment(home), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, workers, seen, start, ended), daemon=True)
        watch.start()
        while process.poll() is None:
            meanwhile(time.monotonic() - start, process.pid)
            if time.monotonic() - start > limit:
                end(process.pid)
            time.sleep(0.02)
        seen.seconds = time.monotonic() - start
        ended.set()
        watch.join()
        said.seek(0)
        seen.code, seen.said = process.returncode, said.read().decode("utf-8", "replace")
    return seen


def _watch(
    process: int, workers: Callable[[int], list[int]], seen: Watched, start: float, ended: threading.Event
) -> None:
    while not ended.wait(_TICK):
        now = time.monotonic() - start
        working = workers(process)
        seen.driver = max(seen.driver, sum(_resident(one) for one in tree_of(process) if one not in working))
        for one in working:
            if mb := _resident(one):
                seen.workers.setdefault(one, []).append((now, mb))


def _resident(process: int) -> float:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{process}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
    return 0.0


__all__ = ["FOLDER", "ROOT", "TARGETS", "Meanwhile", "Nodes", "Watched", "children_of", "command", "nodes"]
