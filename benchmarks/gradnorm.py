"""What the probe costs: training steps with and without it, alternating in one run, for all baselines.

    python benchmarks/gradnorm.py                                   # all baselines, on both networks, everything on
    python benchmarks/gradnorm.py --variant wgan --plain            # gradient and weight norms alone
    python benchmarks/gradnorm.py --width 8 --batch 16 --pairs 5    # to see that it runs

With and without take turns, block by block, so that whatever else the machine does hits both; the overhead is the
median over these pairs of blocks, with its 95 % interval. A block is as many steps as all lazy terms of a loss need to
come round. The target is below 3 % for every baseline with everything on: norms, spectral norms, updates and
activations of every layer, of the generator as well as the discriminator, at every step of each.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

from ganbench import GradNormProbe
from ganbench.diagnostics.gradnorm import ALSO
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.trainer import Trainer

VARIANTS = ("dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2")
WARM_UP = 1  # blocks of each kind
TARGET = 3.0  # percent


def block_of(recipe: Recipe) -> int:
    """Return after how many discriminator steps every term of the loss has come round."""
    critic = recipe.training.n_critic
    lazy = [getattr(recipe.objective, "r1_every", 1), critic * getattr(recipe.objective, "path_every", 1)]
    return math.lcm(critic, *lazy)


def measure(recipe: Recipe, pairs: int, also: tuple[str, ...], device: torch.device) -> dict[str, float]:
    trainer = Trainer(recipe, device)
    batch, size, critic = recipe.training.batch, recipe.model.size, recipe.training.n_critic
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
    discriminator = GradNormProbe(trainer.discriminator, clip=getattr(recipe.objective, "clip", None), also=also)
    generator = GradNormProbe(trainer.generator, also=also)
    steps = block_of(recipe)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for pair in range(-WARM_UP, pairs):
        for watching in (True, False) if pair % 2 else (False, True):
            with contextlib.ExitStack() as probes:
                start = time.perf_counter()
                if watching:
                    probes.enter_context(discriminator)
                    probes.enter_context(generator)
                for _ in range(steps):
                    trainer.train_step(pixels)
                    if watching:
                        discriminator.record(trainer.step)
                        if trainer.step % critic == 0:
                            generator.record(trainer.step)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if pair >= 0:
                seconds[watching].append((time.perf_counter() - start) / steps)
    # Neighbouring blocks share whatever else the machine does: the median of their ratios is steadier than two means.
    ratios = np.array(seconds[True]) / np.array(seconds[False])
    medians = np.median(np.random.default_rng(0).choice(ratios, (2000, pairs)), axis=1)
    return {
        "step_ms": float(np.median(seconds[False]) * 1000),
        "overhead_percent": float((np.median(ratios) - 1) * 100),
        "overhead_low": float((np.quantile(medians, 0.025) - 1) * 100),
        "overhead_high": float((np.quantile(medians, 0.975) - 1) * 100),
        "pairs": pairs,
        "steps_per_block": steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", nargs="*", default=list(VARIANTS))
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--width", type=int, help="feature maps, in place of the preset's")
    parser.add_argument("--batch", type=int, help="images of a step, in place of the preset's")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--plain", action="store_true", help="gradient and weight norms alone")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    given = {"model.width": arguments.width, "training.batch": arguments.batch}
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    results = {}
    for variant in arguments.variant:
        recipe = load_recipe(variant, arguments.preset, overrides)
        also = () if arguments.plain else ALSO
        results[variant] = r = measure(recipe, arguments.pairs, also, torch.device(arguments.device))
        print(
            f"{variant}: {r['step_ms']:.0f} ms per step; probe {r['overhead_percent']:+.2f} % "
            f"(95 %: {r['overhead_low']:+.2f} to {r['overhead_high']:+.2f}, {r['pairs']} pairs of "
            f"{r['steps_per_block']} steps; target: below {TARGET:g} %)",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
