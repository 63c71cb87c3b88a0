"""Which parameters of a module a probe watches, under which names, and the weight that each layer works with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from ganbench.errors import GanbenchError, UnknownName
from ganbench.registry import did_you_mean

KINDS = ("weights", "norms", "biases", "parameters", "activations")
# Layers with a kernel; transposed convolutions and lazy ones inherit from these.
_KERNELS = (nn.modules.conv._ConvNd, nn.Linear, nn.Bilinear)
_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
# Under these names wrappers hold the module that a user knows: torch.compile, the two kinds of sharding, checkpointing.
_FLAT = "_fsdp_wrapped_module"  # of FullyShardedDataParallel
_INSIDE = ("_orig_mod", _FLAT, "_checkpoint_wrapped_module")
# Endings of what the older torch.nn.utils.spectral_norm and weight_norm compute weights from, and of the lengths.
_OLD_MATRICES = ("_orig", "_v")
_OLD_LENGTHS = "_g"


@dataclass(frozen=True, eq=False)
class Layer:
    """One watched parameter.

    Attributes:
        name: as the user's own module calls it; a weight that is computed from this parameter goes by its own name.
        parameter: what the optimizer moves, and whose gradient is measured.
        owner: the module whose forward pass uses it.
        computed: name of the owner's weight that is computed from the parameter (spectral norm, weight norm, any
            parametrization); None: the parameter is used as it is.
        helper: whether the parameter helps to compute a weight, and is no matrix itself: the lengths of weight norm.
        flat: the ``FullyShardedDataParallel`` that keeps the parameter as a piece of a flat one, if one does.
    """

    name: str
    parameter: nn.Parameter
    owner: nn.Module
    computed: str | None = None
    helper: bool = False
    flat: nn.Module | None = None

    @property
    def outputs_second(self) -> bool:
        """Whether the second dimension of the kernel counts the outputs, and not the first."""
        return isinstance(self.owner, nn.modules.conv._ConvTransposeNd)

    @property
    def dimensions(self) -> int:
        """How many dimensions the whole parameter has."""
        stretch = stretch_of(self)
        return self.parameter.ndim if stretch is None else len(stretch.shape)

    @torch.no_grad()
    def weight(self) -> torch.Tensor:
        """Return the weight that the layer multiplies by, detached; no buffer moves, as a power iteration's would."""
        if self.computed is None:
            return self.parameter.detach()
        if parametrize.is_parametrized(self.owner, self.computed):
            return _recomputed(_chain(self.owner, self.computed))
        hook = _old_hooks(self.owner)[self.computed]
        quiet = {"do_power_iteration": False} if hasattr(hook, "n_power_iterations") else {}
        weight: torch.Tensor = hook.compute_weight(self.owner, **quiet)
        return weight.detach()


@dataclass(frozen=True)
class Stretch:
    """What ``FullyShardedDataParallel`` has made of a parameter: a stretch of its flattened numbers.

    Attributes:
        group: the processes that share it; None: it is whole.
        shape: of the whole.
        start: of the stretch that is here.
    """

    group: Any
    shape: tuple[int, ...]
    start: int


def stretch_of(layer: Layer) -> Stretch | None:
    """Return which stretch of a layer's parameter is here; None for one that is not flattened."""
    handle: Any = getattr(layer.flat, "_handle", None)
    flat: Any = getattr(handle, "flat_param", None)
    for i, parameter in enumerate(getattr(flat, "_params", None) or ()):
        if parameter is layer.parameter:
            group = handle.process_group if handle.uses_sharded_strategy else None
            return Stretch(group, tuple(flat._shapes[i]), flat._shard_param_infos[i].intra_param_start_idx or 0)
    return None


def _chain(owner: nn.Module, name: str) -> nn.Module:
    return owner.get_submodule(f"parametrizations.{name}")


def _recomputed(chain: nn.Module) -> torch.Tensor:
    """Return a parametrized weight, computed in evaluation mode: spectral norm iterates in training mode."""
    training = [module for module in chain.modules() if module.training]
    for module in training:
        module.training = False
    try:
        weight: torch.Tensor = chain()
    finally:
        for module in training:
            module.training = True
    return weight.detach()


def _old_hooks(owner: nn.Module) -> dict[str, Any]:
    """Return what the older functions of ``torch.nn.utils`` compute weights with, by the weight's name."""
    hooks: list[Any] = list(owner._forward_pre_hooks.values())
    return {hook.name: hook for hook in hooks if hasattr(hook, "compute_weight")}


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the module inside ``DistributedDataParallel``, ``DataParallel``, sharding and ``torch.compile``."""
    while (inner := _inner(module)) is not None:
        module = inner
    return module


def _inner(module: nn.Module) -> nn.Module | None:
    """Return what a wrapper wraps, None for a module that is none."""
    if isinstance(module, nn.parallel.DistributedDataParallel | nn.DataParallel):
        return module.module
    for name in _INSIDE:
        if isinstance(inner := module._modules.get(name), nn.Module):
            return inner
    return None


def find_layers(module: nn.Module, which: str | Sequence[str]) -> list[Layer]:
    """Return the layers to watch, in order of definition, each parameter once.

    Args:
        module: any module; wrappers, its own and those of its children, have no part in the names.
        which: one of ``KINDS``, or names of parameters.

    Raises:
        UnknownName: a name that no parameter has.
        GanbenchError: nothing of that kind in the module.
    """
    everything = list(_all_layers(module))
    if not isinstance(which, str):
        return [_named(everything, name) for name in which]
    if which not in KINDS:
        return [_named(everything, which)]
    chosen = [layer for layer in everything if _is(layer, which)]
    if not chosen:
        raise GanbenchError(f"the module has no {which} to watch; its parameters: {_some(everything)}")
    return chosen


def _all_layers(module: nn.Module) -> Iterator[Layer]:
    seen: set[int] = set()
    for prefix, owner, flat in _modules(module, "", None, set()):
        for layer in _layers_of(prefix, owner):
            if id(layer.parameter) not in seen:
                seen.add(id(layer.parameter))
                yield layer if flat is None else replace(layer, flat=flat)


def _modules(
    module: nn.Module, prefix: str, flat: nn.Module | None, seen: set[int]
) -> Iterator[tuple[str, nn.Module, nn.Module | None]]:
    """Walk as ``named_modules`` does, past wrappers, and not into the computations of weights.

    Yields:
        What stands before the names of a module's parameters, the module, and what shards it flat.
    """
    while (inner := _inner(module)) is not None:
        flat = module if _FLAT in module._modules else flat
        module = inner
    if id(module) in seen:
        return
    seen.add(id(module))
    yield prefix, module, flat
    for name, child in module._modules.items():
        if child is not None and not (name == "parametrizations" and parametrize.is_parametrized(module)):
            yield from _modules(child, f"{prefix}{name}.", flat, seen)


def _layers_of(prefix: str, owner: nn.Module) -> Iterator[Layer]:
    """Return the parameters of one module; what a weight is computed from goes by the weight's name."""
    sources = {f"{name}{ending}": name for name in _old_hooks(owner) for ending in _OLD_MATRICES}
    for name, parameter in owner.named_parameters(recurse=False):
        computed = sources.get(name)
        helper = any(name == f"{weight}{_OLD_LENGTHS}" for weight in _old_hooks(owner))
        yield Layer(f"{prefix}{computed or name}", parameter, owner, computed, helper)
    if not parametrize.is_parametrized(owner):
        return
    for name, chain in owner.get_submodule("parametrizations").named_children():
        parameters = list(chain.named_parameters())
        # Weight norm keeps lengths (original0) apart from directions (original1): the latter are the matrix.
        largest = max((parameter.numel() for _, parameter in parameters), default=0)
        matrix = next((source for source, parameter in reversed(parameters) if parameter.numel() == largest), None)
        for source, parameter in parameters:
            if source == matrix:
                yield Layer(f"{prefix}{name}", parameter, owner, name)
            else:
                yield Layer(f"{prefix}parametrizations.{name}.{source}", parameter, owner, helper=True)


def _is(layer: Layer, kind: str) -> bool:
    last = "" if layer.helper else layer.name.rpartition(".")[2]
    matrix = layer.dimensions >= 2
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
    plain = _plain(name)
    # The second is how DistributedDataParallel calls it, the third how it does where it stands inside another module.
    inner = ".".join(part for part in plain.split(".") if part != "module")
    for candidate in (plain, plain.removeprefix("module."), inner):
        for layer in layers:
            if layer.name == candidate:
                return layer
    known = [layer.name for layer in layers]
    raise UnknownName(f"no parameter is called {name!r}.{did_you_mean(name, known)}")


def _plain(name: str) -> str:
    """Return a parameter's name without what wrappers put into it, and of a computed weight that of the weight."""
    path = [part for part in name.split(".") if part not in _INSIDE]
    if len(path) >= 3 and path[-3] == "parametrizations" and path[-1] in ("original", "original1"):
        path = [*path[:-3], path[-2]]
    return ".".join(path)


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
