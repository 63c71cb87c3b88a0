"""Objective ``wasserstein-gp``: the critic's slope is held at 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ganbench.training.objectives.base import Loss, scores_of
from ganbench.training.objectives.wasserstein import Wasserstein

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ganbench.models.draw import Draw


class WassersteinPenalty(Wasserstein):
    """Gulrajani et al. 2017: the norm of the critic's input gradient is held at 1 between real and fake images."""

    class Settings(Wasserstein.Settings):
        """The penalty's weight, and the norm that it is about."""

        penalty_weight: float = Field(
            ge=0, description="How strongly the slope of the critic is held at 1; replaces clipping."
        )
        penalty_norm: Literal[1, 2] = Field(
            description="The norm of the input gradient that is held at 1; the theory is about the 2-norm."
        )

    discriminator_formula = "-mean D(real) + mean D(fake) + weight * mean (|grad D(x)| - 1)^2, x between real and fake"
    discriminator_idea = "the Wasserstein estimate needs a critic of slope 1, and the penalty holds it there"
    settings: Settings

    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        """See ``Objective``."""
        loss = super().discriminator_loss(discriminator, real, fake, step, draw)
        share = draw.uniform(1, 1, 1)
        norms = gradient_norms(discriminator, share * real + (1 - share) * fake, self.settings.penalty_norm)
        penalty = (norms - 1).square().mean()
        parts = {**loss.parts, "penalty": penalty.detach(), "input_gradient": norms.detach().mean()}
        return Loss(loss.total + self.settings.penalty_weight * penalty, parts)


def gradient_norms(
    discriminator: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, norm: int
) -> torch.Tensor:
    """Return each image's norm of d score / d image, (N,), itself differentiable.

    Args:
        discriminator: images (N, ...) -> scores (N,).
        images: where the gradient is taken.
        norm: 1 or 2, over all pixels and channels of an image.
    """
    import torch

    images = images.detach().requires_grad_(True)
    scores = scores_of(discriminator, images)
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return torch.linalg.vector_norm(gradient.float().flatten(1), norm, dim=1)
