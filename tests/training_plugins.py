"""Plug-ins as somebody else would write them: a loss, and a pair of networks, each one file of its own."""

from __future__ import annotations

LOSS = '''
"""LSGAN with a label to choose."""

from pydantic import Field

from ganbench.training.objectives.base import SCORE, Loss, Objective, score_parts, scores_of


class LeastSquares(Objective):
    class Settings(Objective.Settings):
        real_label: float = Field(default=1.0, ge=0, description="What the scores of real images are pulled to.")
        unsaid: int = 3

    settings: Settings
    output = SCORE
    discriminator_formula = "(mean (D(real) - label)^2 + mean D(fake)^2) / 2"
    generator_formula = "mean (D(fake) - label)^2 / 2"

    def discriminator_loss(self, discriminator, real, fake, step, draw):
        on_real, on_fake = scores_of(discriminator, real), scores_of(discriminator, fake)
        total = ((on_real - self.settings.real_label).square().mean() + on_fake.square().mean()) / 2
        return Loss(total, score_parts(on_real, on_fake))

    def generator_loss(self, discriminator, generator, inputs, step, draw):
        on_fake = scores_of(discriminator, generator(*inputs))
        return Loss((on_fake - self.settings.real_label).square().mean() / 2)
'''

NETWORKS = '''
"""Fully connected networks."""

import torch
from pydantic import Field
from torch import nn

from ganbench.models import base


class Generator(base.Generator):
    def __init__(self, size, hidden):
        super().__init__()
        self.size, self.truncation = size, 1.0
        self.layers = nn.Sequential(nn.Linear(8, hidden), nn.BatchNorm1d(hidden), nn.ReLU())
        self.pixels = nn.Linear(hidden, 3 * size**2)

    def inputs(self, draw):
        return (draw.normal(8),)

    def set_truncation(self, truncation):
        self.truncation = truncation

    def forward(self, z):
        return self.pixels(self.layers(z * self.truncation)).tanh().view(-1, 3, self.size, self.size)


class Pair(base.Model):
    class Settings(base.Model.Settings):
        hidden: int = Field(default=16, ge=1, description="Units of the hidden layer.")

    settings: Settings

    def build(self):
        size, hidden = self.settings.size, self.settings.hidden
        judge = nn.Sequential(
            nn.Flatten(), nn.Linear(3 * size**2, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1), nn.Flatten(0)
        )
        return Generator(size, hidden), judge
'''

RECIPE = """
title = "LSGAN with layers of one kind"
extends = "dcgan"

[model]
name = "plug_networks:Pair"
size = 16

[objective]
name = "plug_losses:LeastSquares"
real_label = 0.9

[training]
batch = 8
"""
