"""A step of the training: one of the discriminator, and now and then one of the generator."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from ganbench.training.data import to_training_range
from ganbench.training.distributed import World
from ganbench.training.recipe import Recipe
from ganbench.training.state import TrainingState
from ganbench.training.vitals import Vitals

# Called with (step, real, fake), images in [-1, 1], once the discriminator's gradients are there and before clipping
# and the optimizer change anything.
Observer = Callable[[int, torch.Tensor, torch.Tensor], None]


class Trainer(TrainingState):
    """Two networks that learn from each other, a step at a time. What they minimise is the objective's business."""

    def __init__(self, recipe: Recipe, device: torch.device, world: World | None = None) -> None:
        """See ``TrainingState``; whoever wants to see the discriminator's gradients adds itself to ``observers``."""
        super().__init__(recipe, device, world)
        self.observers: list[Observer] = []
        self.vitals: Vitals | None = None

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
        with self.autocast():
            with torch.no_grad():
                fake = self.generator(*self.generator.inputs(self._draw))
            loss = self.objective.discriminator_loss(self._parallel_discriminator, real, fake, self.step, self._draw)
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        for observe in self.observers:
            observe(self.step, real, fake)
        with self._measured("discriminator"):
            self._clip(self.discriminator)
            self.discriminator_optimizer.step()
            self.objective.after_step(self.discriminator)
        self.latest |= {"discriminator_loss": loss.total.detach(), **loss.parts}

    def _step_generator(self) -> None:
        # The discriminator only passes gradients on here; not computing those of its weights saves a third of its work.
        self.discriminator.requires_grad_(False)
        with self.autocast():
            inputs = self.generator.inputs(self._draw)
            step = self.step // self.recipe.training.n_critic
            loss = self.objective.generator_loss(self.discriminator, self._parallel_generator, inputs, step, self._draw)
        self.generator_optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        self.discriminator.requires_grad_(True)
        with self._measured("generator", inputs):
            self._clip(self.generator)
            self.generator_optimizer.step()
        self._follow()
        self.latest |= {"generator_loss": loss.total.detach(), **loss.parts}

    def _measured(self, network: str, inputs: tuple[torch.Tensor, ...] | None = None) -> AbstractContextManager[None]:
        return nullcontext() if self.vitals is None else self.vitals.around(network, inputs)

    def _clip(self, network: nn.Module) -> None:
        if self.recipe.training.clip_grad_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self.recipe.training.clip_grad_norm)
