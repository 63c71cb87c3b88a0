"""The models that ship with ganbench: their settings. Their networks, and torch, are imported when they are built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ganbench.models.model import Model

if TYPE_CHECKING:
    from ganbench.models import dcgan, stylegan2


class DCGAN(Model):
    """Radford et al. 2016, as the assignment has it."""

    class Settings(Model.Settings):
        """Sizes of the two networks, and what normalises the discriminator's layers."""

        size: Literal[32, 64, 128] = Field(default=64, description="Pixels of an image's side.")
        latent: int = Field(default=100, ge=1, description="Length of the random vector that an image is made from.")
        width: int = Field(default=64, ge=1, description="Feature maps at the full resolution: capacity and cost.")
        norm: Literal["batch", "instance", "none"] = Field(
            default="batch",
            description="Batch norm ties a batch's images together; a penalty on each image's own gradient rules it "
            "out.",
        )

    settings: Settings

    def build(self) -> tuple[dcgan.Generator, dcgan.Discriminator]:
        """See ``Model``."""
        from ganbench.models import dcgan

        s = self.settings
        return dcgan.Generator(s.size, s.latent, s.width), dcgan.Discriminator(s.size, s.width, s.norm)


class StyleGAN2(Model):
    """Karras et al. 2020."""

    class Settings(Model.Settings):
        """Sizes of the networks."""

        size: Literal[32, 64, 128] = Field(default=64, description="Pixels of an image's side.")
        latent: int = Field(default=512, ge=1, description="Length of the random vector that an image is made from.")
        width: int = Field(default=32, ge=1, description="Feature maps at the full resolution: capacity and cost.")
        max_width: int = Field(default=512, ge=1, description="No resolution has more feature maps than this.")
        mapping_layers: int = Field(default=8, ge=1, description="Layers between the latent and the styles.")

    settings: Settings

    def build(self) -> tuple[stylegan2.Generator, stylegan2.Discriminator]:
        """See ``Model``."""
        from ganbench.models import stylegan2

        s = self.settings
        return (
            stylegan2.Generator(s.size, s.latent, s.width, s.max_width, s.mapping_layers),
            stylegan2.Discriminator(s.size, s.width, s.max_width),
        )
