"""Power: how many images, or training seeds, it takes to tell a difference apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

POWER = 0.8  # what "told apart" is asked to be: four times in five
MOST = 10**9  # images; what takes more is said to take that


def power(difference: float, error: float, degrees: float, level: float) -> float:
    """Return how often a two-sided t-test at a level tells a true difference from 0.

    Args:
        difference: the true one.
        error: standard error of the estimate.
        degrees: its degrees of freedom; may be infinite.
        level: chance of finding a difference where there is none.
    """
    from scipy.special import nctdtr, ndtr, ndtri, stdtrit

    if error == 0:
        return float(difference != 0)
    shift = abs(difference) / error
    if shift > 30:  # beyond what the noncentral t is computed for
        return 1.0
    if degrees > 1000:  # where t is normal
        bound = float(ndtri(1 - level / 2))
        return float(ndtr(shift - bound) + ndtr(-shift - bound))
    bound = float(stdtrit(degrees, 1 - level / 2))
    below, wrong_side = float(nctdtr(degrees, shift, bound)), float(nctdtr(degrees, shift, -bound))
    # Far on the wrong side, where there is nothing, SciPy has no number.
    return 1 - below + (0.0 if math.isnan(wrong_side) else wrong_side)


def detectable(error: float, degrees: float, level: float) -> float:
    """Return the least true difference that a test of this error finds four times in five."""
    if error == 0:
        return 0.0
    low, high = 0.0, 1.0
    while power(high * error, error, degrees, level) < POWER:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle * error, error, degrees, level) >= POWER else (middle, high)
    return high * error


def images_needed(n: int, difference: float, error: float, level: float) -> int | None:
    """Return of how many images each set would have to be to tell the difference apart four times in five.

    The error falls like the root of their number.

    Args:
        n: images of each set now.
        difference: taken for the true one.
        error: its standard error now.
        level: of the test.

    Returns:
        The number; ``MOST`` stands for more; None where the difference is 0, and no number will do.
    """
    return _least(lambda count: power(difference, error * math.sqrt(n / count), count, level), difference, first=2)


def seeds_needed(a: Sequence[float], b: Sequence[float], level: float) -> int | None:
    """Return how many training seeds of each kind it would take to tell their means apart four times in five.

    Args:
        a: a value for each seed of the one.
        b: those of the other.
        level: of the test.

    Returns:
        As ``images_needed``.
    """
    first, second = float(np.var(a, ddof=1)), float(np.var(b, ddof=1))
    difference = float(np.mean(a) - np.mean(b))

    def with_seeds(count: int) -> float:
        error = math.sqrt((first + second) / count)
        degrees = (count - 1) * ((first + second) ** 2 / (first**2 + second**2) if error else 2)
        return power(difference, error, degrees, level)

    return _least(with_seeds, difference, first=2)


def _least(power_of: Callable[[int], float], difference: float, first: int) -> int | None:
    """Return the least number at which a power that grows with it reaches the one that is asked for."""
    if difference == 0:
        return None
    low, high = first - 1, first
    while power_of(high) < POWER:
        if high >= MOST:
            return MOST
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= POWER else (middle, high)
    return high
