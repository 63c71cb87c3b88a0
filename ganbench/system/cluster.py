"""Where tasks run: in this process, in processes of this machine, or on a Ray cluster. The caller never learns which.

Results are the same to the bit wherever they come from: a task gets the number of threads that it declared, and
whoever merges does it in the order of the tasks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ganbench.errors import GanbenchError
from ganbench.system.notes import Note, log_note
from ganbench.system.tasks import Died, Feed, Function, Hear, Needs, Tell, ignore, inline

__all__ = ["Died", "Executor", "Needs", "Site", "Tell", "executor", "merged_in_order", "run_tasks"]

_ADDRESS = re.compile(r"auto|(ray://)?[^\s:/@]+:\d{1,5}")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Site:
    """Where tasks run.

    Attributes:
        jobs: processes at a time on this machine.
        cluster: address of a Ray cluster: ``auto`` (the one that this machine belongs to), ``host:port`` or
            ``ray://host:port``; None: this machine.
    """

    jobs: int = 1
    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise GanbenchError(f"{self.jobs} jobs: at least one process has to work")
        if self.cluster is None:
            return
        if not _ADDRESS.fullmatch(self.cluster):
            raise GanbenchError(
                f"--cluster {self.cluster}: expected auto, HOST:PORT or ray://HOST:PORT, the address of a Ray cluster"
            )
        if self.jobs != 1:
            raise GanbenchError(
                f"--jobs {self.jobs} is for this machine; on a cluster its cores decide how many tasks run at a time. "
                "Leave out --jobs or --cluster"
            )


class Executor(Protocol):
    """Applies one function to tasks.

    Attributes:
        slots: tasks that run at a time, as far as is known.
        stopping: whether ``stop`` was called.
    """

    slots: int
    stopping: bool

    def run(self, tasks: Iterable[Any], hear: Hear = ignore) -> Iterator[tuple[int, Any]]:
        """Yield ``(number of the task, its result or Died)``, as they come.

        Args:
            tasks: what to work on, handed out in order; may be lazy. A task is taken when there is room for it.
            hear: is called with the task's number and every message that it told, all of them before its result.

        Raises:
            GanbenchError: the function raised it, or the cluster is lost.
            Exception: whatever else the function raised.
        """

    def stop(self) -> None:
        """Hand out nothing more, and ask what runs to end, as SIGTERM does; ``run`` then comes to its end."""


class _Here:
    """This process: no other one, no pickling."""

    slots = 1

    def __init__(self, function: Function) -> None:
        self._function = function
        self.stopping = False

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *reason: object) -> None:
        pass

    def run(self, tasks: Iterable[Any], hear: Hear = ignore) -> Iterator[tuple[int, Any]]:
        return inline(self._function, Feed(tasks), hear, lambda: not self.stopping)

    def stop(self) -> None:
        self.stopping = True


def executor(
    function: Function,
    site: Site,
    needs: Needs | None = None,
    *,
    ahead: int | None = None,
    apart: bool = False,
    again: bool = False,
    note: Note = log_note,
) -> AbstractContextManager[Executor]:
    """Return what applies a function to tasks at a site; leaving the block ends what still runs.

    Args:
        function: called with a task and ``tell``, which sends a message. It, the tasks, the messages and the results go
            through pickle. Called from a script, processes need the usual ``if __name__ == "__main__":``.
        site: where.
        needs: what one task takes; on this machine, without it, every process has its share of the cores.
        ahead: how far the tasks that are handed out may be ahead of the oldest unfinished one; None: no limit.
        apart: never in this process, not even with one job: for tasks that may end their process, or are stopped by
            a signal. On a cluster they always are.
        again: whether a task whose process on this machine died is done once more before it counts as ``Died``. On a
            cluster it always is.
        note: is told in one line what a person should know of the cluster.

    Raises:
        GanbenchError: the cluster cannot be reached, or Ray is not installed.
    """
    if site.cluster is not None:
        from ganbench.system.ray_workers import RayWorkers

        return RayWorkers(function, site.cluster, needs or Needs(), ahead=ahead, note=note)
    if site.jobs == 1 and not apart:
        return _Here(function)
    from ganbench.system.workers import Workers  # which a process that works alone never needs

    return Workers(function, site.jobs, needs, ahead=ahead, again=again)


def run_tasks(
    function: Function,
    tasks: Iterable[Any],
    site: Site,
    needs: Needs | None = None,
    *,
    hear: Hear = ignore,
    ahead: int | None = None,
    apart: bool = False,
    note: Note = log_note,
) -> Iterator[tuple[int, Any]]:
    """Yield ``(number of the task, its result or Died)``, as they come; see ``executor`` and ``Executor.run``."""
    with executor(function, site, needs, ahead=ahead, apart=apart, note=note) as crew:
        yield from crew.run(tasks, hear)


def merged_in_order(results: Iterable[tuple[int, _T]]) -> Iterator[_T]:
    """Yield results in the order of their tasks, whatever the order in which they come.

    What comes early is held until its turn: ``ahead`` of the executor bounds how much that is.
    """
    early: dict[int, _T] = {}
    turn = 0
    for number, result in results:
        early[number] = result
        while turn in early:
            yield early.pop(turn)
            turn += 1
