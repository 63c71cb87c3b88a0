"""Objective ``bce``: the original GAN."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ganbench.models.draw import Draw
from ganbench.training.objectives.base import PROBABILITY, Loss, Objective, score_parts, scores_of


class BCE(Objective):
    """Goodfellow et al. 2014: binary cross-entropy on Sigmoid(score), non-saturating for the generator."""

    output = PROBABILITY
    discriminator_formula = "(-mean log D(real) - mean log(1 - D(fake))) / 2"
    generator_formula = "-mean log D(fake)"
    discriminator_idea = "BCE asks 'real or fake?'"
    generator_idea = "with the log, the generator learns most from images that are called fake"

    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        """See ``Objective``. With a logit s: -log sigmoid(s) = softplus(-s)."""
        del step, draw
        on_real, on_fake = scores_of(discriminator, real), scores_of(discriminator, fake)
        total = (F.softplus(-on_real).mean() + F.softplus(on_fake).mean()) / 2
        return Loss(total, score_parts(on_real, on_fake))

    def generator_loss(
        self,
        discriminator: nn.Module,
        generator: nn.Module,
        inputs: tuple[torch.Tensor, ...],
        step: int,
        draw: Draw,
    ) -> Loss:
        """See ``Objective``."""
        del step, draw
        return Loss(F.softplus(-scores_of(discriminator, generator(*inputs))).mean())
