"""Inception-v3 as converted from TensorFlow in 2015, the network behind FID, KID and the Inception Score.

The blocks are torch-fidelity's, so that the definition is the published one. torch-fidelity's own extractor class is
not used: it reads weights with pickles allowed, and downloads them when none are given.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch_fidelity.feature_extractor_inceptionv3 import (
    BasicConv2d,
    InceptionA,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE_1,
    InceptionE_2,
)

from ganbench.features.rounding import round_to_bfloat16

FEATURES = 2048
CLASSES = 1008


class InceptionV3(nn.Module):
    """Maps images (N, 3, 299, 299), scaled to about -1..1, to features (N, 2048) and logits (N, 1008).

    The logits are without bias, as TensorFlow's Inception Score has them (torch-fidelity's ``logits_unbiased``). The
    names of the parameters are those of the published weights files.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = BasicConv2d(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = BasicConv2d(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = BasicConv2d(32, 64, kernel_size=3, padding=1)
        self.Conv2d_3b_1x1 = BasicConv2d(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = BasicConv2d(80, 192, kernel_size=3)
        self.Mixed_5b = InceptionA(192, pool_features=32)
        self.Mixed_5c = InceptionA(256, pool_features=64)
        self.Mixed_5d = InceptionA(288, pool_features=64)
        self.Mixed_6a = InceptionB(288)
        self.Mixed_6b = InceptionC(768, channels_7x7=128)
        self.Mixed_6c = InceptionC(768, channels_7x7=160)
        self.Mixed_6d = InceptionC(768, channels_7x7=160)
        self.Mixed_6e = InceptionC(768, channels_7x7=192)
        self.Mixed_7a = InceptionD(768)
        self.Mixed_7b = InceptionE_1(1280)
        self.Mixed_7c = InceptionE_2(2048)
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the pooled features and the logits without bias."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, kernel_size=3, stride=2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, kernel_size=3, stride=2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        # Float32 from here on whatever came before: a mean over 64 places and one small product cost nothing.
        with torch.autocast(x.device.type, enabled=False):
            features = x.float().mean((2, 3))
            return features, features.matmul(self.fc.weight.t())


def fold_batch_norms(network: InceptionV3) -> InceptionV3:
    """Fold every batch norm into the convolution before it, in place; the network must be in inference mode."""
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            # In float64, rounded once: the folded weights are the nearest to the exact ones.
            module.conv = fuse_conv_bn_eval(module.conv.double(), module.bn.double()).float()
            module.bn = nn.Identity()
    return network


def round_weights(network: InceptionV3) -> InceptionV3:
    """Round the weights of every convolution to bfloat16, in place, as ``ganbench.features.rounding`` has it."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight = nn.Parameter(torch.from_numpy(round_to_bfloat16(module.weight.detach().numpy())))
    return network
