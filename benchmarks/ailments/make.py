"""Makes the runs, by the command that anybody trains with, in processes of one core each."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from blind.journal import Journal

from ailments.base import Run
from ailments.catalogue import BY_NAME, SIZE, settings_of, steps_of
from ganbench.errors import GanbenchError
from ganbench.images.resize import Resize
from ganbench.images.sources import open_source
from ganbench.system.cores import keep_to_cores
from ganbench.system.progress import set_quiet, track

IMAGES = 4000  # of given faces, that a run trains on at most
EVERY = 50  # steps between sample sheets, and between the moments at which the doctor is asked


def training_images(data: Path | None, keep: Path) -> Path:
    """Return an archive of images of the right size: of given faces the first, or of toy faces."""
    from ganbench.toyfaces.cached import cached_toyfaces

    if data is None:
        return cached_toyfaces(SIZE)
    path = keep / "faces.npz"
    if not path.exists():
        source, resize = open_source(data), Resize(SIZE, SIZE, "bicubic")
        count = min(IMAGES, len(source))
        keep.mkdir(parents=True, exist_ok=True)
        np.savez(path, np.stack([resize(source.load(position)) for position in range(count)]))
    return path


def make(runs: Sequence[Run], data: Path, keep: Path, journal: Journal, jobs: int, seconds: float) -> None:
    """Train what is not in the journal yet.

    Args:
        runs: what is wanted.
        data: the training images.
        keep: their folders go there.
        journal: says how each ended.
        jobs: processes.
        seconds: after which no further run is begun.
    """
    left = [run for run in runs if run.key not in journal]
    started = time.monotonic()
    with track("training", len(runs), len(runs) - len(left), unit="runs") as advance:

        def done(run: Run, outcome: dict[str, Any]) -> None:
            journal.add(run.key, outcome)
            advance(1, run.key)

        context = multiprocessing.get_context("spawn")
        slots = context.Queue()
        for slot in range(jobs):
            slots.put(slot)
        with ProcessPoolExecutor(jobs, context, begin, (slots,)) as workers:
            busy: dict[Future[dict[str, Any]], Run] = {}
            for run in left:
                if time.monotonic() - started > seconds:
                    break
                busy[workers.submit(train, run, data, keep / run.key)] = run
                while len(busy) >= jobs:
                    ended = next(as_completed(busy))
                    done(busy.pop(ended), ended.result())
            for future in as_completed(busy):
                done(busy[future], future.result())


def begin(slots: Any) -> None:
    """Keep a new process to its core, and quiet."""
    keep_to_cores(slots.get(), 1)
    set_quiet(True)
    import torch

    torch.set_num_threads(1)


def train(run: Run, data: Path, folder: Path, *more: str) -> dict[str, Any]:
    """Train one run from its beginning; returns how it ended.

    Args:
        run: which one.
        data: the training images.
        folder: the run folder.
        more: further options of ``ganbench train``.
    """
    import shutil

    from ganbench.training.recipe import load_recipe

    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    settings, ailment = settings_of(run), BY_NAME.get(run.ailment)
    recipe = load_recipe(run.variant, "cpu", settings)
    patched = ailment.patch(recipe) if ailment and ailment.patch else nullcontext()
    limit = ["--limit", str(ailment.images)] if ailment and ailment.images else []
    before = time.perf_counter()
    with patched:
        ended = command(
            "train", "--variant", run.variant, "--preset", "cpu", "--data", str(data), "--run", str(folder),
            *(part for text in settings for part in ("--set", text)),
            "--steps", str(steps_of(run)), "--seed", str(run.seed), "--device", "cpu",
            "--log-every", "10", "--sheet-every", str(EVERY), "--save-every", "200", "--quiet", *limit, *more,
        )  # fmt: skip
    return {"ended": ended, "steps": last_step(folder), "seconds": round(time.perf_counter() - before, 1)}


def command(*arguments: str) -> str:
    """Run ``ganbench`` with these arguments in this process, where the patches are; returns the error, if any."""
    import typer

    from ganbench.cli.app import app

    try:
        typer.main.get_command(app)(list(arguments), standalone_mode=False)
    except GanbenchError as e:
        return f"{type(e).__name__}: {e}"
    return ""


def last_step(folder: Path) -> int:
    """Return the step that a run's log ends with."""
    from ganbench.training.run_folder import RunFolder

    lines = RunFolder(folder).read_metrics()
    return int(lines[-1]["step"]) if lines else 0
