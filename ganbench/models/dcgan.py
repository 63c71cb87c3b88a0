"""The assignment's DCGAN pair, at any width and for 32, 64 or 128 pixels.

At 64 pixels and width f: the generator projects z to 8f maps of 4x4 and doubles the resolution four times; the
discriminator has five convolutions. Other sizes have one level less or more.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import nn

from ganbench.models import generator
from ganbench.models.draw import Draw

NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "instance": nn.InstanceNorm2d,
    "none": lambda channels: nn.Identity(),
}


def _levels(size: int) -> int:
    """Return how often 4x4 maps are doubled to reach the size."""
    return int(math.log2(size // 4))


class Generator(generator.Generator):
    """z of length ``latent`` -> image in [-1, 1]."""

    def __init__(self, size: int = 64, latent: int = 100, width: int = 64) -> None:
        super().__init__()
        self.latent = latent
        self.truncation = 1.0
        levels = _levels(size)
        self.top = width * 2 ** (levels - 1)
        self.project = nn.Sequential(
            nn.Linear(latent, self.top * 16, bias=False), nn.BatchNorm1d(self.top * 16), nn.ReLU()
        )
        channels = [self.top // 2**i for i in range(levels)]
        self.upsample = nn.Sequential(
            *(
                nn.Sequential(_double(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU())
                for inputs, outputs in itertools.pairwise(channels)
            )
        )
        self.to_rgb = nn.Sequential(_double(width, 3), nn.Tanh())
        self.apply(_initialise)

    def inputs(self, draw: Draw) -> tuple[torch.Tensor]:
        """Draw what ``forward`` takes: z, (N, latent)."""
        return (draw.normal(self.latent),)

    def set_truncation(self, truncation: float) -> None:
        """Scale latents by this factor, towards their mean of 0."""
        self.truncation = truncation

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Map z (N, latent) to images (N, 3, size, size) in [-1, 1]."""
        x = self.project(z * self.truncation if self.truncation != 1 else z).view(-1, self.top, 4, 4)
        return self.to_rgb(self.upsample(x))


class Discriminator(nn.Module):
    """Image -> one unbounded number; where a loss wants a probability, its Sigmoid is part of the loss."""

    def __init__(self, size: int = 64, width: int = 64, norm: str = "batch") -> None:
        super().__init__()
        channels = [width * 2**i for i in range(_levels(size))]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs in itertools.pairwise(channels):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), NORMS[norm](outputs), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, 1, 0))
        self.apply(_initialise)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, 3, size, size) in [-1, 1] to scores (N,), higher is more real."""
        return self.layers(images).flatten()


def _double(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 5, 2, 2, output_padding=1, bias=False)


def _initialise(module: nn.Module) -> None:
    """Convolutions N(0, 0.02), batch-norm weights N(1, 0.02), biases 0; the projection keeps PyTorch's default."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    if isinstance(module, nn.Conv2d | nn.BatchNorm1d | nn.BatchNorm2d) and module.bias is not None:
        nn.init.zeros_(module.bias)
