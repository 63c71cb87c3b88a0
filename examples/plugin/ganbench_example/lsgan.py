"""LSGAN: least squares pull the scores of real images to a label, and those of fake ones to 0."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from ganbench.models.draw import Draw
from ganbench.training.objectives.base import SCORE, Loss, Objective, score_parts, scores_of


class LeastSquares(Objective):
    """Mao et al. 2017, with a label that may be chosen."""

    class Settings(Objective.Settings):
        """The label; below 1 it keeps the discriminator from being too sure."""

        real_label: float = Field(default=1.0, gt=0, description="What the scores of real images are pulled to.")

    settings: Settings
    output = SCORE
    discriminator_formula = "(mean (D(real) - label)^2 + mean D(fake)^2) / 2"
    generator_formula = "mean (D(fake) - label)^2 / 2"
    discriminator_idea = "least squares pull back scores that are right by too much, too"

    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        """Return the loss on images (N, 3, H, W) in [-1, 1]; fake ones carry no gradient."""
        on_real, on_fake = scores_of(discriminator, real), scores_of(discriminator, fake)
        total = ((on_real - self.settings.real_label).square().mean() + on_fake.square().mean()) / 2
        return Loss(total, score_parts(on_real, on_fake))

    def generator_loss(
        self,
        discriminator: nn.Module,
        generator: nn.Module,
        inputs: tuple[torch.Tensor, ...],
        step: int,
        draw: Draw,
    ) -> Loss:
        """Return the loss of images that the generator makes of its inputs."""
        on_fake = scores_of(discriminator, generator(*inputs))
        return Loss((on_fake - self.settings.real_label).square().mean() / 2)
