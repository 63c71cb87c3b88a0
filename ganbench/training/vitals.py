"""What a training shows of itself at a logged step: its layers, what a step of each network does, scores of images
that were held out. ``ganbench doctor`` and ``--on-trouble`` judge by it.

Measured on a few images, at logged steps alone. Nothing here changes the training: networks are called with copies of
their buffers, and no random number is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import nn

from ganbench.system.wall import reason
from ganbench.training.data import TrainingImages, to_training_range
from ganbench.training.state import TrainingState

_IMAGES = 16  # of each kind that are scored
_AT_BOUND = 1 - 1e-6
COLUMNS = ("norm", "weight_norm", "update", "silent", "at_bound")  # of a layer


@dataclass
class _Reading:
    """What was measured at one step, still on its device."""

    layers: dict[str, torch.Tensor] = field(default_factory=dict)  # by network, (layers, len(COLUMNS))
    numbers: dict[str, torch.Tensor] = field(default_factory=dict)


class Vitals:
    """Measures the steps that it is told to."""

    def __init__(self, state: TrainingState, images: TrainingImages) -> None:
        """Choose the images: some that are trained on, and some that are held out, always the same.

        Args:
            state: whose networks are measured.
            images: what it is trained on.
        """
        self._state = state
        self._clip = getattr(state.recipe.objective, "clip", None)
        seen = images.seen[np.arange(_IMAGES) * len(images.seen) // _IMAGES]
        self._seen = self._load(images, seen)
        self._held_out = self._load(images, images.held_out[:_IMAGES])
        self._real_variety = torch.zeros(()) if self._seen is None else _variety(self._seen)
        self._reading: _Reading | None = None
        self.failed: str | None = None  # why no image is scored any more, where a network does not take just images
        names = {"generator": state.generator, "discriminator": state.discriminator}
        self._layers = {name: _layers(network) for name, network in names.items()}

    def begin(self) -> None:
        """Measure the step that follows."""
        self._reading = _Reading()

    @contextmanager
    def around(self, network: str, inputs: tuple[torch.Tensor, ...] | None = None) -> Iterator[None]:
        """Measure the block, in which a network is changed by its gradients, if this step is to be measured.

        Args:
            network: ``generator`` or ``discriminator``.
            inputs: for the generator, those of the step: their images are scored before and after it.
        """
        if self._reading is None:
            yield
            return
        parameters = list(self._layers[network].values())
        before = self._try(lambda: self._score_made(inputs, stepped=False))
        with torch.no_grad():
            norms = torch.stack(torch._foreach_norm([_gradient(p) for p in parameters])).float()
            silent = torch.stack([_silent(p) for p in parameters])
            weights = [p.detach().clone() for p in parameters]
            length = torch.stack(torch._foreach_norm(weights)).float()
        yield
        with torch.no_grad():
            now = [p.detach() for p in parameters]
            torch._foreach_sub_(weights, now)  # in place: no memory for as much again
            moved = torch.stack(torch._foreach_norm(weights)).float()
            bound = torch.stack([self._at_bound(p) for p in now])
        self._reading.layers[network] = torch.stack([norms, length, moved, silent, bound], 1)
        after = self._try(lambda: self._score_made(inputs, stepped=True))
        if before is not None and after is not None:
            numbers = self._reading.numbers
            numbers |= {"made_score": before.mean(), "made_spread": before.std(), "gain": (after - before).mean()}

    def read(self) -> dict[str, object] | None:
        """Return what was measured since ``begin``, as plain data of finite numbers and None; then there is nothing.

        All processes of a run must ask together: the batch norms of several talk to each other.
        """
        reading, self._reading = self._reading, None
        if reading is None:
            return None
        self._try(lambda: self._score_real(reading.numbers))
        numbers = {name: _finite(value) for name, value in zip(reading.numbers, _values(reading.numbers), strict=True)}
        layers = {
            network: {
                name: [_finite(value) for value in row]
                for name, row in zip(self._layers[network], table.double().cpu().tolist(), strict=True)
            }
            for network, table in reading.layers.items()
        }
        return numbers | {"layers": layers}

    def _try(self, score: Callable[[], torch.Tensor | None]) -> torch.Tensor | None:
        """Score images, unless that failed before: networks of somebody's own may want more than images."""
        if self.failed is not None:
            return None
        try:
            return score()
        except Exception as e:  # whatever is wrong with it, it must not cost the training
            self.failed = reason(e)
            return None

    def _load(self, images: TrainingImages, indices: np.ndarray) -> torch.Tensor | None:
        if not len(indices):
            return None
        return to_training_range(torch.from_numpy(images.pixels[indices]), self._state.device)

    @torch.no_grad()
    def _score_real(self, numbers: dict[str, torch.Tensor]) -> torch.Tensor | None:
        """Score images that are trained on and images that are not, in one batch: batch norm sees them together."""
        if self._seen is None:
            return None
        both = self._seen if self._held_out is None else torch.cat([self._seen, self._held_out])
        scores = self._call(self._state.discriminator, both)
        seen, held_out = scores[: len(self._seen)], scores[len(self._seen) :]
        numbers |= {"seen_score": seen.mean(), "seen_spread": seen.std()}
        numbers["real_variety"] = self._real_variety
        if len(held_out):
            numbers["held_out_score"] = held_out.mean()
            numbers["seen_first"] = _ordered(seen, held_out)
        return scores

    @torch.no_grad()
    def _score_made(self, inputs: tuple[torch.Tensor, ...] | None, *, stepped: bool) -> torch.Tensor | None:
        """Score generated images; behind the step it is also told how they vary."""
        if inputs is None or self._reading is None:
            return None
        images = self._call(self._state.generator, *(t[:_IMAGES] for t in inputs))
        if stepped:
            self._reading.numbers["made_variety"] = _variety(images)
        return self._call(self._state.discriminator, images)

    def _call(self, network: nn.Module, *inputs: torch.Tensor) -> torch.Tensor:
        """Return what a network in training makes of something, and leave its buffers as they are."""
        state: dict[str, torch.Tensor] = {name: p.detach() for name, p in network.named_parameters()}
        state |= {name: b.clone() for name, b in network.named_buffers()}
        with self._state.autocast():
            made: torch.Tensor = torch.func.functional_call(network, state, inputs)
        return made.float()

    def _at_bound(self, parameter: torch.Tensor) -> torch.Tensor:
        if self._clip is None:
            return torch.full((), torch.nan, device=parameter.device)
        return parameter.abs().ge_(self._clip * _AT_BOUND).mean(dtype=torch.float32)


def scalars(line: Mapping[str, object]) -> dict[str, float]:
    """Return the numbers of a line of ``vitals.jsonl`` by name, those of layers as ``generator/main.0.weight/norm``.

    What is None is left out, and so are scores: ``metrics.jsonl`` has them.
    """
    numbers = {name: value for name, value in line.items() if isinstance(value, float)}
    layers = cast(Mapping[str, Mapping[str, list[float | None]]], line.get("layers", {}))
    for network, rows in layers.items():
        for layer, row in rows.items():
            named = zip(COLUMNS, row, strict=True)
            numbers |= {f"{network}/{layer}/{column}": v for column, v in named if isinstance(v, float)}
    return numbers


def _layers(network: nn.Module) -> dict[str, nn.Parameter]:
    """Return the matrices of a network that are trained, in the order in which they were defined."""
    return {name: p for name, p in network.named_parameters() if p.ndim >= 2 and p.numel() and "weight" in name}


def _gradient(parameter: nn.Parameter) -> torch.Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _silent(parameter: nn.Parameter) -> torch.Tensor:
    """Return the share of a layer's units that no gradient reaches: a unit that is cut off gets exactly none."""
    gradient = _gradient(parameter).detach()
    rest = tuple(range(1, gradient.ndim))
    return ((gradient.amax(rest) == 0) & (gradient.amin(rest) == 0)).float().mean()


def _variety(images: torch.Tensor) -> torch.Tensor:
    """Return by how much images differ from each other, as a share of the range: mean deviation of a pixel."""
    images = images.float().clamp(-1, 1)
    # On a CPU, std is eight times as slow as this.
    squares = (images - images.mean(0)).square_().sum(0)
    return (squares / (len(images) - 1)).sqrt().mean() / 2


def _ordered(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the share of pairs in which the first has the higher score; ties count half."""
    difference = first[:, None] - second[None, :]
    return ((difference > 0).float() + (difference == 0).float() / 2).mean()


def _values(numbers: dict[str, torch.Tensor]) -> Sequence[float]:
    return torch.stack([value.double().reshape(()) for value in numbers.values()]).tolist() if numbers else []


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
