"""How much of this machine the process may use."""

from __future__ import annotations

import functools
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


def available_cores() -> int:
    """Return the number of cores that this process may use (respects affinity and container masks)."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_to_cores(slot: int, count: int) -> None:
    """Let this process use ``count`` of its cores: those of its slot, so that siblings share none; a no-op elsewhere.

    Args:
        slot: number among the siblings, from 0. Beyond the last core it starts again at the first.
        count: cores per slot.
    """
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[(slot * count + i) % len(cores)] for i in range(count)})


@functools.cache
def all_cores() -> tuple[int, ...]:
    """Return the cores that this process could use when this was first asked, whatever it was kept to since."""
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


@contextmanager
def own_cores(count: int) -> Iterator[None]:
    """Keep this process, with all its threads, to ``count`` cores that no other block of this kind uses meanwhile.

    For processes that have no common parent to number them. Where all cores are taken, it shares some; a no-op but on
    Linux. A core is taken by the name of a socket, which the system gives back when the process ends, however it ends.
    """
    if sys.platform != "linux":
        yield
        return
    cores = all_cores()
    with ExitStack() as held:
        mine: list[int] = []
        for core in cores:
            if len(mine) < count and _take(core, held):
                mine.append(core)
        others = [core for core in cores if core not in mine]
        mine += [others[(os.getpid() + i) % len(others)] for i in range(min(count - len(mine), len(others)))]
        for thread in Path("/proc/self/task").iterdir():
            try:
                os.sched_setaffinity(int(thread.name), mine)
            except OSError:  # it has ended in the meantime
                continue
        yield


def _take(core: int, held: ExitStack) -> bool:
    if sys.platform == "win32":  # has no such sockets, and no caller
        return False
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0ganbench-core-{core}")
    except OSError:
        name.close()
        return False
    held.enter_context(name)
    return True
