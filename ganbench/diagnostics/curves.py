"""Curves of gradient norms: short trainings of recipes, or of what a run has reached, with the probe attached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ganbench.diagnostics.findings import troubles
from ganbench.diagnostics.gradnorm import GradNormProbe
from ganbench.errors import GanbenchError
from ganbench.progress import track
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.recipe import Recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.trainer import Trainer

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.training.data import TrainingImages

_SLOPE_EVERY = 10  # steps between measurements of the input gradient, which cost a pass of their own
_SLOPE_IMAGES = 16


@dataclass(frozen=True)
class Curve:
    """One curve of the figure: its name, what to train, and the run to go on from, if any."""

    name: str
    recipe: Recipe
    run: Path | None = None


def of_recipe(recipe: Recipe) -> Curve:
    """Name a curve after its variant and, for a clipped critic, the bound."""
    clip = getattr(recipe.objective, "clip", None)
    return Curve(recipe.variant + (f", clip {clip:g}" if clip is not None else ""), recipe)


def of_run(path: Path) -> Curve:
    """Return the curve that goes on where a run stands; the run itself is not touched.

    Raises:
        GanbenchError: not a run, or no checkpoint in it.
    """
    run = RunFolder.open(path)
    if not run.checkpoint.is_file():
        raise GanbenchError(
            f"{path}: the run has no checkpoint. Train it first: ganbench train --run {path} --resume ..."
        )
    return Curve(path.name, run.recipe(), path)


def measure(curve: Curve, images: TrainingImages, steps: int, *, device: torch.device) -> pd.DataFrame:
    """Train for some steps and record every step's gradient norms of the discriminator.

    Args:
        curve: what to train.
        images: training images; their seed is the recipe's.
        steps: discriminator steps.
        device: where.

    Returns:
        Columns ``curve``, ``variant``, ``seed`` and those of ``GradNormProbe.to_frame``.

    Raises:
        ProbeError: a loss or gradient that cannot be measured.
    """
    trainer = Trainer(curve.recipe, device)
    if curve.run is not None:
        trainer.load_state_dict(load_checkpoint(RunFolder(curve.run).checkpoint, device))
    probe = GradNormProbe(trainer.discriminator, clip=getattr(curve.recipe.objective, "clip", None))

    def observe(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        del fake
        probe.record(step, inputs=real[:_SLOPE_IMAGES] if step % _SLOPE_EVERY == 0 else None)

    trainer.observers.append(observe)
    seed = curve.recipe.training.seed
    with probe, track(f"{curve.name}, seed {seed}", steps) as advance:
        for _ in range(steps):
            trainer.train_step(images.load(trainer.step))
            advance(1)
    frame = probe.to_frame()
    frame.insert(0, "seed", seed)
    frame.insert(0, "variant", curve.recipe.variant)
    frame.insert(0, "curve", curve.name)
    return frame


def warnings_of(frame: pd.DataFrame) -> list[str]:
    """Return the signs of trouble in one curve as lines for a person."""
    return [t.text for t in troubles(frame)]
