"""What the tests of training run in processes of their own: a run that is killed, and one process of several."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ganbench.images.arrays import ArraySource
from ganbench.training.distributed import join_world
from ganbench.training.loop import Stopped
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.start import train
from ganbench.training.trainer import Trainer

SMALL = ["model.size=32", "training.batch=8"]


def noise_images(count: int = 40, size: int = 32) -> np.ndarray:
    """Return the images that these runs train on."""
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def run(folder: Path, home: str, variant: str, steps: int, overrides: list[str], save_every: int = 1) -> None:
    """Train to ``steps``, resuming what is there; saves after every step, so that a kill often hits a save."""
    os.environ["GANBENCH_HOME"] = home
    torch.set_num_threads(1)
    recipe = load_recipe(variant, "smoke", [*SMALL, f"training.steps={steps}", *overrides])
    source = ArraySource.of("noise", noise_images(), value_range=None, resize=None)
    options = LoopOptions(log_every=1, sheet_every=5, save_every=save_every)
    train(recipe, source, folder, device="cpu", resume=True, options=options)


def _join(rank: int, size: int, port: int) -> None:
    """Set what ``torchrun`` would."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)


def run_as_one_of_two(rank: int, port: int, folder: Path, home: str, signal_at: int | None) -> None:
    """Train a run to its end together with another process; a SIGTERM may reach the second of them alone."""
    _join(rank, 2, port)
    os.environ["GANBENCH_HOME"] = home

    def observe(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        if rank == 1 and step == signal_at:
            os.kill(os.getpid(), signal.SIGTERM)

    recipe = load_recipe("dcgan", "smoke", [*SMALL, "training.steps=9", "training.average=0.9"])
    source = ArraySource.of("noise", noise_images(), value_range=None, resize=None)
    options = LoopOptions(log_every=3, sheet_every=4, save_every=5)
    try:
        train(recipe, source, folder, device="cpu", resume=True, options=options, observers=[observe])
    except Stopped as e:
        sys.exit(e.exit_code)


def one_of_several(rank: int, size: int, port: int, variant: str, overrides: list[str], out: Path) -> None:
    """Train a few steps as one process of several and write losses and weights."""
    _join(rank, size, port)
    pixels = torch.from_numpy(noise_images())
    with join_world(torch.device("cpu")) as world:
        trainer = Trainer(load_recipe(variant, "smoke", ["model.size=32", *overrides]), torch.device("cpu"), world)
        share = world.share(16)
        losses = []
        for step in range(4):
            batch = pixels[(16 * step) % 24 :][:16]
            trainer.train_step(batch[world.rank * share : (world.rank + 1) * share])
            losses.append(trainer.losses())
        if world.first:
            torch.save({"losses": losses, "generator": trainer.generator.state_dict()}, out)


def networks_of(recipe: Recipe, tell: Callable[[object], None]) -> tuple[str, float, str, int]:
    """Say what another process makes of a recipe that was sent to it."""
    del tell
    trainer = Trainer(recipe, torch.device("cpu"))
    return (
        type(trainer.objective).__name__,
        trainer.objective.settings.real_label,
        type(trainer.generator).__name__,
        trainer.generator.size,
    )
