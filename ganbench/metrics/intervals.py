"""Interval methods that several metrics share; all give 95 %."""

from __future__ import annotations

import math

import numpy as np

Z95 = 1.959963984540054
FEW = 5  # units below which a share is as good as 0, or 1


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


def halves_error(halves: np.ndarray) -> float:
    """Return a standard error from random splits of the images into two halves.

    It is that of half as many images, which is unbiased, as halves share no image; the error of all of them is smaller.

    Args:
        halves: The estimate for the two halves of each split, (splits, 2).
    """
    return math.sqrt(float(np.mean((halves[:, 0] - halves[:, 1]) ** 2)) / 2)


def share_interval(share: float, error: float, degrees: int, units: int) -> tuple[float, float]:
    """Return Student's t interval of a share whose units depend on each other.

    It reaches at least one unit to either side, and next to 0 and 1, where few units say anything about the error, at
    least as far as Wilson's.

    Args:
        share: Observed share, 0 to 1.
        error: Its standard error.
        degrees: Degrees of freedom of the error.
        units: How many units the share is a share of.
    """
    half = max(student(degrees) * error, 1 / units)
    low, high = max(0.0, share - half), min(1.0, share + half)
    if min(share, 1 - share) * units <= FEW:
        wilson_low, wilson_high = wilson(share, units)
        return min(low, wilson_low), max(high, wilson_high)
    return low, high
