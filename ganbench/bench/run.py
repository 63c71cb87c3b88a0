"""Runs the grid: cells go to processes of their own, what they come to is recorded, and signals stop it in order.

Several calls may work in one place at a time, on one machine or on many: each holds the cells that it works on, takes
those that nobody holds, and leaves the others to whom they belong.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from ganbench.bench.cell import Note, Step, run_cell
from ganbench.bench.changes import refuse_changes
from ganbench.bench.grid import Cell, Plan
from ganbench.bench.out import Out
from ganbench.bench.progress import GridProgress
from ganbench.bench.status import Status
from ganbench.bench.survey import survey
from ganbench.bench.written import Written
from ganbench.system.cluster import Died, Executor, Needs, Site, executor
from ganbench.system.lease import LEASE
from ganbench.training.data import decode_source
from ganbench.training.loop import Stopped

_PATIENCE = 10.0  # seconds for which a held cell of a folder is looked at: what held it may be about to end
_LOOK_EVERY = 0.5  # seconds
_OTHERS = {"held", "lost"}  # how a cell ends that another process has


def run_grid(
    plan: Plan,
    cells: list[Cell],
    *,
    all_cells: list[Cell] | None = None,
    site: Site | None = None,
    needs: Needs | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[Status]:
    """Run cells to their end; one that fails, or whose process dies, is recorded and the rest goes on.

    Every cell runs in a process of its own. Called from a script, that needs the usual
    ``if __name__ == "__main__":``. Results are the same to the bit on the same number of cores per cell.

    Args:
        plan: what the cells share.
        cells: what to run; what is done of them already is left out, and so is what another process holds.
        all_cells: of the grid, where ``cells`` are a part of them.
        site: where they run; default: one at a time on this machine.
        needs: what one of them takes; default: its share of this machine's cores, or one core of a cluster.
        say: is told in one line what a person should know.

    Returns:
        One status per cell.

    Raises:
        Stopped: SIGINT or SIGTERM came; what was training was saved, and the same call goes on there.
        GanbenchError: the place was begun with other settings, or another process works there with others; bad images.
    """
    site, out = site or Site(), Out(plan.workspace)
    plan = replace(plan, threads=needs.threads) if needs is not None else plan
    source = plan.workspace.open()
    images = len(decode_source(source, say))  # once, before the processes all look for it
    written = Written.of(plan, all_cells or cells, source, images)
    out.refresh()
    refuse_changes(cells, out.folder, source)
    out.begin(written, all_cells or cells)
    with (
        executor(partial(run_cell, plan), site, needs, apart=True) as crew,
        _stopped_by_signals(crew),
    ):
        bench = _Bench(plan, cells, written, out, crew, say)
        progress = GridProgress(plan, cells, images, crew.slots)
        with progress.bar():
            say(progress.left())
            return bench.run(progress)


class _Bench:
    """The cells of one call, and what has come of them."""

    def __init__(
        self,
        plan: Plan,
        cells: list[Cell],
        written: Written,
        out: Out,
        crew: Executor,
        say: Callable[[str], None],
    ) -> None:
        self._plan, self._cells, self._written, self._out = plan, cells, written, out
        self._crew, self._say = crew, say
        self._statuses: dict[int, Status] = {}

    def run(self, progress: GridProgress) -> list[Status]:
        """Run all cells, then those that other processes have let go of in the meantime."""
        todo = list(range(len(self._cells)))
        while todo and not self._crew.stopping:
            for number, result in self._crew.run([self._cells[n] for n in todo], self._hear(todo, progress)):
                self._take(todo[number], result, progress)
            todo = self._let_go(progress)
        states = {status.state for status in self._statuses.values()}
        if len(self._statuses) < len(self._cells) or "stopped" in states or (self._crew.stopping and states & _OTHERS):
            raise Stopped("stopped; what was training was saved. The same command goes on from there")
        return [self._statuses[number] for number in range(len(self._cells))]

    def _hear(self, todo: list[int], progress: GridProgress) -> Callable[[int, object], None]:
        def hear(number: int, message: object) -> None:
            if isinstance(message, Step):
                progress.reach(todo[number], message.step)
            elif isinstance(message, Note):
                self._say(f"{self._cells[todo[number]].name}: {message.text}")

        return hear

    def _take(self, number: int, result: Status | Died, progress: GridProgress) -> None:
        """Take in how a cell ended."""
        status = self._explain(result, self._cells[number])
        self._statuses[number] = status
        if status.state in ("done", "failed"):
            progress.finish(number)
        if isinstance(result, Died):
            self._out.record(status, self._say)
        why = f"{': ' if status.reason else ''}{status.reason}"
        self._say(f"{status.name}: {status.state}{why} ({progress.left()})")

    def _explain(self, result: Status | Died, cell: Cell) -> Status:
        if isinstance(result, Died):
            return Status.of(cell, "stopped" if self._crew.stopping else "failed", result.why)
        return result

    def _let_go(self, progress: GridProgress) -> list[int]:
        """Return the cells that were held and are not any more, and not at their end; wait a while for the first.

        Of a folder, a process that was killed may hold a cell for a moment longer. Of an object store, a holder is
        looked at until it gives a sign of life, or is known to be dead.
        """
        held = [number for number, status in self._statuses.items() if status.state in _OTHERS]
        if not held:
            return []
        sights = {number: self._out.sight(self._cells[number].name) for number in held}
        patience = LEASE + _PATIENCE if isinstance(self._plan.workspace.out, str) else _PATIENCE
        end = time.monotonic() + patience
        while not self._crew.stopping:
            free = [number for number, sight in sights.items() if sight.is_free()]
            if free:
                return self._unfinished(free, progress) or self._let_go(progress)
            if time.monotonic() > end or all(sight.lives for sight in sights.values()):
                break
            time.sleep(_LOOK_EVERY)
        return []

    def _unfinished(self, numbers: list[int], progress: GridProgress) -> list[int]:
        """Return those of some cells that are not at their end; take in what others have done."""
        self._out.refresh()
        found = {one.name: one for one in survey(self._written, [self._out.folder])}
        left = []
        for number in numbers:
            cell = self._cells[number]
            if (one := found[cell.name]).is_over:
                self._take(number, Status.of(cell, one.state, one.reason or "by another process"), progress)
            else:
                left.append(number)
        return left


@contextmanager
def _stopped_by_signals(crew: Executor) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the processes; the second SIGINT interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def request(number: int, frame: object) -> None:
        del frame
        if crew.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        crew.stop()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
