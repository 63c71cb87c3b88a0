"""Objective ``stylegan2``: non-saturating loss with lazy regularisation of both networks."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from pydantic import Field

from ganbench.errors import GanbenchError
from ganbench.training.objectives.base import PROBABILITY, Loss, Objective, score_parts, scores_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ganbench.models.draw import Draw


class StyleGAN2(Objective):
    """Karras et al. 2020: non-saturating loss, R1 every few steps, path-length regularisation every few steps.

    A term that is computed every k-th step counts k times, so that its weight means the same for every k. It joins the
    main loss's step. The paper gives it a step of its own, and shrinks Adam's rate and momenta by k / (k + 1) to make
    up for the additional steps; there are none here, so Adam stays as the recipe says.

    For path lengths the generator must take ``styled=True`` and then return its styles too, (N, layers, latent).
    """

    class Settings(Objective.Settings):
        """Weight and rhythm of the two regularisation terms."""

        r1_weight: float = Field(ge=0, description="Penalty on the discriminator's gradient at real images.")
        r1_every: int = Field(
            default=16, ge=1, description="R1 is expensive: computed every so many steps and scaled up."
        )
        path_weight: float = Field(
            ge=0, description="Equal steps in style space shall make equal changes of the image."
        )
        path_every: int = Field(
            default=8, ge=1, description="Path lengths are expensive: computed every so many steps and scaled up."
        )

    output = PROBABILITY
    discriminator_formula = "-mean log D(real) - mean log(1 - D(fake)) + weight / 2 * mean |grad D(real)|^2"
    generator_formula = "-mean log D(fake) + weight * mean (|J^T y| - running mean)^2"
    discriminator_idea = "R1 keeps the discriminator flat at real images, so that training settles"
    generator_idea = "path lengths of one size make the styles a smooth map of the images"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        import torch

        super().__init__(settings)
        self.path_mean = torch.zeros(())

    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        """See ``Objective``."""
        from torch.nn import functional as F

        del draw
        s = self.settings
        regularise = s.r1_weight > 0 and step % s.r1_every == 0
        real = real.detach().requires_grad_(regularise)
        on_real, on_fake = scores_of(discriminator, real), scores_of(discriminator, fake)
        total = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        parts = score_parts(on_real, on_fake)
        if regularise:
            penalty = r1_penalty(on_real, real)
            total = total + s.r1_weight / 2 * s.r1_every * penalty
            parts["r1"] = penalty.detach()
        return Loss(total, parts)

    def generator_loss(
        self,
        discriminator: nn.Module,
        generator: nn.Module,
        inputs: tuple[torch.Tensor, ...],
        step: int,
        draw: Draw,
    ) -> Loss:
        """See ``Objective``.

        Raises:
            GanbenchError: the generator has no styles to regularise.
        """
        from torch.nn import functional as F

        from ganbench.training.distributed import average_over_processes

        s = self.settings
        if s.path_weight == 0 or step % s.path_every:
            return Loss(F.softplus(-scores_of(discriminator, generator(*inputs))).mean())
        _check_styles(generator)
        fake, styles = generator(*inputs, styled=True)
        total = F.softplus(-scores_of(discriminator, fake)).mean()
        y = draw.normal(*fake.shape[1:]).to(fake.device) / (fake.shape[2] * fake.shape[3]) ** 0.5
        lengths = path_lengths(fake, styles, y)
        self.path_mean = self.path_mean.to(lengths.device).lerp(average_over_processes(lengths.detach().mean()), 0.01)
        penalty = (lengths - self.path_mean).square().mean()
        return Loss(total + s.path_weight * s.path_every * penalty, {"path_length": lengths.detach().mean()})

    def state(self) -> dict[str, torch.Tensor]:
        """Keep the running mean of the path length."""
        return {"path_mean": self.path_mean}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """See ``Objective``."""
        self.path_mean = state["path_mean"]


def _check_styles(generator: nn.Module) -> None:
    network = getattr(generator, "module", generator)  # the one inside DistributedDataParallel
    if "styled" not in inspect.signature(network.forward).parameters:
        raise GanbenchError(
            "the objective stylegan2 regularises styles, and the generator of this model has none. "
            "Take the model stylegan2, or leave the term out: --set objective.path_weight=0"
        )


def r1_penalty(scores: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return mean |d score / d image|^2 (Mescheder et al. 2018), differentiable; images require a gradient."""
    import torch

    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradient.float().square().flatten(1).sum(1).mean()


def path_lengths(images: torch.Tensor, styles: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return |J^T y| per image (N,), J = d image / d style: root of the mean over layers of the squared length.

    Args:
        images: (N, 3, H, W), made from ``styles``.
        styles: (N, layers, latent).
        y: random images of variance 1 / (H W).
    """
    import torch

    (gradient,) = torch.autograd.grad((images.float() * y).sum(), styles, create_graph=True)
    return gradient.float().square().sum(2).mean(1).sqrt()
