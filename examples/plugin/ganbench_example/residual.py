"""Residual networks, the discriminator's with spectral normalisation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ganbench.models import base
from ganbench.models.draw import Draw


class Up(nn.Module):
    """Twice the resolution, two convolutions beside a skip (Gulrajani et al. 2017, appendix F)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        first, second = nn.Conv2d(inputs, outputs, 3, 1, 1), nn.Conv2d(outputs, outputs, 3, 1, 1)
        enlarge = nn.Upsample(scale_factor=2)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.ReLU(), enlarge, first, nn.BatchNorm2d(outputs), nn.ReLU(), second
        )
        self.skip = nn.Sequential(enlarge, nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        return self.layers(x) + self.skip(x)


class Down(nn.Module):
    """Half the resolution, by averaging."""

    def __init__(self, inputs: int, outputs: int, norm: Callable[[nn.Module], nn.Module]) -> None:
        super().__init__()
        first, second = norm(nn.Conv2d(inputs, outputs, 3, 1, 1)), norm(nn.Conv2d(outputs, outputs, 3, 1, 1))
        self.layers = nn.Sequential(nn.ReLU(), first, nn.ReLU(), second)
        self.skip = norm(nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H/2, W/2)."""
        return F.avg_pool2d(self.layers(x) + self.skip(x), 2)


class Generator(base.Generator):
    """z of length ``latent`` -> image in [-1, 1]."""

    def __init__(self, channels: list[int], latent: int) -> None:
        super().__init__()
        self.latent, self.truncation = latent, 1.0
        blocks = [Up(a, b) for a, b in itertools.pairwise(channels)]
        end = [nn.BatchNorm2d(channels[-1]), nn.ReLU(), nn.Conv2d(channels[-1], 3, 3, 1, 1), nn.Tanh()]
        start = [nn.Linear(latent, channels[0] * 16), nn.Unflatten(1, (channels[0], 4, 4))]
        self.layers = nn.Sequential(*start, *blocks, *end)

    def inputs(self, draw: Draw) -> tuple[torch.Tensor, ...]:
        """Draw what ``forward`` takes: z, (N, latent)."""
        return (draw.normal(self.latent),)

    def set_truncation(self, truncation: float) -> None:
        """Scale latents by this factor, towards their mean of 0."""
        self.truncation = truncation

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Map z (N, latent) to images (N, 3, size, size) in [-1, 1]."""
        return self.layers(z * self.truncation)


class Residual(base.Model):
    """The pair."""

    class Settings(base.Model.Settings):
        """Sizes, and what bounds the discriminator."""

        size: Literal[32, 64, 128] = Field(default=64, description="Pixels of an image's side.")
        latent: int = Field(default=128, ge=1, description="Length of the random vector that an image is made from.")
        width: int = Field(default=32, ge=1, description="Feature maps at the full resolution: capacity and cost.")
        spectral: bool = Field(
            default=True, description="Bounds the slope of each of the discriminator's layers (Miyato et al. 2018)."
        )

    settings: Settings

    def build(self) -> tuple[Generator, nn.Module]:
        """Return the two networks, weights drawn from torch's global random state."""
        s = self.settings
        norm: Callable[[nn.Module], nn.Module] = spectral_norm if s.spectral else lambda layer: layer
        channels = [s.width * 2**i for i in range(int(math.log2(s.size // 4)) + 1)]
        blocks = [Down(a, b, norm) for a, b in itertools.pairwise([3, *channels[1:]])]
        end = [nn.ReLU(), nn.Flatten(), norm(nn.Linear(channels[-1] * 16, 1)), nn.Flatten(0)]
        return Generator(channels[::-1], s.latent), nn.Sequential(*blocks, *end)
