"""What tests take single steps of training with: a small recipe, and a batch of pixels."""

from __future__ import annotations

import torch

from ganbench.training.recipe import Recipe, load_recipe


def smoke_recipe(variant: str, *overrides: str) -> Recipe:
    """Return a recipe of batches of eight."""
    return load_recipe(variant, "smoke", ["training.batch=8", *overrides])


def step_pixels(n: int = 8) -> torch.Tensor:
    """Return a batch for it, uint8 (n, 64, 64, 3), the same every time."""
    return torch.randint(0, 256, (n, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(7))
