"""What a run has done so far: steps, images, settings, probes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganbench.diagnostics.records import read_records
from ganbench.errors import GanbenchError
from ganbench.system.parse import parse_json, read_text
from ganbench.system.wall import wall
from ganbench.training.checkpoint import look_into_checkpoint
from ganbench.training.recipe import Recipe
from ganbench.training.run_folder import RunFolder

_MOST_BYTES = 1 << 20  # of what a run says of its machine; it has 1 kB


def trained_steps(folder: Path) -> int:
    """Return the step of a run's checkpoint, or of what stands for it (``step.json``); 0 without one.

    Raises:
        GanbenchError: the checkpoint cannot be read.
    """
    run = RunFolder(folder)
    if not run.checkpoint.is_file():
        return _step_elsewhere(run)
    step = look_into_checkpoint(run.checkpoint).get("step")
    if not isinstance(step, int):
        raise GanbenchError(f"{run.checkpoint}: not a readable checkpoint: its step is {str(step)[:40]}")
    return step


def _step_elsewhere(run: RunFolder) -> int:
    """Return the step of a checkpoint that lies elsewhere; 0 where nothing tells."""
    try:
        with wall(GanbenchError):
            found = parse_json(read_text(run.step_file, _MOST_BYTES))
    except GanbenchError:
        return 0
    step = found.get("step") if isinstance(found, dict) else None
    return step if type(step) is int and step > 0 else 0


def steps_done(folder: Path) -> int:
    """Return the step of a run's checkpoint, 0 without one that can be read (the cell itself will fail, and say so)."""
    try:
        return trained_steps(folder)
    except GanbenchError:
        return 0


def is_probed(folder: Path, since: int, steps: int) -> bool:
    """Tell whether ``gradnorm.csv`` holds so many steps from the end of the training on."""
    try:
        recorded = read_records(RunFolder(folder).gradnorm)["step"]
        return bool(recorded.min() == since and recorded.nunique() == steps)
    except GanbenchError:
        return False  # absent, or damaged: the probe is made anew


def environment_of(run: RunFolder) -> dict[str, Any]:
    """Return what a run says of its machine and its images; nothing where the file is absent or damaged."""
    try:
        with wall(GanbenchError):
            found = parse_json(read_text(run.environment, _MOST_BYTES))
    except GanbenchError:
        return {}
    return found if isinstance(found, dict) else {}


def images_of(run: RunFolder) -> str | None:
    """Return the digest of the images that a run is trained on, None where nothing tells."""
    images = environment_of(run).get("images")
    digest = images.get("digest") if isinstance(images, dict) else None
    return digest if isinstance(digest, str) else None  # the checkpoint knows too, and training refuses


def settings_of(recipe: Recipe) -> dict[str, object]:
    """Return the settings that runs share which differ in nothing but the seed."""
    return {key: value for key, value in recipe.flat().items() if key not in ("training.seed", "title", "source")}
