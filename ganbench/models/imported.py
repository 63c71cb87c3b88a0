"""Generators that were trained elsewhere, read from their state dicts."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from ganbench.errors import GanbenchError
from ganbench.models.dcgan import Generator

_NESTED = ("generator", "G", "netG", "state_dict", "model")  # where training scripts put a generator inside a file
_STYLEGAN2_PYTORCH = (
    "a stylegan2_pytorch checkpoint. Its network computes something else than StyleGAN2 and cannot be mapped onto it: "
    "it doubles by bilinear interpolation before the convolution, weighs noise per channel, has one style for all "
    "layers of a resolution and a plain convolution behind the constant, and its activations have no gain. "
    "Sample with that package, then: ganbench data slice SHEET OUT, ganbench score OUT"
)


def load_generator_file(path: Path) -> Generator:
    """Load the assignment's DCGAN generator from a state dict, such as its ``G.pth``.

    Layers are matched by order and shape, so their names do not matter; width, latent length and image size are read
    off the shapes.

    Raises:
        GanbenchError: unreadable, a pickle with code in it, or another network.
    """
    state = {name.removeprefix("module."): value for name, value in _read(path).items()}
    if any(name.startswith(("GAN.S.", "S.net.", "G.initial_block", "G.blocks.")) for name in state):
        raise GanbenchError(f"{path}: {_STYLEGAN2_PYTORCH}")
    weights = [value for name, value in state.items() if name.endswith("weight") and value.ndim in (2, 4)]
    try:
        project, *_, last = weights
        width, latent, levels = last.shape[0], project.shape[1], len(weights) - 1
        generator = Generator(4 * 2**levels, latent, width)
    except (ValueError, IndexError) as e:
        raise GanbenchError(f"{path}: not a generator's state dict: no linear layer and convolutions in it") from e
    own = generator.state_dict()
    theirs = list(state.items())
    for (name, value), (their_name, their_value) in zip(own.items(), theirs, strict=False):
        if value.shape != their_value.shape or name.rpartition(".")[2] != their_name.rpartition(".")[2]:
            raise GanbenchError(
                f"{path}: not the assignment's DCGAN generator: {their_name} {tuple(their_value.shape)} is where "
                f"{name} {tuple(value.shape)} belongs"
            )
    if len(own) != len(theirs):
        raise GanbenchError(f"{path}: not the assignment's DCGAN generator: {len(theirs)} tensors, {len(own)} expected")
    generator.load_state_dict(dict(zip(own, (value for _, value in theirs), strict=True)))
    return generator


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as e:
        raise GanbenchError(f"{path}: no such file") from e
    except pickle.UnpicklingError as e:
        raise GanbenchError(
            f"{path}: holds more than tensors, and running code from a file is not safe. "
            "Save the weights alone: torch.save(G.state_dict(), 'G.pth')"
        ) from e
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as e:
        raise GanbenchError(f"{path}: not a readable PyTorch file ({type(e).__name__})") from e
    if isinstance(content, dict) and "GAN" in content:
        content = content["GAN"]
    for key in _NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise GanbenchError(f"{path}: not a state dict (a mapping of names to tensors)")
    return content
