"""What a run has done so far: steps, images, settings, probes."""

from __future__ import annotations

import json
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.recipe import Recipe
from ganbench.training.run_folder import RunFolder


def trained_steps(folder: Path) -> int:
    """Return the step of a run's checkpoint, 0 without one.

    Raises:
        GanbenchError: the checkpoint cannot be read.
    """
    run = RunFolder(folder)
    return load_checkpoint(run.checkpoint)["step"] if run.checkpoint.is_file() else 0


def steps_done(folder: Path) -> int:
    """Return the step of a run's checkpoint, 0 without one that can be read (the cell itself will fail, and say so)."""
    try:
        return trained_steps(folder)
    except GanbenchError:
        return 0


def is_probed(folder: Path, since: int, steps: int) -> bool:
    """Tell whether ``gradnorm.csv`` holds so many steps from the end of the training on."""
    import pandas as pd

    try:
        recorded = pd.read_csv(folder / "gradnorm.csv", usecols=["step"])["step"]
    except (OSError, ValueError):
        return False
    return recorded.min() == since and recorded.nunique() == steps


def images_of(run: RunFolder) -> str | None:
    """Return the digest of the images that a run is trained on, None where nothing tells."""
    try:
        return json.loads(run.environment.read_text("utf-8"))["images"]["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the checkpoint knows too, and training refuses


def settings_of(recipe: Recipe) -> dict[str, object]:
    """Return the settings that runs share which differ in nothing but the seed."""
    return {key: value for key, value in recipe.flat().items() if key not in ("training.seed", "title", "source")}
