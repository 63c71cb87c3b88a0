"""What a training is made of: networks, optimizers, objective, random state. All that the next step depends on."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from ganbench.errors import GanbenchError
from ganbench.models.draw import Draw
from ganbench.models.generator import Generator
from ganbench.models.registry import build_networks
from ganbench.system.wall import wall
from ganbench.training.averaging import build_averaged, place
from ganbench.training.distributed import World, synchronise_batch_norms
from ganbench.training.objectives.registry import build_objective
from ganbench.training.recipe import Recipe
from ganbench.training.sections import AdamRecipe


class TrainingState:
    """One training in memory. ``step`` counts the discriminator's steps that are done."""

    def __init__(self, recipe: Recipe, device: torch.device, world: World | None = None) -> None:
        """Build the networks from the recipe's seed.

        Args:
            recipe: what to train.
            device: where.
            world: the processes that share every batch; default: this one alone.
        """
        settings = recipe.training
        self.recipe = recipe
        self.device = device
        self.world = world or World()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            generator, discriminator = build_networks(recipe.model)
        if self.world.size > 1:
            synchronise_batch_norms(generator)
            synchronise_batch_norms(discriminator)
        self.generator = place(generator, device)
        self.discriminator = place(discriminator, device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False) if settings.average else None
        self.objective = build_objective(recipe.objective)
        self.generator_optimizer = _optimizer(recipe, self.generator)
        self.discriminator_optimizer = _optimizer(recipe, self.discriminator)
        self.step = 0
        self.rollbacks = 0  # how often it went back to an earlier state, see rescue.py
        self.latest: dict[str, torch.Tensor] = {}  # the losses of the latest step of each network
        self._stream = torch.Generator(device).manual_seed(settings.seed)
        self._draw = Draw(
            self._stream, self.world.share(settings.batch), rank=self.world.rank, processes=self.world.size
        )
        self._parallel_generator = self.world.parallel(self.generator)
        self._parallel_discriminator = self.world.parallel(self.discriminator)

    @property
    def optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        """Those of generator and discriminator."""
        return self.generator_optimizer, self.discriminator_optimizer

    def start_again(self) -> None:
        """Go back to the state that the recipe's seed gives."""
        fresh = TrainingState(self.recipe, self.device)
        self.load_state_dict(fresh.state_dict())

    @property
    def sampler(self) -> Generator:
        """The generator that samples are drawn from: a copy of the averaged one, where the recipe keeps one."""
        if self.average is None:
            return self.generator
        return build_averaged(self.recipe.model, self.average.state_dict(), self.device)

    @torch.no_grad()
    def _follow(self) -> None:
        """Let the averaged generator follow the trained one, where the recipe keeps one."""
        decay = self.recipe.training.average
        if self.average is None or decay is None:
            return
        means: list[torch.Tensor] = list(self.average.parameters())
        torch._foreach_lerp_(means, list(self.generator.parameters()), 1 - decay)
        for mean, live in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            mean.copy_(live)

    def autocast(self) -> torch.autocast:
        """Return the context of the recipe's arithmetic."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.training.precision == "bf16")

    def losses(self) -> dict[str, float]:
        """Return the latest losses and their parts, averaged over the processes; all processes must ask together."""
        values = torch.stack([value.double().reshape(()) for value in self.latest.values()])
        if self.world.size > 1:
            torch.distributed.all_reduce(values)
            values /= self.world.size
        return dict(zip(self.latest, values.tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next step depends on, and what a reader needs to rebuild the networks."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "step": self.step,
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "objective": self.objective.state(),
            "latest": self.latest,
            "rollbacks": self.rollbacks,
            "stream": self._stream.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned, for the same recipe.

        Raises:
            GanbenchError: the state is of other networks.
        """
        with wall(lambda why: GanbenchError(f"the checkpoint does not fit the recipe: {why}")):
            self.generator.load_state_dict(state["generator"])
            self.discriminator.load_state_dict(state["discriminator"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            self.generator_optimizer.load_state_dict(state["generator_optimizer"])
            self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
            self.objective.load_state(state["objective"])
            self.latest = state["latest"]
            self.step = state["step"]
            self.rollbacks = state.get("rollbacks", 0)  # earlier versions never went back
            self._stream.set_state(state["stream"].cpu())


def _optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    settings = recipe.optimizer
    if isinstance(settings, AdamRecipe):
        return torch.optim.Adam(network.parameters(), settings.lr, settings.betas, fused=True)
    return torch.optim.RMSprop(network.parameters(), settings.lr, foreach=True)
