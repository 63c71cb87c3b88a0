"""Ways to break a training from outside, where no setting of a recipe does. Each lasts as long as its block.

They go in where somebody's own code would: into the losses, into the networks as they are built, into the optimizer.
The product's loop is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from ganbench.models.registry import MODELS
from ganbench.training.objectives.base import Loss
from ganbench.training.objectives.registry import OBJECTIVES
from ganbench.training.recipe import Recipe

Patch = Callable[[Recipe], AbstractContextManager[None]]
_DEAD = -8.0  # bias behind a normalisation: eight standard deviations below where a ReLU opens
_CUE = 4  # pixels of the side of the corner that gives a label away
_FIRST_SCALE, _GROWS_EVERY = 2.0**10, 12  # of the loss, doubled every so many steps as gradient scalers do


@contextmanager
def wrong_sign(recipe: Recipe) -> Iterator[None]:
    """The generator climbs what it should descend."""
    objective = OBJECTIVES[recipe.objective.name]
    right = objective.generator_loss

    def wrong(self: Any, *arguments: Any) -> Loss:
        loss = right(self, *arguments)
        return Loss(-loss.total, loss.parts)

    with patch.object(objective, "generator_loss", wrong):
        yield


@contextmanager
def _networks(recipe: Recipe, change: Callable[[nn.Module, nn.Module], None]) -> Iterator[None]:
    """Change the two networks whenever they are built."""
    model = MODELS[recipe.model.name]
    build = model.build

    def changed(self: Any) -> tuple[Any, nn.Module]:
        generator, discriminator = build(self)
        change(generator, discriminator)
        return generator, discriminator

    with patch.object(model, "build", changed):
        yield


def frozen(recipe: Recipe) -> AbstractContextManager[None]:
    """No gradient reaches the generator's weights."""

    def freeze(generator: nn.Module, discriminator: nn.Module) -> None:
        del discriminator
        for parameter in generator.parameters():
            parameter.register_hook(torch.zeros_like)

    return _networks(recipe, freeze)


def unnormalised(recipe: Recipe) -> AbstractContextManager[None]:
    """The generator has no batch norms; those of the discriminator are a setting of the recipe."""

    def strip(generator: nn.Module, discriminator: nn.Module) -> None:
        del discriminator
        for module in list(generator.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                    setattr(module, name, nn.Identity())

    return _networks(recipe, strip)


def dead(share: float, layers: slice) -> Patch:
    """This share of the units of some of the generator's layers is never above 0."""

    def patched(recipe: Recipe) -> AbstractContextManager[None]:
        def kill(generator: nn.Module, discriminator: nn.Module) -> None:
            del discriminator
            norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
            with torch.no_grad():
                for norm in norms[layers]:
                    norm.bias[: round(share * norm.num_features)] = _DEAD

        return _networks(recipe, kill)

    return patched


@contextmanager
def strong(recipe: Recipe, times: float = 20.0) -> Iterator[None]:
    """The discriminator learns so many times as fast as the generator."""
    start = torch.optim.Adam.__init__
    strong_ones: set[int] = set()

    def mark(generator: nn.Module, discriminator: nn.Module) -> None:
        del generator
        strong_ones.update(id(parameter) for parameter in discriminator.parameters())

    def faster(self: Any, parameters: Any, lr: float, *arguments: Any, **more: Any) -> None:
        parameters = list(parameters)
        factor = times if id(parameters[0]) in strong_ones else 1.0
        start(self, parameters, lr * factor, *arguments, **more)

    with _networks(recipe, mark), patch.object(torch.optim.Adam, "__init__", faster):
        yield


@contextmanager
def leak(recipe: Recipe) -> Iterator[None]:
    """A corner of every image says whether it is real: white where it is, black where it is not."""
    objective = OBJECTIVES[recipe.objective.name]
    of_discriminator, of_generator = objective.discriminator_loss, objective.generator_loss

    def marked(images: torch.Tensor, value: float) -> torch.Tensor:
        images = images.clone()
        images[:, :, :_CUE, :_CUE] = value
        return images

    def discriminator_loss(self: Any, network: Any, real: torch.Tensor, fake: torch.Tensor, *more: Any) -> Loss:
        return of_discriminator(self, network, marked(real, 1.0), marked(fake, -1.0), *more)

    def generator_loss(self: Any, network: Any, *more: Any) -> Loss:
        return of_generator(self, lambda images: network(marked(images, -1.0)), *more)

    with (
        patch.object(objective, "discriminator_loss", discriminator_loss),
        patch.object(objective, "generator_loss", generator_loss),
    ):
        yield


@contextmanager
def overflow(recipe: Recipe) -> Iterator[None]:
    """The discriminator's gradients are halves of a scaled loss, and nobody looks whether the scale has grown too far.

    A gradient scaler doubles its factor again and again and takes it back when a gradient is infinite. This one does
    not take it back, and what overflowed goes into the weights.
    """
    objective = OBJECTIVES[recipe.objective.name]
    right = objective.discriminator_loss
    steps = 0

    def through_half(gradient: torch.Tensor) -> torch.Tensor:
        scale = _FIRST_SCALE * 2.0 ** (steps // _GROWS_EVERY)
        return (gradient * scale).half().float() / scale

    def counted(self: Any, *arguments: Any) -> Loss:
        nonlocal steps
        steps += 1
        return right(self, *arguments)

    def halve(generator: nn.Module, discriminator: nn.Module) -> None:
        del generator
        for parameter in discriminator.parameters():
            parameter.register_hook(through_half)

    with _networks(recipe, halve), patch.object(objective, "discriminator_loss", counted):
        yield
