"""The models by name: what a recipe's ``[model]`` section builds."""

from __future__ import annotations

from torch import nn

from ganbench.models.base import Generator, Model
from ganbench.registry import Registry

MODELS: Registry[type[Model]] = Registry("model", Model, "ganbench.models", classes=True)
MODELS.add("dcgan", "ganbench.models.dcgan:DCGAN")
MODELS.add("stylegan2", "ganbench.models.stylegan2:StyleGAN2")


def build_networks(settings: Model.Settings) -> tuple[Generator, nn.Module]:
    """Return a new generator and a new discriminator of a recipe's ``[model]`` section."""
    return MODELS[settings.name](settings).build()
