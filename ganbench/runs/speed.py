"""How fast a run trained and how long it took, from its log."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ganbench.training.run_folder import RunFolder


@dataclass(frozen=True)
class Speed:
    """The speed of a training.

    Attributes:
        images_per_second: real images that the discriminator saw per second of training.
        minutes: of training, at that speed.
        steps: discriminator steps done.
    """

    images_per_second: float
    minutes: float
    steps: int


def speed_of(run: RunFolder) -> Speed | None:
    """Return a run's speed; None if its log does not tell.

    ``images_per_second`` is the median of the log's lines, each weighted by the steps it covers; ``minutes`` are all
    steps at that speed. A pause, a sleeping laptop or an hour of other work on the machine moves a few lines and not
    their median. The lines already leave out sample sheets, scores and checkpoints. A run that was stopped and resumed
    is as fast as one that was not.
    """
    rates: list[float] = []
    weights: list[int] = []
    steps = last = 0
    for line in run.read_metrics():
        rate = line.get("images_per_second")
        if isinstance(rate, float | int) and math.isfinite(rate) and rate > 0:
            rates.append(float(rate))
            weights.append(max(0, int(line["step"]) - last))
            last = int(line["step"])
        steps = max(steps, int(line["step"]))
    if not sum(weights):
        return None
    order = np.argsort(rates)
    passed = np.cumsum(np.array(weights)[order])
    median = rates[order[np.searchsorted(passed, passed[-1] / 2)]]
    return Speed(median, steps * run.recipe().training.batch / median / 60, steps)
