"""All loggers of a run, none of which can cost the run anything: neither an error of theirs, nor their time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ganbench.loggers.base import Begin, Logger
from ganbench.loggers.registry import LOGGERS
from ganbench.system.notes import Note
from ganbench.system.wall import reason

if TYPE_CHECKING:
    import numpy as np

_WAITING = 10_000  # calls that a slow logger may be behind: importing some of them alone takes many seconds ...
_PICTURES = 16  # ... and pictures among these, which are large
_FAILURES = 3  # in a row, after which a logger is left alone
_AT_THE_END = 60.0  # seconds that loggers have, all together, to finish

_Call = Callable[[Logger], None]


class Loggers:
    """Hands everything on to each logger, in a thread of its own: a server that does not answer stops no training."""

    def __init__(self, names: Sequence[str], begins: Callable[[str], Begin], note: Note) -> None:
        """Open the loggers.

        Args:
            names: as ``--log`` takes them.
            begins: returns what a logger of this name is told of the run.
            note: is told in one line what goes wrong.
        """
        self._threads = [_Thread(name, begins, note) for name in dict.fromkeys(names)]

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Log numbers of a step."""
        kept = dict(values)
        for thread in self._threads:
            thread.put(lambda logger: logger.scalars(step, kept))

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Log a picture, uint8 (H, W, 3)."""
        for thread in self._threads:
            thread.show(step, name, pixels)

    def close(self, *, finished: bool) -> None:
        """End the logs; see ``Logger.close``. Waits for what is still to be written, but not for ever."""
        end = time.monotonic() + _AT_THE_END
        for thread in self._threads:
            thread.finish(lambda logger: logger.close(finished=finished), end)
        for thread in self._threads:
            thread.wait(end)


class _Thread:
    """One logger, and the calls that wait for it."""

    def __init__(self, name: str, begins: Callable[[str], Begin], note: Note) -> None:
        self._name, self._begins, self._note = name, begins, note
        self._calls: queue.Queue[_Call | None] = queue.Queue(_WAITING)
        self._room = threading.Semaphore(_PICTURES)
        self._left_out = 0
        self._given_up = False
        self._thread = threading.Thread(target=self._work, daemon=True, name=f"ganbench log {name}")
        self._thread.start()

    def put(self, call: _Call) -> None:
        """Hand a call on; it is left out where too many wait already."""
        if self._given_up:
            return
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            self._leave_out()

    def show(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Hand a picture on, likewise."""

        def call(logger: Logger) -> None:
            try:
                logger.image(step, name, pixels)
            finally:
                self._room.release()

        if self._room.acquire(blocking=False):
            self.put(call)
        elif not self._given_up:
            self._leave_out()

    def _leave_out(self) -> None:
        if self._left_out == 0:
            self._say("does not keep up; what it has no time for is left out")
        self._left_out += 1

    def finish(self, last: _Call, end: float) -> None:
        """Hand on the last call."""
        for call in (last, None):
            try:
                self._calls.put(call, timeout=max(0.0, end - time.monotonic()))
            except queue.Full:
                return

    def wait(self, end: float) -> None:
        """Wait until all is written, to a point in time."""
        self._thread.join(max(0.0, end - time.monotonic()))
        if self._thread.is_alive():
            self._given_up = True
            self._say("did not finish in time; its last lines may be missing")
        elif self._left_out:
            self._say(f"{self._left_out} of its lines and pictures were left out")

    def _work(self) -> None:
        failures = 0
        try:
            logger = LOGGERS[self._name]()
            logger.open(self._begins(self._name))
        except BaseException as e:  # what somebody else's package raises, SystemExit too, ends with this thread
            self._give_up(f"could not be opened: {reason(e)}. The run goes on without it")
            return
        while (call := self._calls.get()) is not None and not self._given_up:
            try:
                call(logger)
                failures = 0
            except BaseException as e:
                failures += 1
                if failures == 1:
                    self._say(f"{reason(e)}. The run goes on")
                elif failures == _FAILURES:
                    self._give_up(f"failed {_FAILURES} times in a row: it gets nothing more. The run goes on")
                    return

    def _give_up(self, text: str) -> None:
        self._given_up = True
        self._say(text)
        while self._calls.qsize():  # room for the last call of the run, which nobody waits for
            self._calls.get_nowait()

    def _say(self, text: str) -> None:
        self._note(f"--log {self._name}: {text}")
