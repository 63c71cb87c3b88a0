"""The assignment's generator, written from its description in the docs and not from our module."""

from __future__ import annotations

import torch
from torch import nn


class AssignmentGenerator(nn.Module):
    """As students have it in their checkpoints: the names of its layers matter too."""

    def __init__(self, z: int, f: int) -> None:
        super().__init__()
        self.l1 = nn.Sequential(nn.Linear(z, f * 8 * 4 * 4, bias=False), nn.BatchNorm1d(f * 8 * 4 * 4), nn.ReLU())

        def up(a: int, b: int) -> nn.Sequential:
            conv = nn.ConvTranspose2d(a, b, kernel_size=5, stride=2, padding=2, output_padding=1, bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(b), nn.ReLU(True))

        self.l2 = nn.Sequential(up(f * 8, f * 4), up(f * 4, f * 2), up(f * 2, f))
        self.l3 = nn.Sequential(
            nn.ConvTranspose2d(f, 3, kernel_size=5, stride=2, padding=2, output_padding=1, bias=False), nn.Tanh()
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        y = self.l1(z)
        return self.l3(self.l2(y.view(y.size(0), -1, 4, 4)))
