"""The models by name: what a recipe's ``[model]`` section builds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ganbench.models.settings import ModelRecipe
from ganbench.registry import Registry

if TYPE_CHECKING:
    from torch import nn

MODELS: Registry[Callable[[ModelRecipe], tuple[nn.Module, nn.Module]]] = Registry("model", group="ganbench.models")
MODELS.add("dcgan", "ganbench.models.dcgan:build")
MODELS.add("stylegan2", "ganbench.models.stylegan2:build")
