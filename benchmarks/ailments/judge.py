"""The doctor is asked what ails a run, again and again while its record grows."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from blind.journal import Journal

from ailments.ask import diagnose
from ailments.base import Run
from ailments.cuts import cut
from ailments.make import EVERY, begin
from ganbench.system.progress import track


def judge(runs: Sequence[Run], keep: Path, made: Journal, judged: Journal, jobs: int) -> None:
    """Ask about every run that is not in the journal yet.

    Args:
        runs: what is wanted; all are made.
        keep: where their folders are.
        made: how each ended.
        judged: gets, for every run, what was said at which look.
        jobs: processes.
    """
    left = [run for run in runs if run.key not in judged]
    with track("asking the doctor", len(runs), len(runs) - len(left), unit="runs") as advance:
        context = multiprocessing.get_context("spawn")
        slots = context.Queue()
        for slot in range(jobs):
            slots.put(slot)
        with ProcessPoolExecutor(jobs, context, begin, (slots,)) as workers:
            waiting = {workers.submit(said, keep / run.key, made.outcomes[run.key]["steps"]): run for run in left}
            for future in as_completed(waiting):
                run = waiting[future]
                judged.add(run.key, {"looks": future.result()})
                advance(1, run.key)


def said(folder: Path, steps: int) -> list[dict[str, Any]]:
    """Return what is said of a run at every look: while it grew, and of the whole folder when it had ended."""
    looks = []
    with tempfile.TemporaryDirectory(prefix="ganbench-doctor-") as temporary:
        for step in range(EVERY, steps, EVERY):
            looks.append({"step": step, "kinds": diagnose(cut(folder, Path(temporary) / folder.name, step))})
    return [*looks, {"step": steps, "kinds": diagnose(folder)}]
