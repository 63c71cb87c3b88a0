"""The trainer: two networks, their optimizers, and one step. What the step minimises is the objective's business."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ganbench.errors import GanbenchError
from ganbench.models.draw import Draw
from ganbench.models.registry import MODELS
from ganbench.training.averaging import build_averaged
from ganbench.training.data import to_training_range
from ganbench.training.distributed import World, synchronise_batch_norms
from ganbench.training.objectives import build_objective
from ganbench.training.recipe import Recipe

# Called with (step, real, fake), images in [-1, 1], once the discriminator's gradients are there and before clipping
# and the optimizer change anything.
Observer = Callable[[int, torch.Tensor, torch.Tensor], None]


class Trainer:
    """One training run in memory. ``step`` counts the discriminator's steps that are done."""

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
            generator, discriminator = MODELS[recipe.model.name](recipe.model)
        if self.world.size > 1:
            generator, discriminator = synchronise_batch_norms(generator), synchronise_batch_norms(discriminator)
        self.generator = generator.to(device, memory_format=torch.channels_last)
        self.discriminator = discriminator.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).requires_grad_(False) if settings.average else None
        self.objective = build_objective(recipe)
        self.generator_optimizer = _optimizer(recipe, self.generator)
        self.discriminator_optimizer = _optimizer(recipe, self.discriminator)
        self.step = 0
        self.latest: dict[str, torch.Tensor] = {}  # the losses of the latest step of each network
        self.observers: list[Observer] = []
        self._stream = torch.Generator(device).manual_seed(settings.seed)
        self._draw = Draw(
            self._stream, self.world.share(settings.batch), rank=self.world.rank, processes=self.world.size
        )
        self._parallel_generator = self.world.parallel(self.generator)
        self._parallel_discriminator = self.world.parallel(self.discriminator)

    @property
    def sampler(self) -> nn.Module:
        """The generator that samples are drawn from: a copy of the averaged one, where the recipe keeps one."""
        if self.average is None:
            return self.generator
        return build_averaged(self.recipe.model, self.average.state_dict(), self.device)

    def train_step(self, pixels: torch.Tensor) -> None:
        """Do one step of the discriminator, and every ``n_critic``-th time one of the generator.

        Args:
            pixels: this process's share of the batch, uint8 (N, H, W, 3).
        """
        tf32 = self.recipe.training.precision != "fp32"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        real = to_training_range(pixels, self.device)
        if self.recipe.data.flip:
            real = torch.where(self._draw.uniform(1, 1, 1) < 0.5, real.flip(3), real)
        self._step_discriminator(real)
        if (self.step + 1) % self.recipe.training.n_critic == 0:
            self._step_generator()
        self.step += 1

    def _step_discriminator(self, real: torch.Tensor) -> None:
        with self._autocast():
            with torch.no_grad():
                fake = self.generator(*self.generator.inputs(self._draw))
            loss = self.objective.discriminator_loss(self._parallel_discriminator, real, fake, self.step, self._draw)
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        for observe in self.observers:
            observe(self.step, real, fake)
        self._clip(self.discriminator)
        self.discriminator_optimizer.step()
        self.objective.after_step(self.discriminator)
        self._note("discriminator_loss", loss.total, loss.parts)

    def _step_generator(self) -> None:
        # The discriminator only passes gradients on here; not computing those of its weights saves a third of its work.
        self.discriminator.requires_grad_(False)
        with self._autocast():
            loss = self.objective.generator_loss(
                self.discriminator,
                self._parallel_generator,
                self.generator.inputs(self._draw),
                self.step // self.recipe.training.n_critic,
                self._draw,
            )
        self.generator_optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        self.discriminator.requires_grad_(True)
        self._clip(self.generator)
        self.generator_optimizer.step()
        if self.average is not None:
            self._update_average(self.recipe.training.average)
        self._note("generator_loss", loss.total, loss.parts)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.training.precision == "bf16")

    def _clip(self, network: nn.Module) -> None:
        if self.recipe.training.clip_grad_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self.recipe.training.clip_grad_norm)

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - decay)
        for mean, live in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            mean.copy_(live)

    def _note(self, name: str, total: torch.Tensor, parts: dict[str, torch.Tensor]) -> None:
        self.latest |= {name: total.detach(), **parts}

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
            "stream": self._stream.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned, for the same recipe.

        Raises:
            GanbenchError: the state is of other networks.
        """
        try:
            self.generator.load_state_dict(state["generator"])
            self.discriminator.load_state_dict(state["discriminator"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            self.generator_optimizer.load_state_dict(state["generator_optimizer"])
            self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        except (RuntimeError, ValueError, KeyError) as e:
            raise GanbenchError(f"the checkpoint does not fit the recipe: {e}") from e
        self.objective.load_state(state["objective"])
        self.latest = state["latest"]
        self.step = state["step"]
        self._stream.set_state(state["stream"].cpu())


def _optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    settings = recipe.optimizer
    if settings.name == "adam":
        return torch.optim.Adam(network.parameters(), settings.lr, settings.betas, fused=True)
    return torch.optim.RMSprop(network.parameters(), settings.lr, foreach=True)
