"""Runs the grid: cells go to processes of their own, what they come to is recorded, and signals stop it in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ganbench.bench.cell import Note, Status, Step, run_cell
from ganbench.bench.changes import refuse_changes
from ganbench.bench.grid import Cell, Plan
from ganbench.bench.progress import GridProgress
from ganbench.errors import GanbenchError
from ganbench.system.outputs import write_text
from ganbench.system.text import json_text
from ganbench.system.workers import Died, Workers
from ganbench.training.data import decode_source
from ganbench.training.loop import Stopped
from ganbench.training.run_folder import RunFolder


def run_grid(
    plan: Plan, cells: list[Cell], *, jobs: int = 1, say: Callable[[str], None] = lambda text: None
) -> list[Status]:
    """Run every cell to its end; a cell that fails, or whose process dies, is recorded and the rest goes on.

    Every cell runs in a process of its own. Called from a script, that needs the usual
    ``if __name__ == "__main__":``. Results are the same to the bit on the same number of cores per job.

    Args:
        plan: what the cells share.
        cells: what to run; what is done of them already is left out.
        jobs: cells at a time, each on its share of the cores.
        say: is told in one line what a person should know.

    Returns:
        One status per cell, as in its ``status.json``.

    Raises:
        Stopped: SIGINT or SIGTERM came; what was training was saved, and the same call goes on there.
        GanbenchError: the folder was begun with other settings, another process works in it, or bad images.
    """
    lock = RunFolder(plan.place.out).lock()
    try:
        source = plan.place.open()
        refuse_changes(cells, plan.place.out, source)
        images = len(decode_source(source, say))  # once, before the processes all look for it
        return _run(plan, cells, GridProgress(plan, cells, images, jobs), jobs, say)
    finally:
        RunFolder(plan.place.out).unlock(lock)


def _run(plan: Plan, cells: list[Cell], progress: GridProgress, jobs: int, say: Callable[[str], None]) -> list[Status]:
    statuses: dict[int, Status] = {}

    def hear(number: int, message: object) -> None:
        if isinstance(message, Step):
            progress.reach(number, message.step)
        elif isinstance(message, Note):
            say(f"{cells[number].name}: {message.text}")

    with Workers(partial(run_cell, plan), jobs) as workers, _stopped_by_signals(workers), progress.bar():
        say(progress.left())
        for number, result in workers.run(cells, hear):
            status = _explain(result, cells[number], workers.stopping)
            statuses[number] = status
            if status.state != "stopped":
                progress.finish(number)
            _record(plan, status, say)
            say(f"{status.name}: {status.state}{': ' if status.reason else ''}{status.reason} ({progress.left()})")
        if any(status.state == "stopped" for status in statuses.values()) or len(statuses) < len(cells):
            raise Stopped("stopped; what was training was saved. The same command goes on from there")
    return [statuses[number] for number in range(len(cells))]


def _explain(result: Status | Died, cell: Cell, stopping: bool) -> Status:
    if isinstance(result, Status):
        return result
    return Status.of(cell, "stopped" if stopping else "failed", result.why)


def _record(plan: Plan, status: Status, say: Callable[[str], None]) -> None:
    try:
        write_text(plan.place.out / status.name / "status.json", json_text(status.to_dict()))
    except GanbenchError as e:
        say(f"{status.name}: {e}")


@contextmanager
def _stopped_by_signals(workers: Workers) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the workers; the second SIGINT interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def request(number: int, frame: object) -> None:
        del frame
        if workers.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        workers.stop()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
