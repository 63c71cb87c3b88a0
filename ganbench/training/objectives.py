"""Objectives: what the two networks minimise. The training loop never learns which one it runs.

Scores are unbounded numbers (N,), higher is more real; where a formula has a probability, the Sigmoid is part of the
loss.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from ganbench.models.draw import Draw
from ganbench.registry import Registry

if TYPE_CHECKING:
    from ganbench.training.recipe import Recipe


@dataclass
class Loss:
    """What one network minimises in one step.

    Attributes:
        total: scalar with a gradient.
        parts: scalars to log, detached: mean scores of real and fake images, regularisation terms.
    """

    total: torch.Tensor
    parts: dict[str, torch.Tensor] = field(default_factory=dict)


class Objective(ABC):
    """A pair of losses. ``output`` and the formulas are for people: ``ganbench recipes diff`` shows them."""

    output: ClassVar[str]
    discriminator_formula: ClassVar[str]
    generator_formula: ClassVar[str]

    @abstractmethod
    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        """Return the discriminator's loss on images (N, 3, H, W) in [-1, 1]; ``fake`` carries no gradient."""

    @abstractmethod
    def generator_loss(
        self,
        discriminator: nn.Module,
        generator: nn.Module,
        inputs: tuple[torch.Tensor, ...],
        step: int,
        draw: Draw,
    ) -> Loss:
        """Return the generator's loss; ``step`` counts the generator's own steps."""

    def after_step(self, discriminator: nn.Module) -> None:
        """Do what must follow a step of the discriminator; nothing by default."""
        del discriminator

    def state(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint must keep."""
        return {}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Restore what ``state`` returned."""
        del state


def _scores(discriminator: nn.Module, images: torch.Tensor) -> torch.Tensor:
    return discriminator(images).float()


class BCE(Objective):
    """The original GAN: binary cross-entropy on Sigmoid(score), non-saturating for the generator."""

    output = "probability (Sigmoid)"
    discriminator_formula = "(-mean log D(real) - mean log(1 - D(fake))) / 2"
    generator_formula = "-mean log D(fake)"

    def discriminator_loss(self, discriminator, real, fake, step, draw):
        """See ``Objective``. With a logit s: -log sigmoid(s) = softplus(-s)."""
        del step, draw
        on_real, on_fake = _scores(discriminator, real), _scores(discriminator, fake)
        total = (F.softplus(-on_real).mean() + F.softplus(on_fake).mean()) / 2
        return Loss(total, _score_parts(on_real, on_fake))

    def generator_loss(self, discriminator, generator, inputs, step, draw):
        """See ``Objective``."""
        del step, draw
        return Loss(F.softplus(-_scores(discriminator, generator(*inputs))).mean())


class Wasserstein(Objective):
    """The Wasserstein loss without anything that keeps the critic smooth: what clipping and penalty build on."""

    output = "unbounded score (no Sigmoid)"
    discriminator_formula = "-mean D(real) + mean D(fake)"
    generator_formula = "-mean D(fake)"

    def discriminator_loss(self, discriminator, real, fake, step, draw):
        """See ``Objective``."""
        del step, draw
        on_real, on_fake = _scores(discriminator, real), _scores(discriminator, fake)
        return Loss(on_fake.mean() - on_real.mean(), _score_parts(on_real, on_fake))

    def generator_loss(self, discriminator, generator, inputs, step, draw):
        """See ``Objective``."""
        del step, draw
        return Loss(-_scores(discriminator, generator(*inputs)).mean())


class WassersteinClip(Wasserstein):
    """Arjovsky et al. 2017: every weight of the critic is clamped to [-clip, clip] after its step."""

    def __init__(self, clip: float) -> None:
        self.clip = clip

    @torch.no_grad()
    def after_step(self, discriminator: nn.Module) -> None:
        """Clamp all parameters, normalisation layers included."""
        parameters = list(discriminator.parameters())
        torch._foreach_clamp_min_(parameters, -self.clip)
        torch._foreach_clamp_max_(parameters, self.clip)


class WassersteinPenalty(Wasserstein):
    """Gulrajani et al. 2017: the norm of the critic's input gradient is held at 1 between real and fake images."""

    discriminator_formula = "-mean D(real) + mean D(fake) + weight * mean (|grad D(x)| - 1)^2, x between real and fake"

    def __init__(self, weight: float, norm: int) -> None:
        self.weight = weight
        self.norm = norm

    def discriminator_loss(self, discriminator, real, fake, step, draw):
        """See ``Objective``."""
        loss = super().discriminator_loss(discriminator, real, fake, step, draw)
        share = draw.uniform(1, 1, 1)
        norms = gradient_norms(discriminator, share * real + (1 - share) * fake, self.norm)
        penalty = (norms - 1).square().mean()
        parts = {**loss.parts, "penalty": penalty.detach(), "input_gradient": norms.detach().mean()}
        return Loss(loss.total + self.weight * penalty, parts)


class StyleGAN2(Objective):
    """Karras et al. 2020: non-saturating loss, R1 every few steps, path-length regularisation every few steps.

    A term that is computed every k-th step counts k times, so that its weight means the same for every k. It joins the
    main loss's step. The paper gives it a step of its own, and shrinks Adam's rate and momenta by k / (k + 1) to make
    up for the additional steps; there are none here, so Adam stays as the recipe says.
    """

    output = "probability (Sigmoid)"
    discriminator_formula = "-mean log D(real) - mean log(1 - D(fake)) + weight / 2 * mean |grad D(real)|^2"
    generator_formula = "-mean log D(fake) + weight * mean (|J^T y| - running mean)^2"

    def __init__(self, r1_weight: float, r1_every: int, path_weight: float, path_every: int) -> None:
        self.r1_weight = r1_weight
        self.r1_every = r1_every
        self.path_weight = path_weight
        self.path_every = path_every
        self.path_mean = torch.zeros(())

    def discriminator_loss(self, discriminator, real, fake, step, draw):
        """See ``Objective``."""
        del draw
        regularise = self.r1_weight > 0 and step % self.r1_every == 0
        real = real.detach().requires_grad_(regularise)
        on_real, on_fake = _scores(discriminator, real), _scores(discriminator, fake)
        total = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        parts = _score_parts(on_real, on_fake)
        if regularise:
            penalty = r1_penalty(on_real, real)
            total = total + self.r1_weight / 2 * self.r1_every * penalty
            parts["r1"] = penalty.detach()
        return Loss(total, parts)

    def generator_loss(self, discriminator, generator, inputs, step, draw):
        """See ``Objective``."""
        regularise = self.path_weight > 0 and step % self.path_every == 0
        fake, styles = generator(*inputs, styled=True)
        total = F.softplus(-_scores(discriminator, fake)).mean()
        if not regularise:
            return Loss(total)
        y = draw.normal(*fake.shape[1:]).to(fake.device) / (fake.shape[2] * fake.shape[3]) ** 0.5
        lengths = path_lengths(fake, styles, y)
        self.path_mean = self.path_mean.to(lengths.device).lerp(average_over_processes(lengths.detach().mean()), 0.01)
        penalty = (lengths - self.path_mean).square().mean()
        return Loss(total + self.path_weight * self.path_every * penalty, {"path_length": lengths.detach().mean()})

    def state(self):
        """Keep the running mean of the path length."""
        return {"path_mean": self.path_mean}

    def load_state(self, state):
        """See ``Objective``."""
        self.path_mean = state["path_mean"]


def _score_parts(on_real: torch.Tensor, on_fake: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return mean scores and the share of pairs that the discriminator orders rightly (0.5: it cannot tell)."""
    return {
        "real_score": on_real.detach().mean(),
        "fake_score": on_fake.detach().mean(),
        "told_apart": (on_real.detach() > on_fake.detach()).float().mean(),
    }


def average_over_processes(value: torch.Tensor) -> torch.Tensor:
    """Return the mean of a tensor over all training processes; the tensor itself when there is one."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    total = value.clone()
    torch.distributed.all_reduce(total)
    return total / torch.distributed.get_world_size()


def gradient_norms(discriminator: Callable, images: torch.Tensor, norm: int) -> torch.Tensor:
    """Return each image's norm of d score / d image, (N,), itself differentiable.

    Args:
        discriminator: images (N, ...) -> scores (N,).
        images: where the gradient is taken.
        norm: 1 or 2, over all pixels and channels of an image.
    """
    images = images.detach().requires_grad_(True)
    scores = _scores(discriminator, images)
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return torch.linalg.vector_norm(gradient.float().flatten(1), norm, dim=1)


def r1_penalty(scores: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return mean |d score / d image|^2 (Mescheder et al. 2018), differentiable; images require a gradient."""
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradient.float().square().flatten(1).sum(1).mean()


def path_lengths(images: torch.Tensor, styles: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return |J^T y| per image (N,), J = d image / d style: root of the mean over layers of the squared length.

    Args:
        images: (N, 3, H, W), made from ``styles``.
        styles: (N, layers, latent).
        y: random images of variance 1 / (H W).
    """
    (gradient,) = torch.autograd.grad((images.float() * y).sum(), styles, create_graph=True)
    return gradient.float().square().sum(2).mean(1).sqrt()


OBJECTIVES: Registry[Callable[..., Objective]] = Registry("objective")
OBJECTIVES.add("bce", lambda r: BCE())
OBJECTIVES.add("wasserstein-clip", lambda r: WassersteinClip(r.clip))
OBJECTIVES.add("wasserstein-gp", lambda r: WassersteinPenalty(r.penalty_weight, r.penalty_norm))
OBJECTIVES.add("stylegan2", lambda r: StyleGAN2(r.r1_weight, r.r1_every, r.path_weight, r.path_every))


def build_objective(recipe: Recipe) -> Objective:
    """Return the objective that a recipe names."""
    return OBJECTIVES[recipe.objective.name](recipe.objective)
