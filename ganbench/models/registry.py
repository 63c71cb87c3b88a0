"""The models by name: what a recipe's ``[model]`` section builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.models.model import Model
from ganbench.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from ganbench.models.generator import Generator

MODELS: Registry[type[Model]] = Registry("model", Model, "ganbench.models", classes=True)
MODELS.add("dcgan", "ganbench.models.shipped:DCGAN")
MODELS.add("stylegan2", "ganbench.models.shipped:StyleGAN2")


def build_networks(settings: Model.Settings) -> tuple[Generator, nn.Module]:
    """Return a new generator and a new discriminator of a recipe's ``[model]`` section."""
    return MODELS[settings.name](settings).build()
