"""Every objective and every model keeps its contract, ours and a plug-in's; and the checks notice one that does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pydantic import Field
from torch import nn

from ganbench.models import base, dcgan
from ganbench.models.draw import Draw
from ganbench.models.registry import MODELS
from ganbench.models.shipped import DCGAN
from ganbench.testing import check_model, check_objective
from ganbench.training.objectives.base import Loss, Objective
from ganbench.training.objectives.bce import BCE
from ganbench.training.objectives.registry import OBJECTIVES
from ganbench.training.recipe import load_recipe, recipe_names

SMOKE = [load_recipe(name, "smoke") for name in recipe_names()]


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_every_objective_keeps_the_contract(name: str) -> None:
    used = [recipe.objective for recipe in SMOKE if recipe.objective.name == name]
    assert used, "an objective that no recipe uses"
    for settings in used:
        check_objective(OBJECTIVES[name], **settings.model_dump())


@pytest.mark.parametrize("name", list(MODELS))
def test_every_model_keeps_the_contract(name: str) -> None:
    used = {recipe.model for recipe in SMOKE if recipe.model.name == name}
    assert used, "a model that no recipe uses"
    for settings in used:
        check_model(MODELS[name], **settings.model_dump())


def test_plug_ins_keep_the_contracts(plugin_folder: Path) -> None:
    check_objective(OBJECTIVES["plug_losses:LeastSquares"], real_label=0.8)
    check_model(MODELS["plug_networks:Pair"], size=16)


class Silent(BCE):
    generator_formula = " "


class Gambler(BCE):
    def generator_loss(self, *arguments: object) -> Loss:
        loss = super().generator_loss(*arguments)
        return Loss(loss.total * (1 + torch.rand(())))


class Forgetful(BCE):
    steps = 0

    def discriminator_loss(self, *arguments: object) -> Loss:
        self.steps += 1
        loss = super().discriminator_loss(*arguments)
        return Loss(loss.total * self.steps, loss.parts)


class Leaky(BCE):
    def generator_loss(self, *arguments: object) -> Loss:
        loss = super().generator_loss(*arguments)
        return Loss(loss.total, {"part": loss.total})


class PerImage(BCE):
    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        return Loss(discriminator(fake) - discriminator(real))


class Rising(BCE):
    def discriminator_loss(self, *arguments: object) -> Loss:
        loss = super().discriminator_loss(*arguments)
        return Loss(loss.total / (10 - arguments[3]))


class Indifferent(BCE):
    def generator_loss(self, *arguments: object) -> Loss:
        return Loss(super().generator_loss(*arguments).total * 0)


class Careless(BCE):
    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        return super().discriminator_loss(discriminator, real.mul_(0.5), fake, step, draw)


class Breaking(BCE):
    def after_step(self, discriminator: nn.Module) -> None:
        with torch.no_grad():
            next(discriminator.parameters()).fill_(torch.nan)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (Silent, "generator_formula must say something"),
        (Gambler, "random numbers must come from draw alone"),
        (Forgetful, "state must hold what a step leaves"),
        (Leaky, "parts have none: part"),
        (PerImage, "the discriminator's loss: total must be a tensor without axes"),
        (Rising, "total is inf at step 10"),
        (Indifferent, "the generator's loss has no gradient"),
        (Careless, "changed the real images"),
        (Breaking, "after_step left weights that are not finite"),
    ],
)
def test_an_objective_that_breaks_the_contract_is_noticed(objective: type[Objective], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_objective(objective)


class Tiny(DCGAN):
    """DCGAN with one thing made wrong."""

    class Settings(DCGAN.Settings):
        size: int = 32
        width: int = 2
        latent: int = 4

    settings: Settings

    def build(self) -> tuple[dcgan.Generator, nn.Module]:
        generator, discriminator = super().build()
        return self.spoil(generator, discriminator)

    def spoil(self, generator: dcgan.Generator, discriminator: nn.Module) -> tuple[dcgan.Generator, nn.Module]:
        return generator, discriminator


def _spoilt(spoil: Callable[[dcgan.Generator, nn.Module], object]) -> type[base.Model]:
    class Spoilt(Tiny):
        def spoil(self, generator: dcgan.Generator, discriminator: nn.Module) -> tuple[dcgan.Generator, nn.Module]:
            spoil(generator, discriminator)
            return generator, discriminator

    return Spoilt


class Stochastic(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * 0.9 + 0.1 * torch.rand_like(x)).clamp(-1, 1)


class Centred(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - x.mean(0)).tanh()


class Scaled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x + 1) * 127.5


class Hidden(nn.Module):
    """A weight outside the state dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.rand(())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


class Detached(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.detach().requires_grad_(True)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda g, d: g.to_rgb.append(Scaled()), "pixels are outside"),
        (lambda g, d: g.to_rgb.append(Stochastic()), "does not hold the generator"),
        (lambda g, d: g.to_rgb.append(Hidden()), "does not hold the generator"),
        (lambda g, d: d.layers.append(Hidden()), "does not hold the discriminator"),
        (lambda g, d: g.to_rgb.append(Centred()), "must not depend on its neighbours"),
        (lambda g, d: g.to_rgb.append(nn.Upsample(scale_factor=2)), "not of 32 pixels"),
        (lambda g, d: g.to_rgb.append(Detached()), "no gradient reaches the generator"),
        (lambda g, d: setattr(d, "forward", lambda x: d.layers(x)), "not one per image"),
        (lambda g, d: setattr(g, "inputs", lambda draw: (torch.randn(draw.batch, 4),)), "a copy is|state dictionary"),
        (lambda g, d: setattr(g, "inputs", lambda draw: (draw.normal(4)[:2],)), "row per image"),
        (lambda g, d: setattr(g, "set_truncation", lambda truncation: None), "vary less"),
        (lambda g, d: [nn.init.zeros_(p) for n in (g, d) for p in n.parameters()], "another seed built the same"),
        (lambda g, d: nn.init.constant_(d.layers[0].weight, torch.inf), "scores are not finite|hold the discriminator"),
    ],
)
def test_a_model_that_breaks_the_contract_is_noticed(spoil: Callable, message: str) -> None:
    check_model(Tiny)
    with pytest.raises(AssertionError, match=message):
        check_model(_spoilt(spoil))


class Sharing(dcgan.Generator):
    def inputs(self, draw: Draw) -> tuple[torch.Tensor, ...]:
        return (draw.normal(self.latent).roll(1, 0),)


class Lossy(BCE):
    class Settings(BCE.Settings):
        texts: set[str] = Field(default={"a"}, exclude=True)


def test_what_two_processes_could_not_share_and_a_recipe_not_keep_is_noticed() -> None:
    class Shared(Tiny):
        def build(self) -> tuple[dcgan.Generator, nn.Module]:
            return Sharing(32, 4, 2), super().build()[1]

    with pytest.raises(AssertionError, match="two processes must draw what one would"):
        check_model(Shared)
    with pytest.raises(AssertionError, match="settings must come back from JSON"):
        check_objective(Lossy, texts={"b"})
