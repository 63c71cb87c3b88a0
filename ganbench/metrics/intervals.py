"""Interval methods that several metrics share; all give 95 %."""

from __future__ import annotations

import math

import numpy as np

Z95 = 1.959963984540054


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's score interval for a share (Wilson 1927).

    Args:
        share: Observed share, 0 to 1.
        n: Number of independent observations; may be fractional (an effective number).
    """
    z2 = Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)


def student(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.975))


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """Return Student's t interval of the mean of independent ``values``, (n,) with n >= 2."""
    half = student(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    mean = float(np.mean(values))
    return mean - half, mean + half


def group_jackknife_error(without: np.ndarray) -> float:
    """Return the delete-a-group jackknife standard error.

    Args:
        without: The estimate recomputed without group g, for each of the G groups of near equal size, (G,).
    """
    groups = len(without)
    return math.sqrt((groups - 1) / groups * float(np.sum((without - without.mean()) ** 2)))
