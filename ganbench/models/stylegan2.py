"""A compact StyleGAN2 (Karras et al. 2020) for 32 to 128 pixels, on CPU and GPU alike.

Kept from the paper: mapping network, modulated and demodulated convolutions, per-pixel noise, skip RGB, residual
discriminator, minibatch standard deviation, equalised learning rate, style mixing. Written for plain PyTorch
operations: a modulated convolution scales its input and its output instead of the weights of every image, which is
the same arithmetic and lets one ordinary convolution serve the whole batch.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from ganbench.models import generator
from ganbench.models.draw import Draw

MIXING = 0.9  # share of training images whose layers take their styles from two latents
_GAIN = math.sqrt(2)  # keeps the variance behind a leaky ReLU
_MAPPING_RATE = 0.01  # the mapping network learns a hundred times slower
_MEAN_OF = 4096  # latents whose mean style truncation pulls towards
_GROUP = 4  # images that share one minibatch statistic


def _active(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, 0.2) * _GAIN


def _blur(x: torch.Tensor, pad: int) -> torch.Tensor:
    """Filter with [1, 3, 3, 1] / 8 along both axes: a convolution of every channel with the same 4x4 numbers."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device, dtype=x.dtype) / 8
    kernel = (line[:, None] * line).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, padding=pad, groups=x.shape[1])


class EqualLinear(nn.Module):
    """Linear layer whose stored weights are N(0, 1): the scale is applied at run time, so all layers learn alike."""

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale = rate / math.sqrt(inputs)
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs) to (N, outputs)."""
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class EqualConv2d(nn.Module):
    """Convolution with equalised learning rate; ``down`` halves the resolution behind a blur."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, down: bool = False, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.kernel = kernel
        self.down = down

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W), or half of H and W."""
        weight = self.weight * self.scale
        if self.down:
            return F.conv2d(_blur(x, (self.kernel + 1) // 2), weight, self.bias, stride=2)
        return F.conv2d(x, weight, self.bias, padding=self.kernel // 2)


class ModulatedConv2d(nn.Module):
    """Convolution whose input channels are scaled by a style, and whose output is brought back to unit variance."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, styles: int, *, up: bool = False, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.style = EqualLinear(styles, inputs, bias=1.0)
        self.kernel = kernel
        self.up = up
        self.demodulate = demodulate

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Map x (N, inputs, H, W) under styles w (N, styles) to (N, outputs, H, W), or twice H and W."""
        style = self.style(w)
        weight = self.weight * self.scale
        x = x * style[:, :, None, None]
        if self.up:
            x = _blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1) * 4
        else:
            x = F.conv2d(x, weight, padding=self.kernel // 2)
        if self.demodulate:
            power = style.float().square() @ weight.float().square().sum((2, 3)).t()
            x = x * torch.rsqrt(power + 1e-8)[:, :, None, None].to(x.dtype)
        return x


class StyledConv(nn.Module):
    """Modulated convolution, noise of a learned strength, bias, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, styles: int, *, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(inputs, outputs, 3, styles, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor, w: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Map x (N, inputs, H, W), styles (N, styles) and noise (N, 1, H', W') to (N, outputs, H', W')."""
        x = self.conv(x, w) + self.strength * noise + self.bias[:, None, None]
        return _active(x)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to three channels, added to the enlarged image so far."""

    def __init__(self, inputs: int, styles: int) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(inputs, 3, 1, styles, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: torch.Tensor, w: torch.Tensor, image: torch.Tensor | None) -> torch.Tensor:
        """Return the image (N, 3, H, W)."""
        rgb = self.conv(x, w) + self.bias[:, None, None]
        if image is None:
            return rgb
        # Bilinear doubling is the paper's: zeros in between, then the blur; only at the border it repeats the edge.
        return rgb + F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)


def _channels(size: int, width: int, most: int) -> list[int]:
    """Return the feature maps at 4, 8, ... size pixels."""
    return [min(most, width * size // 2**i) for i in range(2, int(math.log2(size)) + 1)]


class Generator(generator.Generator):
    """Latents and noise -> image, about [-1, 1] (not bounded, as in the paper)."""

    bounded = False

    def __init__(
        self, size: int = 64, latent: int = 512, width: int = 32, max_width: int = 512, mapping_layers: int = 8
    ) -> None:
        super().__init__()
        self.latent = latent
        self.truncation = 1.0
        self.mean_style: torch.Tensor | None = None
        channels = _channels(size, width, max_width)
        self.mapping = nn.ModuleList(EqualLinear(latent, latent, rate=_MAPPING_RATE) for _ in range(mapping_layers))
        self.start = nn.Parameter(torch.randn(channels[0], 4, 4))
        convs = [StyledConv(channels[0], channels[0], latent)]
        for inputs, outputs in itertools.pairwise(channels):
            convs += [StyledConv(inputs, outputs, latent, up=True), StyledConv(outputs, outputs, latent)]
        self.convs = nn.ModuleList(convs)
        self.to_rgb = nn.ModuleList(ToRGB(count, latent) for count in channels)

    @property
    def layers(self) -> int:
        """Number of styles an image takes: one for each convolution, and one for the last ToRGB."""
        return len(self.convs) + 1

    def inputs(self, draw: Draw) -> tuple[torch.Tensor, ...]:
        """Draw what ``forward`` takes: two latents, the layer where the second takes over, and noise per layer."""
        z = draw.normal(2, self.latent)
        chance = draw.uniform(2)
        crossover = 1 + (chance[:, 1] * (self.layers - 1)).floor()
        if self.training:
            crossover = torch.where(chance[:, 0] < MIXING, crossover, float(self.layers))
        else:
            crossover = torch.full_like(crossover, float(self.layers))
        sizes = [4 * 2 ** ((i + 1) // 2) for i in range(len(self.convs))]
        return z[:, 0], z[:, 1], crossover, *(draw.normal(1, size, size) for size in sizes)

    def map(self, z: torch.Tensor) -> torch.Tensor:
        """Map latents (N, latent) to styles (N, latent)."""
        w = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            w = _active(layer(w))
        return w

    @torch.no_grad()
    def set_truncation(self, truncation: float) -> None:
        """Pull styles towards the mean style by this factor; 1 leaves them alone."""
        self.truncation = truncation
        self.mean_style = None
        if truncation != 1:
            stream = torch.Generator().manual_seed(0)
            latents = torch.randn(_MEAN_OF, self.latent, generator=stream).to(self.start.device)
            self.mean_style = self.map(latents).mean(0)

    def synthesise(self, styles: torch.Tensor, *noise: torch.Tensor) -> torch.Tensor:
        """Map styles (N, layers, latent) and noise to images (N, 3, size, size)."""
        x = self.start.expand(len(styles), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x = self.convs[0](x, styles[:, 0], noise[0])
        image = self.to_rgb[0](x, styles[:, 1], None)
        for i in range(1, len(self.convs), 2):
            x = self.convs[i](x, styles[:, i], noise[i])
            x = self.convs[i + 1](x, styles[:, i + 1], noise[i + 1])
            image = self.to_rgb[(i + 1) // 2](x, styles[:, i + 2], image)
        return image

    def intermediate(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the style (N, latent) of the first latent, the one that all layers take in evaluation mode."""
        w = self.map(inputs[0])
        return w if self.mean_style is None else self.mean_style.lerp(w, self.truncation)

    def from_intermediate(self, w: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the images of one style (N, latent) in all layers, under the noise of the inputs."""
        return self.synthesise(w[:, None].expand(-1, self.layers, -1), *inputs[3:])

    def forward(
        self, z: torch.Tensor, other: torch.Tensor, crossover: torch.Tensor, *noise: torch.Tensor, styled: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Map what ``inputs`` draws to images (N, 3, size, size).

        Args:
            z: latents (N, latent).
            other: latents (N, latent) of the layers from ``crossover`` on.
            crossover: (N,).
            noise: (N, 1, h, w) per convolution.
            styled: also return the styles (N, layers, latent) that made the images, for path-length regularisation.
        """
        first, second = self.map(z), self.map(other)
        layer = torch.arange(self.layers, device=z.device)
        takes_second = (layer[None] >= crossover[:, None])[:, :, None]
        styles = torch.where(takes_second, second[:, None], first[:, None])
        if self.mean_style is not None:
            styles = self.mean_style.lerp(styles, self.truncation)
        image = self.synthesise(styles, *noise)
        return (image, styles) if styled else image


class _Residual(nn.Module):
    """Two convolutions and a skip, at half the resolution behind them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = EqualConv2d(inputs, inputs, 3)
        self.down = EqualConv2d(inputs, outputs, 3, down=True)
        self.skip = EqualConv2d(inputs, outputs, 1, down=True, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (_active(self.down(_active(self.conv(x)))) + self.skip(x)) / _GAIN


def minibatch_deviation(x: torch.Tensor, group: int = _GROUP) -> torch.Tensor:
    """Append one channel: the standard deviation over ``group`` neighbouring images, averaged over everything else.

    Args:
        x: (N, C, H, W).
        group: images of a group; when N is no multiple of it, the batch is one group.
    """
    n, _, height, width = x.shape
    size = group if n % group == 0 else n
    grouped = x.float().reshape(n // size, size, -1)
    deviation = (grouped.var(1, correction=0) + 1e-8).sqrt().mean(1)
    plane = deviation.repeat_interleave(size)[:, None, None, None].expand(n, 1, height, width)
    return torch.cat([x, plane.to(x.dtype)], 1)


class Discriminator(nn.Module):
    """Image -> one unbounded number."""

    def __init__(self, size: int = 64, width: int = 32, max_width: int = 512) -> None:
        super().__init__()
        channels = _channels(size, width, max_width)[::-1]
        self.from_rgb = EqualConv2d(3, channels[0], 1)
        self.blocks = nn.Sequential(*(_Residual(a, b) for a, b in itertools.pairwise(channels)))
        self.conv = EqualConv2d(channels[-1] + 1, channels[-1], 3)
        self.hidden = EqualLinear(channels[-1] * 16, channels[-1])
        self.score = EqualLinear(channels[-1], 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, 3, size, size) to scores (N,), higher is more real."""
        x = self.blocks(_active(self.from_rgb(images)))
        x = _active(self.conv(minibatch_deviation(x)))
        return self.score(_active(self.hidden(x.flatten(1)))).flatten()
