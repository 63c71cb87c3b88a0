"""What the gradient-norm probe costs: training steps with and without it, alternating in one run.

python benchmarks/gradnorm.py [--variant wgan] [--width 64] [--pairs 40] [--json F]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from pathlib import Path

import numpy as np
import torch

from ganbench import GradNormProbe
from ganbench.training.loop import Trainer
from ganbench.training.recipe import load_recipe


def measure(variant: str, width: int, pairs: int) -> dict[str, float]:
    trainer = Trainer(load_recipe(variant, "paper", [f"model.width={width}"]), torch.device("cpu"))
    batch = trainer.recipe.training.batch
    pixels = torch.randint(0, 256, (batch, 64, 64, 3), dtype=torch.uint8)
    probe = GradNormProbe(trainer.discriminator, clip=getattr(trainer.recipe.objective, "clip", None))
    watching = False
    trainer.observers.append(lambda step, real, fake: probe.record(step) if watching else None)
    critic = trainer.recipe.training.n_critic
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for pair in range(-3, pairs):  # the first three warm up
        for on in (True, False) if pair % 2 else (False, True):
            watching = on
            with probe if on else contextlib.nullcontext():
                start = time.perf_counter()
                for _ in range(critic):
                    trainer.train_step(pixels)
                if pair >= 0:
                    seconds[on].append((time.perf_counter() - start) / critic)
    # Neighbouring steps share whatever else the machine does: the median of their ratios is steadier than two means.
    ratios = np.array(seconds[True]) / np.array(seconds[False])
    medians = np.median(np.random.default_rng(0).choice(ratios, (2000, pairs)), axis=1)
    return {
        "step_ms": float(np.median(seconds[False]) * 1000),
        "overhead_percent": float((np.median(ratios) - 1) * 100),
        "overhead_low": float((np.quantile(medians, 0.025) - 1) * 100),
        "overhead_high": float((np.quantile(medians, 0.975) - 1) * 100),
        "pairs": pairs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", nargs="*", default=["dcgan", "wgan", "wgan-gp"])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = {}
    for variant in arguments.variant:
        results[variant] = r = measure(variant, arguments.width, arguments.pairs)
        print(
            f"{variant}: {r['step_ms']:.0f} ms per step; probe {r['overhead_percent']:+.2f} % "
            f"(95 %: {r['overhead_low']:+.2f} to {r['overhead_high']:+.2f}, {r['pairs']} pairs)"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
