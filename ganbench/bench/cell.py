"""One cell: train, sample and score, probe. What its folder holds already is not done again."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ganbench.bench.grid import Cell, Plan
from ganbench.diagnostics.curves import measure, of_run
from ganbench.errors import GanbenchError
from ganbench.features.runtime import resolve_device
from ganbench.images.source import Source
from ganbench.runs.facts import is_probed, trained_steps
from ganbench.runs.scored import is_scored, score_run
from ganbench.system.outputs import write_text
from ganbench.system.text import csv_frame
from ganbench.training.data import TrainingImages, decode_source
from ganbench.training.loop import LoopOptions, Stopped
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train

_TELL_EVERY = 0.5  # seconds
_PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Status:
    """How a cell ended: ``done``, ``failed`` or ``stopped``, and why."""

    name: str
    variant: str
    seed: int
    state: str
    reason: str = ""
    traceback: str = ""

    @classmethod
    def of(cls, cell: Cell, state: str, reason: str = "", story: str = "") -> Status:
        """Return the status of a cell."""
        return cls(cell.name, cell.recipe.variant, cell.recipe.training.seed, state, reason, story)

    def to_dict(self) -> dict[str, object]:
        """Return it as ``status.json`` holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Step:
    """Told while a cell trains: how many steps are done."""

    step: int


@dataclass(frozen=True)
class Note:
    """Told when there is something that a person should know."""

    text: str


def run_cell(plan: Plan, cell: Cell, tell: Callable[[object], None]) -> Status:
    """Bring one cell to its end; whatever goes wrong becomes its status, so that the others go on."""
    try:
        _bring_to_its_end(plan, cell, tell)
    except Stopped as e:
        return Status.of(cell, "stopped", str(e))
    except GanbenchError as e:
        return Status.of(cell, "failed", str(e))
    except Exception as e:  # a fault of ours must not cost the other cells
        return Status.of(cell, "failed", f"{type(e).__name__}: {e}", traceback.format_exc())
    return Status.of(cell, "done")


def _bring_to_its_end(plan: Plan, cell: Cell, tell: Callable[[object], None]) -> None:
    grid, place = plan.grid, plan.place
    folder, source = place.out / cell.name, place.open()
    RunFolder(folder).refuse_links()
    _wait_for_the_lock(RunFolder(folder))
    RunFolder(folder).sweep()
    pixels = decode_source(source, lambda text: tell(Note(text)))
    total = cell.recipe.steps(len(pixels))
    if trained_steps(folder) < total:
        _train(plan, cell, source, tell)
    if not is_scored(folder, plan.scoring, grid.samples):
        tell(Note("scoring"))
        score_run(folder, plan.scoring, grid.samples)
    if grid.gradnorm_steps and not is_probed(folder, total, grid.gradnorm_steps):
        tell(Note("probing gradients"))
        _probe(folder, pixels, source.digest(), grid.gradnorm_steps, place.device)


def _wait_for_the_lock(run: RunFolder) -> None:
    """Wait for the process of a bench killed a moment ago: it ends by itself, on a busy machine not at once."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            run.unlock(run.lock())
            return
        except GanbenchError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def _train(plan: Plan, cell: Cell, source: Source, tell: Callable[[object], None]) -> None:
    grid, place = plan.grid, plan.place
    options = LoopOptions(
        score_every=grid.score_every,
        save_every=grid.save_every,
        scoring=plan.scoring,
    )
    told = 0.0

    def observe(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        nonlocal told
        del real, fake
        if time.monotonic() - told > _TELL_EVERY:
            told = time.monotonic()
            tell(Step(step))

    train(
        cell.recipe,
        source,
        place.out / cell.name,
        device=place.device,
        resume=True,
        options=options,
        observers=[observe],
        warn=lambda text: tell(Note(text)),
    )


def _probe(folder: Path, pixels: np.ndarray, digest: str, steps: int, device: str) -> None:
    curve = of_run(folder)
    training = curve.recipe.training
    images = TrainingImages(pixels, digest, batch=training.batch, seed=training.seed)
    frame = measure(curve, images, steps, device=torch.device(resolve_device(device)))
    write_text(RunFolder(folder).gradnorm, csv_frame(frame))
