"""The difference of two values, its 95 % interval and its p-value; each test is named with its result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.metrics.intervals import Z95
from ganbench.metrics.variation import Variation, variance_of
from ganbench.scoring.row import Row


@dataclass(frozen=True)
class Difference:
    """A difference of two values.

    Attributes:
        difference: the first value less the second.
        low: lower end of the 95 % interval.
        high: upper end.
        p: two-sided p-value of no difference.
        error: standard error, as far as the test goes by one.
        degrees: degrees of freedom of the error; infinite where it is taken as known.
        test: what was done, in words.
    """

    difference: float
    low: float
    high: float
    p: float
    error: float
    degrees: float
    test: str


def of_sets(a: Variation, b: Variation, *, paired: bool = False) -> Difference:
    """Return the difference of a value between two sets of images, scored against the same reference.

    The reference is held fixed: its sampling noise is in both values, and says nothing about their difference. What the
    variance is of are the fake images of both sides; of paired ones, of the difference that each pair makes.

    Args:
        a: how the value of the one set varies.
        b: that of the other; of the same metric.
        paired: whether the images of both correspond, in order.

    Raises:
        GanbenchError: images that are to be paired and are not as many.
    """
    if paired and a.n != b.n:
        raise GanbenchError(f"{a.n} and {b.n} images are no pairs")
    if a.units is not None and b.units is not None:
        if paired and a.trials is not None and b.trials is not None:
            return _paired_shares(a.trials, b.trials)
        return _shares(a.value, a.units, b.value, b.units)
    if paired:
        found = a.less(b)
        return _student(found.value, *variance_of(found), "paired t: " + _known_of(found))
    return _student(a.value - b.value, *variance_of(a, b), "unpaired Welch t: " + _known_of(a))


def of_intervals(a: Row, b: Row) -> Difference:
    """Return the difference of two rows by their 95 % intervals, put together as Newcombe (1998) does it.

    Raises:
        GanbenchError: a row without a value, or without such an interval.
    """
    for row in (a, b):
        if row.value is None or row.low is None or row.high is None or "not 95 %" in row.interval:
            raise GanbenchError(f"{row.id}: no 95 % interval in a scorecard. Give the images in its place")
    (value, low, high), (other, other_low, other_high) = ((r.value or 0.0, r.low or 0.0, r.high or 0.0) for r in (a, b))
    difference = value - other
    below = math.hypot(value - low, other_high - other)
    above = math.hypot(high - value, other - other_low)
    towards = below if difference > 0 else above  # the end that may reach 0
    p = _two_sided(difference, towards / Z95, math.inf)
    test = "unpaired: by the 95 % intervals of both scorecards (Newcombe)"
    return Difference(difference, difference - below, difference + above, p, towards / Z95, math.inf, test)


def of_seeds(a: Sequence[float], b: Sequence[float]) -> Difference:
    """Return the difference of the means over trainings of two kinds, by Welch's t-test; each training counts once.

    Args:
        a: a value for each training seed of the one, two at least.
        b: those of the other.

    Raises:
        GanbenchError: fewer than two seeds of one kind.
    """
    if min(len(a), len(b)) < 2:
        raise GanbenchError(
            f"{len(a)} and {len(b)} training seeds: a comparison of trainings is over seeds, and takes two of each"
        )
    first, second = (float(np.var(values, ddof=1)) / len(values) for values in (a, b))
    degrees = _welch(first, len(a) - 1, second, len(b) - 1)
    test = f"over training seeds ({len(a)} and {len(b)}): Welch t"
    return _student(float(np.mean(a) - np.mean(b)), first + second, degrees, test)


def _known_of(found: Variation) -> str:
    if found.each is None:
        return "values of random halves"
    return "influence of each image" + ("" if found.halves is None else ", pairs of images by random halves")


def _shares(a: float, units_a: float, b: float, units_b: float) -> Difference:
    """Return the difference of two shares of independent units (Agresti and Caffo 2000)."""
    first, second = ((share * units + 1) / (units + 2) for share, units in ((a, units_a), (b, units_b)))
    variance = first * (1 - first) / (units_a + 2) + second * (1 - second) / (units_b + 2)
    return _adjusted(a - b, first - second, math.sqrt(variance), "unpaired: two shares (Agresti-Caffo)")


def _paired_shares(a: np.ndarray, b: np.ndarray) -> Difference:
    """Return the difference of two shares of the same units (Bonett and Price 2012)."""
    n = len(a)
    only_a, only_b = ((np.count_nonzero(one & ~other) + 1) / (n + 2) for one, other in ((a, b), (b, a)))
    shift = only_a - only_b
    error = math.sqrt((only_a + only_b - shift**2) / (n + 2))
    return _adjusted(float(a.mean() - b.mean()), shift, error, "paired: two shares of the same images (Bonett-Price)")


def _adjusted(difference: float, centre: float, error: float, test: str) -> Difference:
    """Return a normal test about a centre that is drawn towards 0; the interval holds the difference as it is, too."""
    low = max(-1.0, min(difference, centre - Z95 * error))
    high = min(1.0, max(difference, centre + Z95 * error))
    return Difference(difference, low, high, _two_sided(centre, error, math.inf), error, math.inf, test)


def _student(difference: float, variance: float, degrees: float, test: str) -> Difference:
    from scipy.special import stdtrit

    error = math.sqrt(variance)
    half = float(stdtrit(degrees, 0.975)) * error
    p = _two_sided(difference, error, degrees)
    return Difference(difference, difference - half, difference + half, p, error, degrees, test)


def _two_sided(difference: float, error: float, degrees: float) -> float:
    from scipy.special import stdtr

    if error == 0:
        return float(difference == 0)
    return min(1.0, 2 * float(stdtr(degrees, -abs(difference) / error)))


def _welch(a: float, degrees_a: float, b: float, degrees_b: float) -> float:
    """Return the degrees of freedom of a sum of two variances (Welch and Satterthwaite)."""
    if a + b == 0:
        return degrees_a + degrees_b
    return (a + b) ** 2 / (a**2 / degrees_a + b**2 / degrees_b)
