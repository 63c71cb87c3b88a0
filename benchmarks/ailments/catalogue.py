"""The runs: thirty healthy ones, six of each baseline, and thirty broken ones, three of each of ten ailments.

The recipes are the baselines' own, in a size that trains in seconds: what is healthy learns in that time, by the look
of its samples. Sizes and ailments were fixed before any rule was seen that is to find them.
"""

from __future__ import annotations

from ailments import patches
from ailments.base import HEALTHY, Ailment, Run

VARIANTS = ("dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2")
STEPS = 1000  # of the discriminator
_STEPS_OF = {"stylegan2": 400}  # a step of which takes six times as long
SIZE = 32  # pixels: small enough for so many steps in half a minute, after which samples look like faces
SEEDS = 6  # of a healthy baseline
SMALL = (f"model.size={SIZE}", "model.width=12", "training.batch=16", "training.average=0", "training.precision=fp32")
_OF_VARIANT = {"stylegan2": ("model.latent=32", "model.width=6", "model.max_width=32", "model.mapping_layers=2")}

AILMENTS: tuple[Ailment, ...] = (
    Ailment("sign", "the generator climbs its loss", ("dcgan", "wgan-gp", "stylegan2"), (), patches.wrong_sign),
    Ailment(
        "rate",
        "learning rate 100 times too high",
        ("dcgan", "wgan-gp", "stylegan2"),
        ("dcgan:optimizer.lr=2e-2", "wgan-gp:optimizer.lr=3e-2", "stylegan2:optimizer.lr=2e-1"),
    ),
    Ailment(
        "unnormalised",
        "no normalisation in either network",
        ("dcgan", "dcgan-clipnorm", "wgan"),
        ("model.norm=none",),
        patches.unnormalised,
    ),
    Ailment("clip", "the critic's weights clipped to 1e-4", ("wgan", "wgan", "wgan"), ("objective.clip=1e-4",)),
    Ailment(
        "strong",
        "the discriminator learns 20 times as fast",
        ("dcgan", "dcgan-clipnorm", "stylegan2"),
        (),
        patches.strong,
    ),
    Ailment("frozen", "the generator's weights do not move", ("dcgan", "wgan-gp", "stylegan2"), (), patches.frozen),
    Ailment(
        "dead",
        "a layer of the generator's ReLUs never opens",
        ("dcgan", "wgan", "wgan-gp"),
        (),
        patches.dead(1.0, slice(2, 3)),
    ),
    Ailment("tiny", "24 training images", ("dcgan", "dcgan-clipnorm", "stylegan2"), images=24),
    Ailment("leak", "a corner tells the labels", ("dcgan", "wgan-gp", "stylegan2"), (), patches.leak),
    Ailment("overflow", "half precision overflows", ("dcgan", "wgan", "wgan-gp"), (), patches.overflow),
)
BY_NAME = {ailment.name: ailment for ailment in AILMENTS}


def settings_of(run: Run) -> list[str]:
    """Return the settings of a run's recipe, without steps and seed."""
    ailment = BY_NAME.get(run.ailment)
    small = [*SMALL, *_OF_VARIANT.get(run.variant, ())]
    return small + (ailment.settings_of(run.variant) if ailment else [])


def steps_of(run: Run) -> int:
    """Return the steps of a run."""
    return _STEPS_OF.get(run.variant, STEPS)


def all_runs(seed: int) -> list[Run]:
    """Return the runs, in an order in which every kind comes early."""
    healthy = [Run(HEALTHY, variant, seed + number) for number in range(SEEDS) for variant in VARIANTS]
    broken = [Run(ailment.name, ailment.variants[number], seed + number) for number in range(3) for ailment in AILMENTS]
    return [run for pair in zip(healthy, broken, strict=True) for run in pair]
