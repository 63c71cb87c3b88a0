"""Samples from a generator: the same seed gives the same images, whatever the batch size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.features.runtime import resolve_device
from ganbench.models.imported import load_generator_file
from ganbench.system.wall import wall
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.recipe import Recipe, validate
from ganbench.training.run_folder import RunFolder
from ganbench.training.sections import kind_of

if TYPE_CHECKING:
    import torch

    from ganbench.models.generator import Generator

CHUNK = 50  # images whose random inputs are drawn together: part of what a seed means, so it never changes


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

    Raises:
        GanbenchError: the generator's images hold NaN or infinite values, which no pixel could show.
    """
    import torch

    from ganbench.models.draw import Draw
    from ganbench.training.data import to_pixels

    device = next(generator.parameters()).device
    stream = torch.Generator().manual_seed(seed)
    was_training = generator.training
    generator.eval()
    generator.set_truncation(truncation)
    try:
        for start in range(0, count, CHUNK):
            with torch.no_grad():  # not around the yield: what the caller does with gradients is not ours to stop
                inputs = [t.to(device) for t in generator.inputs(Draw(stream, CHUNK))]
                images = generator(*inputs)
            if not images.isfinite().all():
                raise GanbenchError(
                    "the generator's images hold NaN or infinite values: its training has diverged. "
                    "Take an earlier checkpoint"
                )
            yield to_pixels(images)[: count - start]
    finally:
        generator.set_truncation(1.0)
        generator.train(was_training)


def load_generator(path: Path, device: str = "cpu") -> Generator:
    """Load what samples are drawn from: a run's generator (the averaged one if it keeps one), or a ``G.pth``.

    Args:
        path: a run folder or a file; it is looked at before torch is asked for the device.
        device: where the generator goes: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        GanbenchError: neither a run with a checkpoint nor a generator that can be read, or no such device.
    """
    if path.is_dir():
        content = load_checkpoint(RunFolder.open(path).checkpoint)
        return generator_of(content, resolve_device(device))
    if not path.exists():
        raise GanbenchError(f"{path}: no such run or file")
    return load_generator_file(path).to(resolve_device(device))


def generator_of(checkpoint: dict[str, Any], device: torch.device | str = "cpu") -> Generator:
    """Rebuild the sampling generator from a checkpoint's content, on a device.

    Raises:
        GanbenchError: the content does not fit together, or weights are not finite.
    """
    from ganbench.training.averaging import build_averaged, build_generator

    with wall(lambda why: GanbenchError(f"not a checkpoint of a run: {why}")):
        recipe = _recipe_of(checkpoint)
        averaged = checkpoint["average"]
        weights = averaged or checkpoint["generator"]
        for name, value in weights.items():
            if not value.isfinite().all():
                raise GanbenchError(f"the checkpoint's {name} holds NaN or infinite values: the training had diverged")
        return (build_averaged if averaged else build_generator)(recipe.model, weights, device)


def _recipe_of(checkpoint: dict[str, Any]) -> Recipe:
    data = checkpoint["recipe"]
    if checkpoint["format"] == 1:  # the settings of other models, which said nothing
        own = kind_of("model", data["model"]["name"]).model_fields
        data = data | {"model": {key: value for key, value in data["model"].items() if key in own}}
    return validate(data, "of the checkpoint")
