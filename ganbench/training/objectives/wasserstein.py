"""The Wasserstein loss without anything that keeps the critic smooth: what clipping and penalty build on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.training.objectives.base import SCORE, Loss, Objective, score_parts, scores_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ganbench.models.draw import Draw


class Wasserstein(Objective):
    """Arjovsky et al. 2017: the critic estimates how far apart the distributions of real and fake images are."""

    output = SCORE
    discriminator_formula = "-mean D(real) + mean D(fake)"
    generator_formula = "-mean D(fake)"
    discriminator_idea = "the Wasserstein loss, without log, estimates how far apart the two distributions are"
    generator_idea = "without the log, it climbs the discriminator's score equally steeply everywhere"

    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        """See ``Objective``."""
        del step, draw
        on_real, on_fake = scores_of(discriminator, real), scores_of(discriminator, fake)
        return Loss(on_fake.mean() - on_real.mean(), score_parts(on_real, on_fake))

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
        return Loss(-scores_of(discriminator, generator(*inputs)).mean())
