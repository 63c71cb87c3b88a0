"""A rehearsal of training: tiny networks and one objective, in milliseconds. What ``check_objective`` looks at."""

from __future__ import annotations

import io
from typing import Any

import torch
from torch import nn

from ganbench.models.draw import Draw
from ganbench.system.contract import require

BATCH = 4


class _TinyGenerator(nn.Module):
    """Eight pixels a side, and styles for those losses that look at them."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(4, 6)
        self.draw = nn.Linear(12, 3 * 8 * 8)

    def inputs(self, draw: Draw) -> tuple[torch.Tensor, ...]:
        return (draw.normal(4),)

    def forward(self, z: torch.Tensor, *, styled: bool = False) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        styles = self.map(z).tanh()[:, None].expand(-1, 2, -1)
        images = self.draw(styles.flatten(1)).tanh().view(-1, 3, 8, 8)
        return (images, styles) if styled else images


class Rehearsal:
    """Tiny networks that an objective trains as the trainer would."""

    def __init__(self, objective: Any, *, global_seed: int, precision: torch.dtype | None = None) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.generator = _TinyGenerator()
            self.discriminator = nn.Sequential(
                nn.Conv2d(3, 4, 3, 2, 1), nn.Tanh(), nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0)
            )
        self.objective = objective
        self.global_seed = global_seed
        self.autocast = torch.autocast("cpu", precision or torch.bfloat16, enabled=precision is not None)
        self.draw = Draw(torch.Generator().manual_seed(0), BATCH)
        self.optimizers = [torch.optim.SGD(n.parameters(), 1e-3) for n in (self.generator, self.discriminator)]
        self.step = 0

    def train(self, steps: int) -> list[float]:
        """Return the losses of so many steps of both networks."""
        totals = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.global_seed)
            for _ in range(steps):
                totals += [self._step_discriminator(), self._step_generator()]
                self.step += 1
        return totals

    def _step_discriminator(self) -> float:
        real = self.draw.uniform(3, 8, 8) * 2 - 1
        kept = real.clone()
        with self.autocast:
            with torch.no_grad():
                fake = self.generator(*self.generator.inputs(self.draw))
            loss = self.objective.discriminator_loss(self.discriminator, real, fake, self.step, self.draw)
        total = self._follow(loss, self.discriminator, "the discriminator's loss")
        require(torch.equal(real.detach(), kept), "the discriminator's loss changed the real images")
        self.objective.after_step(self.discriminator)
        finite = all(p.isfinite().all() for p in self.discriminator.parameters())
        require(finite, "after_step left weights that are not finite")
        return total

    def _step_generator(self) -> float:
        self.discriminator.requires_grad_(False)
        with self.autocast:
            inputs = self.generator.inputs(self.draw)
            loss = self.objective.generator_loss(self.discriminator, self.generator, inputs, self.step, self.draw)
        total = self._follow(loss, self.generator, "the generator's loss")
        self.discriminator.requires_grad_(True)
        return total

    def _follow(self, loss: Any, network: nn.Module, what: str) -> float:
        """Check a loss and go a step down its gradient."""
        for name, value in {"total": loss.total, **loss.parts}.items():
            scalar = isinstance(value, torch.Tensor) and value.ndim == 0
            require(scalar, f"{what}: {name} must be a tensor without axes")
            require(bool(value.isfinite()), f"{what}: {name} is {value.item()} at step {self.step}")
            require(value.requires_grad == (name == "total"), f"{what}: total has a gradient, parts have none: {name}")
        network.zero_grad()
        loss.total.backward()
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        require(any(g.any() for g in gradients), f"{what} has no gradient in the network that minimises it")
        require(all(g.isfinite().all() for g in gradients), f"{what} has a gradient that is not finite")
        self.optimizers[network is self.discriminator].step()
        return float(loss.total.detach())


def restored(objective: Any, fresh: Any) -> Any:
    """Return a fresh objective with the state of another one, as a checkpoint would restore it."""
    buffer = io.BytesIO()
    torch.save(objective.state(), buffer)
    buffer.seek(0)
    fresh.load_state(torch.load(buffer, weights_only=True))
    return fresh
