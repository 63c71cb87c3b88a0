"""Extractors of the user's own: ``--features package.module:factory``.

``factory()`` returns a ``torch.nn.Module`` that maps float images (N, 3, S, S), RGB in 0..255, to features (N, D).
Optional attributes of the module:

- ``input_size``: S, pixels; default 224.
- ``resize``: a protocol of ``ganbench.features.resize.RESIZES``; default ``bicubic-aa``.
- ``name``: shown in results; default ``package.module:factory``.
- ``version``: a whole number, to be raised whenever the arithmetic changes; default 1.

The SHA-256 of its state dictionary (names, types, shapes and bytes) stands for its weights.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ganbench.errors import AssetError, GanbenchError, MetricError, UnknownName
from ganbench.features.resize import RESIZES
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.registry import load_object

if TYPE_CHECKING:
    from torch import nn

INPUT_SIZE = 224
RESIZE = "bicubic-aa"


def load_custom(path: str, options: BuildOptions, known: list[str]) -> tuple[ExtractorSpec, nn.Module]:
    """Build the network ``package.module:factory`` and its specification.

    Args:
        path: a dotted module and a callable in it; the current folder is searched too.
        options: ``weights`` does not apply: the factory loads its own.
        known: names of extractors, one of which may have been meant.

    Raises:
        UnknownName: no such module, or no such factory in it.
        AssetError: ``--weights`` was given.
        GanbenchError: the factory fails, does not return a module, or the module's attributes or output are wrong.
    """
    import torch

    factory = load_object(path, "extractor", known)
    if not callable(factory):
        raise UnknownName(f"extractor {path!r}: {path.partition(':')[2]!r} is no callable.")
    if options.weights is not None:
        raise AssetError(f"--weights does not apply to {path}: the factory loads its own weights.")
    network = _call(path, factory)
    if not isinstance(network, torch.nn.Module):
        raise GanbenchError(f"{path} returned {type(network).__name__}, not a torch.nn.Module.")
    network = network.eval().requires_grad_(False)
    size, resize = getattr(network, "input_size", INPUT_SIZE), getattr(network, "resize", RESIZE)
    version = getattr(network, "version", 1)
    for name, value in (("input_size", size), ("version", version)):
        if not isinstance(value, int) or value < 1:
            raise GanbenchError(f"{path}: the module's {name} must be a positive whole number, not {value!r}.")
    if not isinstance(resize, str) or resize not in RESIZES:
        raise UnknownName(f"{path}: the module's resize is {resize!r}. Known: {', '.join(RESIZES)}.")
    name = str(getattr(network, "name", path))
    feature_size = _feature_size(path, network, size)
    spec = ExtractorSpec(
        name, version, feature_size, size, resize, state_sha256(network), 0, options.precision, _source_note(path, name)
    )
    return spec, network


def state_sha256(network: nn.Module) -> str:
    """Return the SHA-256 over the names, types, shapes and bytes of a module's state dictionary."""
    import torch

    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _source_note(path: str, name: str) -> str:
    return "" if name == path else f"from {path}"


def _call(path: str, factory: object) -> object:
    try:
        return factory()
    except GanbenchError:
        raise
    except Exception as e:  # the user's code: whatever it raises is to be shown with its place
        raise GanbenchError(f"{path}: the factory failed: {type(e).__name__}: {e}.") from e


def _feature_size(path: str, network: nn.Module, size: int) -> int:
    import torch

    try:
        with torch.inference_mode():
            output = network(torch.zeros(2, 3, size, size))
    except Exception as e:
        raise GanbenchError(f"{path}: the module fails on (2, 3, {size}, {size}): {type(e).__name__}: {e}.") from e
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != 2:
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise MetricError(f"{path}: the module must map (2, 3, {size}, {size}) to features (2, D), it gave {shape}.")
    return output.shape[1]
