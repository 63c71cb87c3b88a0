"""How long a recipe's steps take on this machine, from a few of them."""

from __future__ import annotations

import time

import numpy as np
import torch

from ganbench.features.runtime import resolve_device
from ganbench.training.data import TrainingImages
from ganbench.training.recipe import Recipe
from ganbench.training.trainer import Trainer

TRIAL_STEPS = 20
_WARM_UP = 2


def seconds_per_step(recipe: Recipe, pixels: np.ndarray, device: str, steps: int = TRIAL_STEPS) -> float:
    """Train a recipe for a few steps and return the mean time of one, seconds.

    Args:
        recipe: what to train.
        pixels: uint8 (N, H, W, 3), at least a batch.
        device: ``auto``, ``cpu`` or ``cuda``.
        steps: discriminator steps that are timed, after two that are not.

    Raises:
        GanbenchError: fewer images than a batch.
    """
    trainer = Trainer(recipe, torch.device(resolve_device(device)))
    images = TrainingImages(pixels, "", batch=recipe.training.batch, seed=0)
    for step in range(_WARM_UP):
        trainer.train_step(images.load(step))
    trainer.losses()  # waits for the GPU
    start = time.perf_counter()
    for step in range(_WARM_UP, _WARM_UP + steps):
        trainer.train_step(images.load(step))
    trainer.losses()
    return (time.perf_counter() - start) / steps
