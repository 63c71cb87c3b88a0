"""One cell: train, sample and score, probe. What its folder holds already is not done again."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ganbench.bench.grid import Cell, Plan
from ganbench.bench.out import is_written
from ganbench.bench.status import Status
from ganbench.diagnostics.curves import measure, of_run
from ganbench.doctor.watch import Doctor
from ganbench.errors import GanbenchError
from ganbench.features.runtime import resolve_device
from ganbench.images.source import Source
from ganbench.runs.facts import is_probed, trained_steps
from ganbench.runs.scored import is_scored, score_run
from ganbench.system.outputs import write_text
from ganbench.system.text import csv_frame, json_text
from ganbench.training.data import TrainingImages, decode_source
from ganbench.training.hold import Held, Hold, Lost
from ganbench.training.loop import Stopped
from ganbench.training.options import LoopOptions
from ganbench.training.start import train
from ganbench.training.stored import take

_TELL_EVERY = 0.5  # seconds


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

    def note(text: str) -> None:
        tell(Note(text))

    def attempt() -> None:
        if plan.threads is not None:
            torch.set_num_threads(plan.threads)  # wherever it runs, for the sake of the last bits
        if not is_written(plan.workspace):
            raise GanbenchError(
                f"{socket.gethostname()} does not see what was begun in {plan.workspace.label}. On several machines, "
                "--out has to be a folder that all of them mount, or a URL"
            )
        hold = take(plan.workspace.cell(cell.name), note, keep=False)
        try:
            status = ended(cell, lambda: _bring_to_its_end(plan, cell, hold, tell))
            if status.state != "lost":
                hold.check()
                write_text(hold.run.status, json_text(status.to_dict()))
        finally:
            hold.release()
        statuses.append(status)

    statuses: list[Status] = []
    failed = ended(cell, attempt)
    return statuses[0] if statuses and failed.state == "done" else failed


def ended(cell: Cell, act: Callable[[], None]) -> Status:
    """Do something for a cell, and say how that ended."""
    try:
        act()
    except Stopped as e:
        return Status.of(cell, "stopped", str(e))
    except Held as e:
        return Status.of(cell, "held", e.by)
    except Lost as e:
        return Status.of(cell, "lost", str(e))
    except GanbenchError as e:
        return Status.of(cell, "failed", str(e))
    except Exception as e:  # a fault of ours must not cost the other cells
        return Status.of(cell, "failed", f"{type(e).__name__}: {e}", traceback.format_exc())
    return Status.of(cell, "done")


def _bring_to_its_end(plan: Plan, cell: Cell, hold: Hold, tell: Callable[[object], None]) -> None:
    grid, workspace = plan.grid, plan.workspace
    folder, source = hold.run.path, workspace.open()
    hold.run.sweep()
    pixels = decode_source(source, lambda text: tell(Note(text)))
    total = cell.recipe.steps(len(pixels))
    if trained_steps(folder) < total:
        _train(plan, cell, source, hold, tell)
    if not is_scored(folder, plan.scoring.key, grid.samples):
        tell(Note("scoring"))
        hold.check()
        score_run(folder, plan.scoring, grid.samples, name=cell.name)
        hold.saved()
    if grid.gradnorm_steps and not is_probed(folder, total, grid.gradnorm_steps):
        tell(Note("probing gradients"))
        _probe(hold, cell.name, pixels, source.digest(), grid.gradnorm_steps, workspace.device)
        hold.saved()


def _train(plan: Plan, cell: Cell, source: Source, hold: Hold, tell: Callable[[object], None]) -> None:
    grid, workspace = plan.grid, plan.workspace
    options = LoopOptions(
        score_every=grid.score_every,
        save_every=grid.save_every,
        scoring=plan.scoring,
        watch=Doctor(),
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
        hold.run.path,
        device=workspace.device,
        resume=True,
        options=options,
        observers=[observe],
        warn=lambda text: tell(Note(text)),
        hold=hold,
    )


def _probe(hold: Hold, name: str, pixels: np.ndarray, digest: str, steps: int, device: str) -> None:
    curve = replace(of_run(hold.run.path), name=name)
    training = curve.recipe.training
    images = TrainingImages(pixels, digest, batch=training.batch, seed=training.seed)
    measured = measure(curve, images, steps, device=torch.device(resolve_device(device)))
    hold.check()
    write_text(hold.run.gradnorm, csv_frame(measured.discriminator))
