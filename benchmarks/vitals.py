"""What recording vitals costs: training with and without it, alternating in one run, for all baselines.

    OMP_NUM_THREADS=1 python benchmarks/vitals.py
    OMP_NUM_THREADS=1 python benchmarks/vitals.py --variant wgan --pairs 30

Vitals are what ``ganbench doctor`` judges by; every ``--log-every``-th step is measured, the tenth by default. A block
is as many steps of the discriminator as bring one of the generator, and that last one is measured, or is not. Told are
the medians over pairs of blocks, of the processor's time: with one thread it hardly depends on what else runs.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from ganbench.training.data import TrainingImages
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.trainer import Trainer
from ganbench.training.vitals import Vitals

VARIANTS = ("dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2")
IMAGES = 1000
HELD_OUT = 64


def measure(variant: str, preset: str, pairs: int) -> tuple[float, float]:
    """Return the seconds of a step without vitals, and those that measuring one adds."""
    recipe = load_recipe(variant, preset, [])
    size = recipe.model.size
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, size, size, 3), dtype=np.uint8)
    images = TrainingImages(pixels, "", batch=recipe.training.batch, seed=0, held_out=HELD_OUT)
    trainer = Trainer(recipe, torch.device("cpu"))
    vitals = trainer.vitals = Vitals(trainer, images)
    steps = recipe.training.n_critic

    def block(*, measured: bool) -> float:
        start = time.process_time()
        for step in range(steps):
            last = measured and step == steps - 1
            if last:
                vitals.begin()
            trainer.train_step(images.load(trainer.step))
            if last:
                vitals.read()
        return time.process_time() - start

    taken = np.array([(block(measured=False), block(measured=True)) for _ in range(pairs + 1)])[1:]
    return float(np.median(taken[:, 0])) / steps, float(np.median(taken[:, 1] - taken[:, 0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", nargs="*", default=list(VARIANTS))
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--pairs", type=int, default=10)
    arguments = parser.parse_args()
    every = LoopOptions().log_every
    for variant in arguments.variant:
        step, more = measure(variant, arguments.preset, arguments.pairs)
        print(
            f"{variant}: {step * 1000:.0f} ms per step; vitals {more * 1000:.0f} ms, {more / step:.0%} of a step, "
            f"{more / step / every:.1%} of {every}",
            flush=True,
        )


if __name__ == "__main__":
    main()
