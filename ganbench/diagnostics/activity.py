"""What the layers put out: mean, spread and dead units of their activations, from a sample of every forward pass."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ganbench.diagnostics.layers import Layer
from ganbench.diagnostics.shards import local

QUANTITIES = ("activation_mean", "activation_std", "dead_units")
_SAMPLE = 1 << 15  # numbers looked at of one layer's output; whole images, at least two
_PASSES = 8  # forward passes of one step that are looked at: the latest
# Modules of this file of PyTorch are nonlinearities, but for attention.
_NONLINEAR = nn.ReLU.__module__


class Activity:
    """Keeps a sample of what every layer put out since it was last asked.

    A layer's activation is what the nonlinearity behind it makes of its output, where that is a module (``nn.ReLU``)
    that runs before the next watched layer; otherwise it is the layer's own output.
    """

    def __init__(self, module: nn.Module, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._samples: list[deque[torch.Tensor]] = [deque(maxlen=_PASSES) for _ in layers]
        self._latest: int | None = None  # the layer that ran last, while its nonlinearity may follow
        self._nonlinear = [
            m for m in module.modules() if type(m).__module__ == _NONLINEAR and not isinstance(m, nn.MultiheadAttention)
        ]

    def attach(self) -> list[Any]:
        """Return the handles of hooks on the nonlinearities, installed."""
        return [module.register_forward_hook(self._on_nonlinear) for module in self._nonlinear]

    def saw(self, index: int, output: torch.Tensor | None) -> None:
        """Keep a sample of a layer's output; None: it ran, and what follows is of no interest."""
        self._latest = None if output is None else index
        if output is not None:
            self._samples[index].append(_sample(output))

    def _on_nonlinear(self, module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        del module, inputs
        if torch.compiler.is_compiling() or self._latest is None:
            return
        self._samples[self._latest][-1] = _sample(output)

    def take(self, device: torch.device) -> torch.Tensor:
        """Return ``QUANTITIES`` of every layer as float32 (3, layers), NaN where nothing was seen, and forget them.

        A unit is dead that had one and the same value wherever it was looked at.
        """
        found = [self._of(i) for i in range(len(self._layers))]
        self._latest = None
        absent = torch.full((3,), torch.nan, device=device)
        return torch.stack([absent if values is None else values for values in found], 1)

    def _of(self, index: int) -> torch.Tensor | None:
        samples = [sample for sample in self._samples[index] if sample.numel()]
        self._samples[index].clear()
        if not samples:
            return None
        seen = [sample for sample in samples if sample.shape[1:] == samples[-1].shape[1:]]
        values = torch.cat(seen).float()
        unit = 1 if self._layers[index].dimensions > 2 else values.ndim - 1
        places = [d for d in range(values.ndim) if d != unit]
        mean = values.mean()
        # On a CPU, var_mean and aminmax are twenty times as slow as these.
        spread = torch.linalg.vector_norm(values - mean) / math.sqrt(values.numel())
        still = values.amax(places) == values.amin(places)
        return torch.stack([mean, spread, still.float().mean()])


def _sample(output: torch.Tensor) -> torch.Tensor:
    """Return a copy of the first images of an output (N, ...): what follows may work in place."""
    output = local(output.detach())
    if output.ndim < 2:  # a number per image
        output = output.reshape(-1, 1)
    count = max(2, _SAMPLE // max(1, output[:1].numel()))
    return output[:count].clone()
