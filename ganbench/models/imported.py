"""Generators that were trained elsewhere, read from their state dicts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.errors import GanbenchError
from ganbench.system.tensors import HoldsCode, StoredTensor, TensorFile, TensorFileError, open_tensors

if TYPE_CHECKING:
    import torch

    from ganbench.models.dcgan import Generator

# Where training scripts put a generator inside a file. An average of its weights, where there is one, is what its
# author draws samples from.
_AVERAGED = ("g_ema", "G_ema", "ema", "generator_ema")
_NESTED = ("generator", "G", "netG", "g", "state_dict", "model", "params")
_NAMES = (*_AVERAGED, *_NESTED, *(f"{name}_state_dict" for name in _NESTED))
_PREFIX = re.compile(r"^(module\.|_orig_mod\.)+")  # of DataParallel and torch.compile
_WITHIN = ("generator.", "G.", "netG.", "g.")  # in one state dict with other networks, as Lightning saves them
_BATCH_COUNT = "num_batches_tracked"  # a training counter; old files have none
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_LEVELS = (3, 4, 5)  # doublings from 4x4: 32, 64 and 128 pixels
_STYLEGAN2_PYTORCH = (
    "a stylegan2_pytorch checkpoint. Its network computes something else than StyleGAN2 and cannot be mapped onto it: "
    "it doubles by bilinear interpolation before the convolution, weighs noise per channel, has one style for all "
    "layers of a resolution and a plain convolution behind the constant, and its activations have no gain. "
    "Sample with that package, then: ganbench data slice SHEET OUT, ganbench score OUT"
)


def load_generator_file(path: Path) -> Generator:
    """Load the assignment's DCGAN generator from a state dict, such as its ``G.pth``.

    Layers are matched by order and shape, so their names do not matter; width, latent length and image size are read
    off the shapes. Prefixes of wrappers, and dicts that hold the generator beside other things, are looked through.

    Raises:
        GanbenchError: unreadable, a pickle with code in it, another network, or weights that are not finite.
    """
    with _opened(path) as file:
        described = _described(path, file.content)
        width, latent, size = _sizes_of(path, described)
        theirs: dict[str, torch.Tensor] = file.load(described)
    import torch

    generator = _built_for(path, theirs, width, latent, size)
    own = {name: value for name, value in generator.state_dict().items() if not name.endswith(_BATCH_COUNT)}
    if len(own) != len(theirs):
        raise GanbenchError(f"{path}: not the assignment's DCGAN generator: {len(theirs)} tensors, {len(own)} expected")
    for name, value in theirs.items():
        if not value.isfinite().all():
            raise GanbenchError(
                f"{path}: {name} holds NaN or infinite values: the training had diverged when it was saved. "
                "Take an earlier checkpoint"
            )
    generator = generator.to_empty(device="cpu")
    counts = {name: torch.tensor(0) for name in generator.state_dict() if name.endswith(_BATCH_COUNT)}
    generator.load_state_dict(dict(zip(own, theirs.values(), strict=True)) | counts)
    return generator


def _sizes_of(path: Path, theirs: Mapping[str, StoredTensor]) -> tuple[int, int, int]:
    """Return width, latent length and image size of the generator that a state dict may be of.

    Raises:
        GanbenchError: it is of none.
    """
    weights = [value for name, value in theirs.items() if name.endswith("weight") and value.ndim in (2, 4)]
    if len(weights) - 1 not in _LEVELS or weights[0].ndim != 2 or weights[-1].ndim != 4:
        raise GanbenchError(
            f"{path}: not the assignment's DCGAN generator: expected a linear layer and 3 to 5 convolutions, "
            f"found {_shapes(weights)}"
        )
    for name, value in theirs.items():
        if value.dtype not in _FLOATS:
            raise GanbenchError(f"{path}: {name} is of {value.dtype}, and weights are floating-point numbers")
    return weights[-1].shape[0], weights[0].shape[1], 4 * 2 ** (len(weights) - 1)


def _built_for(path: Path, theirs: Mapping[str, torch.Tensor], width: int, latent: int, size: int) -> Generator:
    """Return a generator without memory, of the shapes that a state dict has.

    Raises:
        GanbenchError: no such generator has tensors of these shapes in this order.
    """
    import torch

    from ganbench.models.dcgan import Generator

    with torch.device("meta"):
        generator = Generator(size, latent, width)
    own = [item for item in generator.state_dict().items() if not item[0].endswith(_BATCH_COUNT)]
    for (name, value), (their_name, their_value) in zip(own, theirs.items(), strict=False):
        if value.shape != their_value.shape or name.rpartition(".")[2] != their_name.rpartition(".")[2]:
            raise GanbenchError(
                f"{path}: not the assignment's DCGAN generator: {their_name} {tuple(their_value.shape)} is where "
                f"{name} {tuple(value.shape)} belongs"
            )
    return generator


def _shapes(weights: list[StoredTensor]) -> str:
    return ", ".join(str(tuple(value.shape)) for value in weights[:6]) + (", …" if len(weights) > 6 else "") or "none"


@contextmanager
def _opened(path: Path) -> Iterator[TensorFile]:
    try:
        with open_tensors(path) as file:
            yield file
    except FileNotFoundError as e:
        raise GanbenchError(f"{path}: no such file") from e
    except HoldsCode as e:
        raise GanbenchError(
            f"{path}: {e}, and running code from a file is not safe. "
            "Save the weights alone: torch.save(G.state_dict(), 'G.pth')"
        ) from e
    except TensorFileError as e:
        raise GanbenchError(f"{path}: not a readable PyTorch file: {e}") from e


def _described(path: Path, content: Any) -> dict[str, StoredTensor]:
    """Return the tensors of a generator, by name, from wherever a file has them.

    Raises:
        GanbenchError: there is no state dict in it, or it is a generator's of stylegan2_pytorch.
    """
    state = _state_of(path, content)
    if any(name.startswith(("GAN.S.", "S.net.", "G.initial_block", "G.blocks.")) for name in state):
        raise GanbenchError(f"{path}: {_STYLEGAN2_PYTORCH}")
    return {name: value for name, value in state.items() if not name.endswith(_BATCH_COUNT)}


def _state_of(path: Path, content: Any) -> dict[str, StoredTensor]:
    if isinstance(content, dict) and "GAN" in content:
        content = content["GAN"]
    while (inner := _inside(content)) is not None:
        content = inner
    if (
        not isinstance(content, dict)
        or not content
        or not all(isinstance(k, str) and isinstance(v, StoredTensor) for k, v in content.items())
    ):
        held = f"; it holds {', '.join(repr(k)[:60] for k in list(content)[:8])}" if isinstance(content, dict) else ""
        raise GanbenchError(
            f"{path}: not a state dict (a mapping of names to tensors){held}. "
            "Save the generator's weights alone: torch.save(G.state_dict(), 'G.pth')"
        )
    state = {_PREFIX.sub("", name): value for name, value in content.items()}
    for prefix in _WITHIN:
        own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        if own and len(own) < len(state) and not any(name.startswith(("initial_block", "blocks.")) for name in own):
            return {_PREFIX.sub("", name): value for name, value in own.items()}
    return state


def _inside(content: Any) -> dict[Any, Any] | None:
    if not isinstance(content, dict):
        return None
    return next((content[name] for name in _NAMES if isinstance(content.get(name), dict)), None)
