"""Samples from a generator: the same seed gives the same images, whatever the batch size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganbench.errors import GanbenchError
from ganbench.models.base import Generator
from ganbench.models.draw import Draw
from ganbench.models.imported import load_generator_file
from ganbench.training.averaging import build_averaged, build_generator
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.data import to_pixels
from ganbench.training.recipe import Recipe, validate
from ganbench.training.run_folder import RunFolder
from ganbench.training.sections import kind_of

CHUNK = 50  # images whose random inputs are drawn together: part of what a seed means, so it never changes


@torch.no_grad()
def sample(generator: Generator, count: int, *, seed: int, truncation: float = 1.0) -> Iterator[np.ndarray]:
    """Draw images from a generator in evaluation mode.

    Args:
        generator: as ``ganbench.models`` builds it; its mode is restored.
        count: number of images.
        seed: seed of the latents, drawn on the CPU so that every device gets the same.
        truncation: below 1, latents (DCGAN) or styles (StyleGAN2) are pulled towards their mean: better and less
            varied images. Part of what was measured; say it when you report a score.

    Yields:
        uint8 (n, H, W, 3), n <= 50.
    """
    device = next(generator.parameters()).device
    stream = torch.Generator().manual_seed(seed)
    was_training = generator.training
    generator.eval()
    generator.set_truncation(truncation)
    try:
        for start in range(0, count, CHUNK):
            inputs = [t.to(device) for t in generator.inputs(Draw(stream, CHUNK))]
            yield to_pixels(generator(*inputs))[: count - start]
    finally:
        generator.set_truncation(1.0)
        generator.train(was_training)


def load_generator(path: Path, device: torch.device | str = "cpu") -> Generator:
    """Load what samples are drawn from: a run's generator (the averaged one if it keeps one), or a ``G.pth``.

    Args:
        path: a run folder or a file.
        device: where the generator goes.

    Raises:
        GanbenchError: neither a run with a checkpoint nor a generator that can be read.
    """
    if path.is_dir():
        return generator_of(load_checkpoint(RunFolder.open(path).checkpoint), device)
    if not path.exists():
        raise GanbenchError(f"{path}: no such run or file")
    return load_generator_file(path).to(device)


def generator_of(checkpoint: dict[str, Any], device: torch.device | str = "cpu") -> Generator:
    """Rebuild the sampling generator from a checkpoint's content, on a device."""
    recipe = _recipe_of(checkpoint)
    if checkpoint["average"]:
        return build_averaged(recipe.model, checkpoint["average"], device)
    return build_generator(recipe.model, checkpoint["generator"], device)


def _recipe_of(checkpoint: dict[str, Any]) -> Recipe:
    data = checkpoint["recipe"]
    if checkpoint["format"] == 1:  # the settings of other models, which said nothing
        own = kind_of("model", data["model"]["name"]).model_fields
        data = data | {"model": {key: value for key, value in data["model"].items() if key in own}}
    return validate(data, "of the checkpoint")
