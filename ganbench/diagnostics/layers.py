"""Which parameters of a module a probe watches, and the input gradient of the module as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ganbench.errors import GanbenchError, UnknownName
from ganbench.registry import did_you_mean

KINDS = ("weights", "norms", "biases", "parameters", "activations")
# Layers with a kernel; transposed convolutions and lazy ones inherit from these.
_KERNELS = (nn.modules.conv._ConvNd, nn.Linear, nn.Bilinear)
_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_COMPILED = "_orig_mod"  # the name that torch.compile puts a module under


@dataclass(frozen=True, eq=False)
class Layer:
    """One watched parameter; ``owner`` is the module whose forward pass uses it, where that is one module."""

    name: str
    parameter: nn.Parameter
    owner: nn.Module | None


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the module inside ``DistributedDataParallel``, ``DataParallel`` and ``torch.compile``."""
    while True:
        if isinstance(module, nn.parallel.DistributedDataParallel | nn.DataParallel):
            module = module.module
        elif hasattr(module, _COMPILED):
            module = getattr(module, _COMPILED)
        else:
            return module


def find_layers(module: nn.Module, which: str | Sequence[str]) -> list[Layer]:
    """Return the layers to watch, in order of definition, each parameter once.

    Args:
        module: any module, unwrapped.
        which: one of ``KINDS``, or names of parameters.

    Raises:
        UnknownName: a name that no parameter has.
        GanbenchError: nothing of that kind in the module.
    """
    everything = _all_layers(module)
    if not isinstance(which, str):
        return [_named(everything, name) for name in which]
    if which not in KINDS:
        return [_named(everything, which)]
    chosen = [layer for layer in everything if _is(layer, which)]
    if not chosen:
        raise GanbenchError(f"the module has no {which} to watch; its parameters: {_some(everything)}")
    return chosen


def _all_layers(module: nn.Module) -> list[Layer]:
    seen: set[int] = set()
    layers = []
    for prefix, owner in module.named_modules():
        for name, parameter in owner.named_parameters(prefix, recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                layers.append(Layer(name.replace(f"{_COMPILED}.", ""), parameter, owner))
    return layers


def _is(layer: Layer, kind: str) -> bool:
    *path, last = layer.name.split(".")
    if "parametrizations" in path[:-1]:  # parametrizations.weight.original: a weight that is computed from this one
        # Weight norm keeps lengths (original0) apart from directions (original1): the latter are the matrix.
        last = "" if last == "original0" else path[-1]
    matrix = layer.parameter.ndim >= 2
    if kind == "parameters":
        return True
    if kind == "biases":
        return "bias" in last
    if kind == "norms":
        return isinstance(layer.owner, _NORMS) and "weight" in last
    # Own layers of a user (equalised, modulated, attention's in_proj_weight) have matrices called weight as well.
    return (
        "weight" in last and (isinstance(layer.owner, _KERNELS) or matrix) and not isinstance(layer.owner, nn.Embedding)
    )


def _named(layers: list[Layer], name: str) -> Layer:
    plain = name.replace(f"{_COMPILED}.", "")
    for candidate in (plain, plain.removeprefix("module.")):  # the second is how DistributedDataParallel calls it
        for layer in layers:
            if layer.name == candidate:
                return layer
    known = [layer.name for layer in layers]
    raise UnknownName(f"no parameter is called {name!r}.{did_you_mean(name, known)}")


def _some(layers: list[Layer]) -> str:
    names = [layer.name for layer in layers]
    return (", ".join(names[:5]) + (" ..." if len(names) > 5 else "")) or "none"


def input_gradient_norm(module: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the mean 2-norm of d score / d image, the quantity that a gradient penalty holds at 1; scalar.

    The module's parameters get no gradient, its buffers (batch-norm statistics) keep their values, and dropout takes
    nothing from the random stream.
    """
    frozen = {name: p.detach() for name, p in module.named_parameters()}
    frozen |= {name: b.clone() for name, b in module.named_buffers()}
    devices = [images.device] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.enable_grad():
        images = images.detach().requires_grad_(True)
        scores = torch.func.functional_call(module, frozen, (images,))
        (gradient,) = torch.autograd.grad(scores.float().sum(), images)
    return torch.linalg.vector_norm(gradient.float().flatten(1), dim=1).mean()
