"""Samples and scorecard of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.features.runtime import resolve_device
from ganbench.images.arrays import ArraySource
from ganbench.runs.explained import explain_run
from ganbench.runs.facts import steps_done
from ganbench.scoring.cached import score_cached
from ganbench.scoring.plan import Plan
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.storage import atomic_write
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.run_folder import RunFolder
from ganbench.training.sampling import generator_of, sample

SAMPLE_SEED = 1  # of the latents of the images that are scored, the same in every cell


def score_run(folder: Path, plan: Plan, samples: int, *, name: str = "") -> Scorecard:
    """Draw samples from a run, keep them as ``samples.npz``, and write ``scorecard.json``.

    The scorecard says what it is of (``source.run``), so that it is never taken for that of another checkpoint.

    Args:
        folder: the run.
        plan: how it is scored.
        samples: how many images to draw.
        name: what the scorecard calls it; default: its folder's name.

    Raises:
        GanbenchError: no checkpoint, or what scoring raises.
    """
    run = RunFolder.open(folder)
    state = load_checkpoint(run.checkpoint)
    generator = generator_of(state, resolve_device(plan.options.device))
    images = np.concatenate(list(sample(generator, samples, seed=SAMPLE_SEED)))
    with atomic_write(run.scored_samples) as f:
        np.savez_compressed(f, images=images)
    source = ArraySource.of(name or folder.name, images, value_range=None, resize=None)
    card = score_cached(source, plan)
    explain_run(folder, source, plan)
    card = replace(card, source=card.source | {"run": {"step": state["step"], "samples": samples, "plan": plan.key}})
    card.write(json_file=run.scorecard)
    return card


def is_scored(folder: Path, key: str, samples: int) -> bool:
    """Tell whether the scorecard is of the checkpoint that is there, and made by the plan of this key."""
    try:
        card = Scorecard.read(RunFolder(folder).scorecard)
    except GanbenchError:
        return False  # absent, or not to be believed: it is made anew
    wanted = {"step": steps_done(folder), "samples": samples, "plan": key}
    return card.source.get("run") == wanted
