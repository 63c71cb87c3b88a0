"""When a score has stopped improving, by a bound that holds at every look however often one looks.

Every score comes with a 95 % interval, made for one look. Whoever looks again and again and stops at what pleases him
needs wider ones. Here look k, from 1, may err with probability ``ALPHA * 6 / (pi^2 k^2)``; these add up to ``ALPHA``
over all looks there will ever be, so that with probability 1 - ALPHA every interval of the whole training holds its
true value, whatever is decided on the way (the union bound; alpha spending of Lan & DeMets 1983, with the spending
sequence of Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", section 3).

A look *improved* when its whole interval is better than that of the look that last did. So a claim of improvement, at
any look, is false in at most 5 of 100 trainings; and a run stops when there was none for some looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ganbench.doctor.records import Scores

ALPHA = 0.05
PATIENCE = 5  # looks without an improvement after which a run may stop
_USUAL = 1.959963984540054  # half widths of a 95 % interval, in standard deviations


@dataclass(frozen=True)
class Improvement:
    """How the looks at a score went.

    Attributes:
        steps: of the looks that have an interval, int (N,).
        value: what was measured, float (N,).
        low: lower bounds that hold at all looks together, float (N,).
        high: upper bounds, float (N,).
        best: position of the look that last improved; -1 without any look.
    """

    steps: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    best: int

    @property
    def since(self) -> int:
        """Looks since the last improvement."""
        return len(self.steps) - 1 - self.best


def widening(look: int) -> float:
    """Return by what factor a 95 % interval of look ``look``, from 1, is widened to hold at all looks together."""
    from scipy.special import ndtri

    error = ALPHA * 6 / (math.pi * look) ** 2
    return float(ndtri(1 - error / 2)) / _USUAL


def improvement(scores: Scores, better: str) -> Improvement:
    """Judge the looks at a score in order.

    Args:
        scores: with intervals; looks without one tell nothing and are left out.
        better: ``lower`` or ``higher``.
    """
    whole = np.isfinite(scores.value) & np.isfinite(scores.low) & np.isfinite(scores.high)
    steps, value, low, high = (x[whole] for x in (scores.steps, scores.value, scores.low, scores.high))
    factor = np.array([widening(look) for look in range(1, len(steps) + 1)])
    low, high = value - (value - low) * factor, value + (high - value) * factor
    sign = 1 if better == "lower" else -1
    upper, lower = (high, low) if sign > 0 else (-low, -high)
    best = -1
    for look in range(len(steps)):
        if best < 0 or upper[look] < lower[best]:
            best = look
    return Improvement(steps, value, low, high, best)
