"""How fast the trainer is: each baseline against a plain float32 loop of the same networks, and what the loop costs.

    python benchmarks/training.py                      # all baselines at full width
    python benchmarks/training.py --variant dcgan      # the target: 1.6 times as fast with bf16, loop below 3 %
    python benchmarks/training.py --preset cpu --variant stylegan2 --json figures.json

The plain loops below are what one writes first: images NCHW, eager, float32, PyTorch's default optimizers, gradients
for everything. They and the trainer take turns, block by block, so that whatever else the machine does hits both; a
ratio is the median over these pairs, with its 95 % interval. A block is as many steps as all lazy terms need to come
round. The loop's cost is the wall time of a run outside its training steps: loading, logging, bar, and one checkpoint
per 250 steps and one sheet per 500, as a run does by default.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ganbench.models.draw import Draw
from ganbench.models.registry import build_networks
from ganbench.training.data import TrainingImages
from ganbench.training.loop import Loop
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.trainer import Trainer

VARIANTS = ("dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2")
CPU = torch.device("cpu")


class PlainGAN:
    """DCGAN and WGANs as a plain script trains them."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.step = 0
        self.g, self.d = build_networks(recipe.model)
        self.opt_g, self.opt_d = (self._optimizer(network) for network in (self.g, self.d))

    def _optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        settings = self.recipe.optimizer
        if settings.name == "adam":
            return torch.optim.Adam(network.parameters(), lr=settings.lr, betas=settings.betas)
        return torch.optim.RMSprop(network.parameters(), lr=settings.lr)

    def train_step(self, pixels: torch.Tensor) -> None:
        real = pixels.permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
        if self.recipe.data.flip:
            real = torch.where(torch.rand(len(real), 1, 1, 1) < 0.5, real.flip(3), real)
        self.opt_d.zero_grad()
        self.discriminator_loss(real).backward()
        self._clip(self.d)
        self.opt_d.step()
        if self.recipe.objective.name == "wasserstein-clip":
            for p in self.d.parameters():
                p.data.clamp_(-self.recipe.objective.clip, self.recipe.objective.clip)
        if (self.step + 1) % self.recipe.training.n_critic == 0:
            self.opt_g.zero_grad()
            self.generator_loss(len(real)).backward()
            self._clip(self.g)
            self.opt_g.step()
        self.step += 1

    def _clip(self, network: nn.Module) -> None:
        if self.recipe.training.clip_grad_norm:
            nn.utils.clip_grad_norm_(network.parameters(), self.recipe.training.clip_grad_norm)

    def discriminator_loss(self, real: torch.Tensor) -> torch.Tensor:
        objective, batch = self.recipe.objective, len(real)
        fake = self.g(torch.randn(batch, self.recipe.model.latent)).detach()
        if objective.name == "bce":
            on_real, on_fake = self.d(real).sigmoid(), self.d(fake).sigmoid()
            return (F.binary_cross_entropy(on_real, torch.ones(batch))
                    + F.binary_cross_entropy(on_fake, torch.zeros(batch))) / 2  # fmt: skip
        loss = self.d(fake).mean() - self.d(real).mean()
        if objective.name == "wasserstein-gp":
            share = torch.rand(batch, 1, 1, 1)
            between = (share * real + (1 - share) * fake).requires_grad_(True)
            (slope,) = torch.autograd.grad(self.d(between).sum(), between, create_graph=True)
            norms = slope.flatten(1).norm(objective.penalty_norm, dim=1)
            loss = loss + objective.penalty_weight * ((norms - 1) ** 2).mean()
        return loss

    def generator_loss(self, batch: int) -> torch.Tensor:
        scores = self.d(self.g(torch.randn(batch, self.recipe.model.latent)))
        if self.recipe.objective.name == "bce":
            return F.binary_cross_entropy(scores.sigmoid(), torch.ones(batch))
        return -scores.mean()


class PlainStyleGAN2(PlainGAN):
    """StyleGAN2 with R1 and path-length regularisation as lazy as the recipe's."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.path_mean = torch.zeros(())
        self._draw = Draw(torch.Generator().manual_seed(0), recipe.training.batch)

    def discriminator_loss(self, real: torch.Tensor) -> torch.Tensor:
        objective = self.recipe.objective
        fake = self.g(*self.g.inputs(self._draw)).detach()
        lazy = self.step % objective.r1_every == 0
        real.requires_grad_(lazy)
        on_real = self.d(real)
        loss = F.softplus(-on_real).mean() + F.softplus(self.d(fake)).mean()
        if lazy:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            loss = loss + objective.r1_weight / 2 * objective.r1_every * slope.square().sum((1, 2, 3)).mean()
        return loss

    def generator_loss(self, batch: int) -> torch.Tensor:
        objective = self.recipe.objective
        fake, styles = self.g(*self.g.inputs(self._draw), styled=True)
        loss = F.softplus(-self.d(fake)).mean()
        if self.step % objective.path_every == 0:
            y = torch.randn_like(fake) / (fake.shape[2] * fake.shape[3]) ** 0.5
            (slope,) = torch.autograd.grad((fake * y).sum(), styles, create_graph=True)
            lengths = slope.square().sum(2).mean(1).sqrt()
            self.path_mean = self.path_mean.lerp(lengths.mean().detach(), 0.01)
            loss = loss + objective.path_weight * objective.path_every * (lengths - self.path_mean).square().mean()
        return loss


def block_of(recipe: Recipe) -> int:
    """Return after how many steps every lazy term has come round."""
    objective, critic = recipe.objective, recipe.training.n_critic
    if objective.name != "stylegan2":
        return critic
    return math.lcm(critic, objective.r1_every, critic * objective.path_every)


def compare(variant: str, preset: str, overrides: list[str], steps: int) -> dict[str, dict[str, float]]:
    """Return images/s of the plain loop and of the trainer in both precisions, and the ratios."""
    recipe = load_recipe(variant, preset, overrides)
    batch, block = recipe.training.batch, block_of(recipe)
    pairs = max(3, steps // block)
    plain = PlainStyleGAN2(recipe) if recipe.model.name == "stylegan2" else PlainGAN(recipe)
    steppers: dict[str, Callable[[torch.Tensor], None]] = {"plain": plain.train_step}
    for precision in ("fp32", "bf16"):
        changed = load_recipe(variant, preset, [*overrides, f"training.precision={precision}"])
        steppers[precision] = Trainer(changed, CPU).train_step
    size = recipe.model.size
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
    seconds: dict[str, list[float]] = {name: [] for name in steppers}
    for pair in range(-1, pairs):  # the first warms up
        names = list(steppers) if pair % 2 else list(steppers)[::-1]
        for name in names:
            start = time.perf_counter()
            for _ in range(block):
                steppers[name](pixels)
            if pair >= 0:
                seconds[name].append((time.perf_counter() - start) / block)
    result = {}
    for name, times in seconds.items():
        low, median, high = interval(np.array(seconds["plain"]) / np.array(times))
        result[name] = {
            "images_per_s": batch / float(np.median(times)), "step_ms": 1000 * float(np.median(times)),
            "times_plain": median, "low": low, "high": high,
        }  # fmt: skip
    return result


def interval(ratios: np.ndarray) -> tuple[float, float, float]:
    """Return the median of ratios and its 95 % bootstrap interval, as (low, median, high)."""
    draws = np.median(np.random.default_rng(0).choice(ratios, (2000, len(ratios))), axis=1)
    return float(np.quantile(draws, 0.025)), float(np.median(ratios)), float(np.quantile(draws, 0.975))


class TimedLoop(Loop):
    """Adds up where the time of a run goes."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.seconds = dict.fromkeys(("steps", "save", "sheet"), 0.0)
        self._save = self._timed("save", self._save)
        self._sheet = self._timed("sheet", self._sheet)
        self.trainer.train_step = self._timed("steps", self.trainer.train_step)

    def _timed(self, name: str, function: Callable) -> Callable:
        def timed(*arguments: object, **named: object) -> None:
            start = time.perf_counter()
            function(*arguments, **named)
            self.seconds[name] += time.perf_counter() - start

        return timed


def loop_cost(variant: str, preset: str, overrides: list[str], steps: int) -> dict[str, float]:
    """Return what a float32 run spends outside its training steps, in per cent of them."""
    recipe = load_recipe(variant, preset, [*overrides, f"training.steps={steps}"])
    size, batch = recipe.model.size, recipe.training.batch
    pixels = np.random.default_rng(0).integers(0, 256, (batch * 20, size, size, 3), dtype=np.uint8)
    options = LoopOptions()
    trainer = Trainer(recipe, CPU)
    trainer.train_step(torch.from_numpy(pixels[:batch]))  # warms up
    trainer.step = 0
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder))
        run.start(recipe, {})
        loop = TimedLoop(trainer, TrainingImages(pixels, "", batch=batch, seed=0), run, options)
        start = time.perf_counter()
        loop.train()  # a run this short saves and draws once, at its end
        wall = time.perf_counter() - start
    spent = loop.seconds
    step = spent["steps"] / steps
    each = (wall - sum(spent.values())) / steps
    save, sheet = spent["save"] / options.save_every, spent["sheet"] / options.sheet_every
    return {
        "step_ms": 1000 * step, "save_ms": 1000 * spent["save"], "sheet_ms": 1000 * spent["sheet"],
        "loading_and_logging_percent": 100 * each / step, "save_percent": 100 * save / step,
        "sheet_percent": 100 * sheet / step, "overhead_percent": 100 * (each + save + sheet) / step,
    }  # fmt: skip


def main() -> None:
    """Print one table of speeds and one of costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--set", dest="overrides", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--steps", type=int, default=24, help="of each contestant, at least three blocks")
    parser.add_argument("--loop-steps", type=int, default=40, help="steps of the run that shows the loop's cost")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}")
    results: dict[str, dict] = {}
    for variant in arguments.variant:
        speeds = compare(variant, arguments.preset, arguments.overrides, arguments.steps)
        cost = loop_cost(variant, arguments.preset, arguments.overrides, arguments.loop_steps)
        results[variant] = {"speed": speeds, "loop": cost}
        for name, r in speeds.items():
            print(
                f"{variant:16}{name:6}{r['images_per_s']:9.1f} images/s{r['step_ms']:9.0f} ms per step"
                f"{r['times_plain']:7.2f} x plain (95 %: {r['low']:.2f} to {r['high']:.2f})"
            )
        print(
            f"{variant:16}loop  {cost['overhead_percent']:+9.2f} % of {cost['step_ms']:.0f} ms = "
            f"{cost['loading_and_logging_percent']:.2f} loading and logging + {cost['save_percent']:.2f} checkpoints "
            f"({cost['save_ms']:.0f} ms each) + {cost['sheet_percent']:.2f} sheets ({cost['sheet_ms']:.0f} ms each)",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"preset": arguments.preset, "variants": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
