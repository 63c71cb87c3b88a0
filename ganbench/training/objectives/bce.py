"""Objective ``bce``: the original GAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.training.objectives.base import PROBABILITY, Loss, Objective, score_parts, scores_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ganbench.models.draw import Draw


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
        from torch.nn import functional as F

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
        from torch.nn import functional as F

        del step, draw
        return Loss(F.softplus(-scores_of(discriminator, generator(*inputs))).mean())
