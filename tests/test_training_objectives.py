"""Losses and penalties against closed forms, and one whole optimisation step of each baseline against plain code."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from training_steps import smoke_recipe, step_pixels

from ganbench.errors import GanbenchError
from ganbench.models.draw import Draw
from ganbench.training.data import to_training_range
from ganbench.training.objectives.bce import BCE
from ganbench.training.objectives.stylegan2 import path_lengths, r1_penalty
from ganbench.training.objectives.wasserstein_gp import WassersteinPenalty, gradient_norms
from ganbench.training.recipe import Recipe
from ganbench.training.trainer import Trainer

CPU = torch.device("cpu")


class Quadratic(nn.Module):
    """D(x) = sum a x^2 / 2: its input gradient is a x."""

    def __init__(self, a: torch.Tensor) -> None:
        super().__init__()
        self.a = nn.Parameter(a)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.a * x.square() / 2).flatten(1).sum(1)


@pytest.mark.parametrize("norm", [1, 2])
def test_gradient_penalty_on_a_quadratic(norm: int) -> None:
    torch.manual_seed(0)
    a, x = torch.rand(3, 4, 4) + 0.5, torch.randn(6, 3, 4, 4)
    d = Quadratic(a)
    norms = gradient_norms(d, x, norm)
    expected = (a * x).flatten(1).abs().sum(1) if norm == 1 else (a * x).flatten(1).square().sum(1).sqrt()
    torch.testing.assert_close(norms, expected)
    # The gradient of the penalty with respect to a, by hand: d/da mean (|a x| - 1)^2.
    (norms - 1).square().mean().backward()
    d_norm = (a * x).sign() * x if norm == 1 else a * x.square() / expected.view(-1, 1, 1, 1)
    by_hand = (2 * (expected - 1).view(-1, 1, 1, 1) * d_norm).mean(0)
    torch.testing.assert_close(d.a.grad, by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", [1, 2])
def test_penalty_objective_interpolates_and_weighs(norm: int) -> None:
    real, fake = torch.randn(5, 3, 4, 4), torch.randn(5, 3, 4, 4)
    a = torch.rand(3, 4, 4) + 0.5
    objective = WassersteinPenalty(WassersteinPenalty.Settings(penalty_weight=7.0, penalty_norm=norm))
    loss = objective.discriminator_loss(Quadratic(a), real, fake, 0, Draw(torch.Generator().manual_seed(1), 5))
    share = torch.rand(5, 1, 1, 1, generator=torch.Generator().manual_seed(1))
    between = (a * (share * real + (1 - share) * fake)).flatten(1)
    norms = torch.linalg.vector_norm(between, norm, dim=1)
    scores = [(a * x.square() / 2).sum((1, 2, 3)).mean() for x in (real, fake)]
    torch.testing.assert_close(loss.total.detach(), scores[1] - scores[0] + 7 * (norms - 1).square().mean())
    torch.testing.assert_close(loss.parts["penalty"], (norms - 1).square().mean())


def test_r1_of_a_linear_model_is_its_squared_weight() -> None:
    w = torch.randn(3 * 4 * 4)
    x = torch.randn(5, 3, 4, 4, requires_grad=True)
    torch.testing.assert_close(r1_penalty(x.flatten(1) @ w, x), w.square().sum())


def test_path_lengths_of_a_linear_generator() -> None:
    torch.manual_seed(1)
    layers, latent, n = 3, 5, 4
    jacobian = torch.randn(3 * 4 * 4, layers * latent)
    styles = torch.randn(n, layers, latent, requires_grad=True)
    images = (styles.flatten(1) @ jacobian.t()).view(n, 3, 4, 4)
    y = torch.randn(n, 3, 4, 4) / 4
    by_hand = (y.flatten(1) @ jacobian).view(n, layers, latent).square().sum(2).mean(1).sqrt()
    torch.testing.assert_close(path_lengths(images, styles, y), by_hand)


def test_bce_is_torch_bce_on_probabilities() -> None:
    d, real, fake = nn.Sequential(nn.Flatten(), nn.Linear(12, 1), nn.Flatten(0)), torch.randn(6, 12), torch.randn(6, 12)
    bce = nn.BCELoss()
    expected = (bce(d(real).sigmoid(), torch.ones(6)) + bce(d(fake).sigmoid(), torch.zeros(6))) / 2
    loss = BCE(BCE.Settings()).discriminator_loss(d, real, fake, 0, None)
    torch.testing.assert_close(loss.total, expected)
    assert loss.parts["told_apart"] == (d(real) > d(fake)).float().mean()


def _first_step(name: str, lr: float, grad: torch.Tensor) -> torch.Tensor:
    """Return the change that Adam or RMSprop makes in its first step, from their formulas."""
    if name == "adam":  # both moments are bias-corrected to g and g^2
        return -lr * grad / (grad.abs() + 1e-8)
    return -lr * grad / ((0.01 * grad.square()).sqrt() + 1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "wgan-gp-report"])
def test_one_step_of_each_baseline(variant: str) -> None:
    recipe = smoke_recipe(
        variant, "training.n_critic=1", *(["training.clip_grad_norm=0.01"] if "clip" in variant else [])
    )
    trainer = Trainer(recipe, CPU)
    g, d = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.discriminator)
    stream = torch.Generator()
    stream.set_state(trainer.state_dict()["stream"])
    pixels = step_pixels()
    trainer.train_step(pixels)

    real = pixels.permute(0, 3, 1, 2) / 127.5 - 1
    fake = g(torch.randn(8, 100, generator=stream)).detach()
    on_real, on_fake = d(real), d(fake)
    if variant.startswith("dcgan"):
        bce = nn.BCELoss()
        loss = (bce(on_real.sigmoid(), torch.ones(8)) + bce(on_fake.sigmoid(), torch.zeros(8))) / 2
    else:
        loss = -on_real.mean() + on_fake.mean()
    if variant.startswith("wgan-gp"):
        share = torch.rand(8, 1, 1, 1, generator=stream)
        between = (share * real + (1 - share) * fake).requires_grad_(True)
        (slope,) = torch.autograd.grad(d(between).sum(), between, create_graph=True)
        weight, norm = (10, 2) if variant == "wgan-gp" else (1, 1)
        loss = loss + weight * ((slope.flatten(1).norm(norm, dim=1) - 1) ** 2).mean()
    clamp = (-1, 1) if variant == "wgan" else None
    _apply(recipe, d, loss, trainer.discriminator, clamp)

    score = d(g(torch.randn(8, 100, generator=stream)))
    loss = nn.BCELoss()(score.sigmoid(), torch.ones(8)) if variant.startswith("dcgan") else -score.mean()
    _apply(recipe, g, loss, trainer.generator, None)


def _apply(recipe: Recipe, network: nn.Module, loss: torch.Tensor, trained: nn.Module, clamp: tuple | None) -> None:
    """Check gradients and weights of a trained network against the loss by hand; ``network`` then takes its weights."""
    parameters = list(network.parameters())
    grads = torch.autograd.grad(loss, parameters, allow_unused=True)
    grads = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, grads, strict=True)]
    if recipe.training.clip_grad_norm is not None:
        total = torch.cat([g.flatten() for g in grads]).norm()
        assert total > recipe.training.clip_grad_norm  # or the test would not see clipping
        grads = [g * recipe.training.clip_grad_norm / (total + 1e-6) for g in grads]
    scale = torch.cat([g.flatten() for g in grads]).abs().max()
    for (name, after), grad in zip(trained.named_parameters(), grads, strict=True):
        own = torch.zeros_like(after) if after.grad is None else after.grad
        assert (own - grad).abs().max() < 1e-4 * scale, name
    # The weights follow from the trained network's own gradients: a first step is nearly a sign, so that rounding
    # in a gradient that is zero by theory would otherwise decide its direction.
    with torch.no_grad():
        for p, after in zip(parameters, trained.parameters(), strict=True):
            if after.grad is not None:
                p += _first_step(recipe.optimizer.name, recipe.optimizer.lr, after.grad)
            if clamp:
                p.clamp_(*clamp)
            torch.testing.assert_close(p, after, rtol=1e-5, atol=1e-3 * recipe.optimizer.lr)
            p.copy_(after)


@pytest.mark.slow
def test_one_step_of_stylegan2() -> None:
    recipe = smoke_recipe("stylegan2", "data.flip=false")
    trainer = Trainer(recipe, CPU)
    g, d = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.discriminator)
    stream = torch.Generator()
    stream.set_state(trainer.state_dict()["stream"])
    pixels = step_pixels()
    trainer.train_step(pixels)

    softplus = nn.functional.softplus
    draw = Draw(stream, 8)
    real = (pixels.permute(0, 3, 1, 2) / 127.5 - 1).requires_grad_(True)
    fake = g(*g.inputs(draw)).detach()
    on_real = d(real)
    (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
    r1 = slope.square().sum((1, 2, 3)).mean()
    loss = softplus(-on_real).mean() + softplus(d(fake)).mean() + 0.1 / 2 * 16 * r1
    _apply(recipe, d, loss, trainer.discriminator, None)

    image, styles = g(*g.inputs(draw), styled=True)
    y = torch.randn(8, 3, 64, 64, generator=stream) / 64
    (slope,) = torch.autograd.grad((image * y).sum(), styles, create_graph=True)
    lengths = slope.square().sum(2).mean(1).sqrt()
    target = 0.01 * lengths.mean().detach()
    loss = softplus(-d(image)).mean() + 2 * 8 * (lengths - target).square().mean()
    _apply(recipe, g, loss, trainer.generator, None)
    assert trainer.objective.path_mean == pytest.approx(target.item(), rel=1e-4)


def test_styles_are_wanted_for_path_lengths_alone() -> None:
    recipe = smoke_recipe("dcgan", "objective.name=stylegan2", "objective.r1_weight=0.1", "objective.path_weight=2")
    with pytest.raises(GanbenchError, match=r"regularises styles, .*--set objective\.path_weight=0"):
        Trainer(recipe, CPU).train_step(step_pixels())
    trainer = Trainer(
        smoke_recipe("dcgan", "objective.name=stylegan2", "objective.r1_weight=0.1", "objective.path_weight=0"), CPU
    )
    trainer.train_step(step_pixels())
    assert set(trainer.latest) > {"r1", "generator_loss"}


@pytest.mark.slow
def test_regularisation_is_lazy() -> None:
    trainer = Trainer(smoke_recipe("stylegan2", "objective.r1_every=3", "objective.path_every=2"), CPU)
    seen = []
    for _ in range(4):
        trainer.latest = {}
        trainer.train_step(step_pixels())
        seen.append(("r1" in trainer.latest, "path_length" in trainer.latest))
    assert seen == [(True, True), (False, False), (False, True), (True, False)]


@pytest.mark.slow
@pytest.mark.parametrize("clip", [0.01, 0.1])
def test_weights_stay_within_the_clipping_bound(clip: float) -> None:
    trainer = Trainer(smoke_recipe("wgan", f"objective.clip={clip}", "optimizer.lr=0.01"), CPU)
    for _ in range(5):
        trainer.train_step(step_pixels())
        largest = max(p.abs().max() for p in trainer.discriminator.parameters())
        assert largest == torch.tensor(clip)  # reached, and not passed


@pytest.mark.slow
def test_generator_steps_once_every_n_critic() -> None:
    trainer = Trainer(smoke_recipe("wgan", "training.n_critic=3"), CPU)
    changed = []
    for _ in range(6):
        before = [p.clone() for p in trainer.generator.parameters()]
        trainer.train_step(step_pixels())
        changed.append(any(not torch.equal(a, b) for a, b in zip(before, trainer.generator.parameters(), strict=True)))
    assert changed == [False, False, True, False, False, True]


def _gradient_norm(network: nn.Module) -> float:
    return torch.cat([p.grad.flatten() for p in network.parameters()]).norm().item()


@pytest.mark.slow
def test_observers_see_gradients_before_they_are_clipped() -> None:
    trainer = Trainer(smoke_recipe("dcgan-clipnorm", "training.clip_grad_norm=1e-3"), CPU)
    seen = []
    trainer.observers.append(
        lambda step, real, fake: seen.append((step, _gradient_norm(trainer.discriminator), real.shape == fake.shape))
    )
    trainer.train_step(step_pixels())
    assert (seen[0][0], seen[0][2]) == (0, True)
    assert seen[0][1] > 0.01
    assert _gradient_norm(trainer.discriminator) == pytest.approx(1e-3, rel=1e-3)


def test_pixels_map_to_the_training_range() -> None:
    pixels = torch.tensor([0, 127, 255], dtype=torch.uint8).view(1, 1, 1, 3)
    assert to_training_range(pixels, CPU).flatten().tolist() == pytest.approx([-1, 127 / 127.5 - 1, 1])
