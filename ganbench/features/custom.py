"""Extractors of the user's own: ``--features package.module:factory``, or a name that an installed package registers.

``factory()`` returns a ``torch.nn.Module`` that maps float images (N, 3, S, S), RGB in 0..255, to features (N, D).
Optional attributes of the module:

- ``input_size``: S, pixels; default 224.
- ``resize``: a protocol of ``ganbench.features.resize.RESIZES``; default ``bicubic-aa``.
- ``name``: shown in results; default the name that it was asked for by.
- ``version``: a whole number, to be raised whenever the arithmetic changes; default 1.

The SHA-256 of its state dictionary (names, types, shapes and bytes) stands for its weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ganbench.errors import AssetError, GanbenchError, MetricError, UnknownName
from ganbench.features.resize import RESIZES
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.system.code import plugin_errors
from ganbench.system.memory import VARIABLE, budget

if TYPE_CHECKING:
    from torch import nn

INPUT_SIZE = 224
RESIZE = "bicubic-aa"


def load_custom(path: str, factory: Callable[[], object], options: BuildOptions) -> tuple[ExtractorSpec, nn.Module]:
    """Build a network of the user's own and its specification.

    Args:
        path: what it was asked for by: ``package.module:factory``, or a registered name.
        factory: returns the network.
        options: ``weights`` does not apply: the factory loads its own.

    Raises:
        UnknownName: no such resize protocol.
        AssetError: ``--weights`` was given.
        GanbenchError: the factory fails, does not return a module, or the module's attributes or output are wrong.
    """
    import torch

    if options.weights is not None:
        raise AssetError(f"--weights does not apply to {path}: the factory loads its own weights.")
    network = _call(path, factory)
    if not isinstance(network, torch.nn.Module):
        raise GanbenchError(f"{path} returned {type(network).__name__}, not a torch.nn.Module.")
    network = network.eval().requires_grad_(False)
    size, resize = getattr(network, "input_size", INPUT_SIZE), getattr(network, "resize", RESIZE)
    version = getattr(network, "version", 1)
    for name, value in (("input_size", size), ("version", version)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise GanbenchError(f"{path}: the module's {name} must be a positive whole number, not {value!r}.")
    if not isinstance(resize, str) or resize not in RESIZES:
        raise UnknownName(f"{path}: the module's resize is {resize!r}. Known: {', '.join(RESIZES)}.")
    if options.resize not in (None, resize):
        raise UnknownName(f"{path} has one resize protocol, {resize!r}; {options.resize!r} is not defined for it")
    name = str(getattr(network, "name", path))
    feature_size = _feature_size(path, network, size)
    note = _source_note(path, factory, name)
    spec = ExtractorSpec(name, version, feature_size, size, resize, state_sha256(network), 0, options.precision, note)
    return spec, network


def state_sha256(network: nn.Module) -> str:
    """Return the SHA-256 over the names, types, shapes and bytes of a module's state dictionary."""
    import torch

    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _source_note(path: str, factory: Callable[[], object], name: str) -> str:
    """Say where the network is defined, unless its name does."""
    module, function = (getattr(factory, part, None) for part in ("__module__", "__qualname__"))
    origin = f"{module}:{function}" if module and function else path
    return "" if name == origin else f"from {origin}"


def _call(path: str, factory: Callable[[], object]) -> object:
    with plugin_errors(f"{path}: the factory", foreign=True):
        return factory()


def _feature_size(path: str, network: nn.Module, size: int) -> int:
    import torch

    if 2 * 3 * 4 * size * size > budget():
        raise GanbenchError(
            f"{path}: two images of the module's input_size, {size} pixels, do not fit into the memory budget of "
            f"{budget() >> 20} MB. Give it a smaller one, or raise the budget: {VARIABLE}=8G."
        )
    with plugin_errors(f"{path}: on (2, 3, {size}, {size}) the module", foreign=True), torch.inference_mode():
        output = network(torch.zeros(2, 3, size, size))
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != 2 or not output.shape[1]:
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise MetricError(f"{path}: the module must map (2, 3, {size}, {size}) to features (2, D), it gave {shape}.")
    return output.shape[1]
