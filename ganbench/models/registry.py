"""The models by name: what a recipe's ``[model]`` section builds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ganbench.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from ganbench.training.recipe import ModelRecipe


def _dcgan(recipe: ModelRecipe) -> tuple[nn.Module, nn.Module]:
    from ganbench.models.dcgan import Discriminator, Generator

    return (
        Generator(recipe.size, recipe.latent, recipe.width),
        Discriminator(recipe.size, recipe.width, recipe.norm),
    )


def _stylegan2(recipe: ModelRecipe) -> tuple[nn.Module, nn.Module]:
    from ganbench.models.stylegan2 import Discriminator, Generator

    return (
        Generator(recipe.size, recipe.latent, recipe.width, recipe.max_width, recipe.mapping_layers),
        Discriminator(recipe.size, recipe.width, recipe.max_width),
    )


MODELS: Registry[Callable[[ModelRecipe], tuple[nn.Module, nn.Module]]] = Registry("model")
MODELS.add("dcgan", _dcgan)
MODELS.add("stylegan2", _stylegan2)
