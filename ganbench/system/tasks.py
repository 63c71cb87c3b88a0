"""Tasks: what they take, in what order they are handed out, and what comes back, wherever they run.

A task is a picklable argument of one picklable function, with no effect but its result and files that doing it twice
leaves the same: so it may run anywhere, and once more after a process was lost.
"""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.system.memory import LEAST, MOST, SHARE
from ganbench.system.urls import is_url
from ganbench.system.wall import reason

Tell = Callable[[object], None]
Function = Callable[[Any, Tell], Any]
Hear = Callable[[int, object], None]


@dataclass(frozen=True)
class Needs:
    """What one task takes while it runs.

    Attributes:
        cores: of the processor; also the number of threads that the libraries below start.
        memory: of the whole process, bytes; 0: not stated.
        gpus: share of one GPU, or several whole ones.
    """

    cores: float = 1.0
    memory: int = 0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.cores <= 0 or self.memory < 0 or self.gpus < 0:
            raise GanbenchError(f"a task cannot need {self.cores} cores, {self.memory} bytes and {self.gpus} GPUs")

    @property
    def threads(self) -> int:
        """Return the number of threads that its libraries may start."""
        return max(1, int(self.cores))

    def budget(self, shared: int) -> int:
        """Return the memory budget of one process, bytes (see ``system/memory.py``).

        Args:
            shared: what is left to each of those that share the machine.
        """
        return shared if not self.memory else max(LEAST, min(MOST, shared, self.memory // SHARE))


@dataclass(frozen=True)
class Died:
    """In place of a result: the process ended without one."""

    why: str


@dataclass(frozen=True)
class Raised:
    """In place of a result, between processes: the function raised this; whoever waits for the result raises it too."""

    error: Exception

    @classmethod
    def of(cls, e: Exception) -> Raised:
        """Return what can be sent of an exception: ours as it is, any other with the place where it was raised."""
        try:
            sent = pickle.loads(pickle.dumps(e))
        except Exception:  # it holds what cannot be sent, or cannot be made from its text
            sent = GanbenchError(str(e)) if isinstance(e, GanbenchError) else RuntimeError(reason(e))
        if not isinstance(e, GanbenchError):
            sent.__cause__ = _Elsewhere("".join(traceback.format_exception(e)))
        return cls(sent)

    def __reduce__(self) -> tuple[object, ...]:
        # Pickle leaves out the cause of an exception.
        return _raised, (self.error, str(self.error.__cause__ or ""))


class _Elsewhere(Exception):
    """The traceback of another process, shown above the one of this process."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}" if self.args[0] else ""


def _raised(error: Exception, story: str) -> Raised:
    if story:
        error.__cause__ = _Elsewhere(story.lstrip("\n"))
    return Raised(error)


def attempt(function: Function, task: object, tell: Tell) -> object:
    """Return the result of a task, or Raised."""
    try:
        return function(task, tell)
    except Exception as e:
        return Raised.of(e)


class Feed:
    """Tasks that are taken from an iterable when there is room for them, each with its number."""

    def __init__(self, tasks: Iterable[Any], ahead: int | None = None) -> None:
        """Set up.

        Args:
            tasks: may be lazy, and without end.
            ahead: a task is given out only while the oldest one that is not finished lies less than this many back, so
                that who merges in order never has to hold more; None: no such limit.
        """
        self._tasks = enumerate(tasks)
        self._ahead = ahead
        self._next = 0
        self._open: set[int] = set()
        self._ended = False

    def take(self) -> tuple[int, Any] | None:
        """Return the next task with its number; None when there is none, or none yet."""
        if self._ended or (self._ahead and self._open and self._next - min(self._open) >= self._ahead):
            return None
        found = next(self._tasks, None)
        if found is None:
            self._ended = True
            return None
        self._next += 1
        self._open.add(found[0])
        return found

    def finish(self, number: int) -> None:
        """Take note that a task has its result."""
        self._open.discard(number)


_node = ""  # what people call the machine, in a process that works for another one


def on_node(name: str | None = None) -> str:
    """Return the name of the node that this process works on for a driver elsewhere; "" on the user's own machine.

    Args:
        name: what it is from now on; None asks only.
    """
    global _node
    if name is not None:
        _node = name
    return _node


def refuse_unseen(*paths: str | Path | None) -> None:
    """Say that a node does not see a path that the user named; nothing is said on the user's own machine.

    Args:
        paths: of files and folders; URLs and None are passed over.

    Raises:
        GanbenchError: this is a node, and one of them is not there.
    """
    for path in paths:
        if _node and path is not None and not is_url(path) and not Path(path).exists():
            raise GanbenchError(
                f"{path} is not there on node {_node}. Put it where every node sees it: on a disk that they share "
                "(under the same path), or in object storage, and give its URL"
            )


def ignore(number: int, message: object) -> None:
    """Hear a message and do nothing."""
    del number, message


def inline(function: Function, feed: Feed, hear: Hear, go_on: Callable[[], bool]) -> Iterator[tuple[int, Any]]:
    """Do the tasks in this process, one after the other; what the function raises is raised."""
    while go_on() and (found := feed.take()) is not None:
        number, task = found

        def tell(message: object, number: int = number) -> None:
            hear(number, message)

        result = function(task, tell)
        feed.finish(number)
        yield number, result
