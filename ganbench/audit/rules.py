"""The measures that the rules of all checks share. Every threshold is stated here or in the file of its check.

``d'`` is the difference between what was changed and what was not, in spreads of sets of that many images. Two sets are
told apart by a test at 5 % with a power of 80 % where ``d' >= (1.96 + 0.84) sqrt(2) = 3.96``: hence ``TOLD``.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from ganbench.metrics.base import Better

TOLD = 4.0  # d' from which on two sets are told apart, four times of five
SLACK = 2.83  # spreads by which a step may go the wrong way: two standard deviations of a difference of two sets
ENOUGH = 8  # sets that a spread is taken from
MOST = 999.0  # d' that is shown at most: of a metric that does not vary at all


def spread_at(n: int, values: dict[int, list[float]], floor: float = 0.0) -> float | None:
    """Return the spread (standard deviation) of the values of sets of ``n`` images.

    Where there are fewer than 8 sets of that size, it is that of the largest size that has 8, times the root of the
    ratio of the sizes: the error of a mean falls so. Where no size has as many, that with the most sets stands for it.

    Args:
        n: images of a set.
        values: of disjoint sets, by their size.
        floor: what one image more or less moves the value by: no spread is smaller.

    Returns:
        None without any two sets of a size.
    """
    usable = {size: found for size, found in values.items() if len(found) > 1}
    if not usable:
        return None
    full = [size for size, found in usable.items() if len(found) >= ENOUGH]
    best = n if n in full else max(full, default=max(usable, key=lambda size: (len(usable[size]), size)))
    return max(statistics.stdev(usable[best]) * math.sqrt(best / n), floor)


def floor_of(unit: str, n: int) -> float:
    """Return what half an image moves a metric by: a share that is 0 in all sets has some spread all the same."""
    return 0.5 / n if unit == "share" else 0.0


def worse_by(better: Better, changed: float, clean: float) -> float:
    """Return by how much a value is worse than another, in its unit; of a metric without a direction, how different."""
    if better == "none":
        return abs(changed - clean)
    return changed - clean if better == "lower" else clean - changed


def d_prime(difference: float, spread: float) -> float:
    """Return a difference in spreads, from -999 to 999."""
    if spread == 0:
        return 0.0 if difference == 0 else math.copysign(MOST, difference)
    return max(-MOST, min(MOST, difference / spread))


def rises(steps: Sequence[float], slack: float) -> bool:
    """Tell whether numbers never fall by more than ``slack`` below the highest one before."""
    highest = -math.inf
    for step in steps:
        if step < highest - slack:
            return False
        highest = max(highest, step)
    return True


def told_from(along: Sequence[float], ds: Sequence[float]) -> float | None:
    """Return the first step from which on all are told apart, by d' at each step; None where not even the last is."""
    found = None
    for step, d in zip(reversed(along), reversed(ds), strict=True):
        if d < TOLD:
            break
        found = step
    return found
