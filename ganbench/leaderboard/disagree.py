"""Entries of which two independent extractors say different things: what was tuned against the one shows in the other.

The rule, for the same result under two extractors, such as ``fd[lite0]`` and ``fd[lite2]``, over the entries of a board
that have both. An entry is marked when one of these holds:

1. Its ranks differ beyond their intervals: the places that it may have by the first result, counting who is
   significantly better and who is significantly worse, and those that it may have by the second have none in common.
   And it is off by more than two honest opinions are: the second result follows from the first along a line that is
   fitted through all entries, robustly (Siegel 1982), in logarithms where all values are positive, and what the entry
   is off that line, less its own interval, is more than ``SPREADS`` times what the entries of this board usually are.
2. Of a distance: its ratio of the two results is off the median ratio by a factor of more than ``FAR``, and by more
   than ``SPREADS`` times what ratios usually are, its own interval taken off. Two networks' distances are in proportion
   over all kinds of images, so that this holds far from all other entries too, where a line through them says little.
   What is tuned until it is the first by both is marked by this.

Ranks alone would mark honest entries: a cheat that takes a place moves everybody else by one, and two extractors do
not order what is nearly equal alike. docs/disagreement.md has the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ganbench.leaderboard.better import is_better
from ganbench.metrics.registry import metric_of, name_of
from ganbench.scoring.row import Row

LEAST = 5  # entries: of fewer, nobody can tell which of them is off
SPREADS = 5.0  # robust standard deviations off the line; honest ones are further off once in a million
FAR = 2.0  # times; of honest images of all kinds, the furthest off is so by a factor of 1.4
FLOOR = 0.06  # an honest spread is taken as this share of the value at least: of a few entries it may look smaller


@dataclass(frozen=True)
class Disagreement:
    """What two extractors say of one entry.

    Attributes:
        first: best and worst place that it may have by the first result, from 1.
        second: those by the second result.
        favoured: 0 when the first result is the kinder one, 1 when the second is.
        text: this in words.
    """

    first: tuple[int, int]
    second: tuple[int, int]
    favoured: int
    text: str


def second_opinions(by: str, results: Iterable[str]) -> list[str]:
    """Return the results that say of the same metric what another extractor sees, in their order.

    Two resize protocols of one network, such as ``inception`` and ``inception:clean``, are one extractor here.

    Args:
        by: id of a result, ``fd[lite0]``.
        results: ids of all results.
    """
    metric = metric_of(by) or name_of(by)  # ``fid[inception]`` is the same metric as ``fd[lite0]``
    return [i for i in results if (metric_of(i) or name_of(i)) == metric and _network(i) != _network(by)]


def disagreeing(first: Sequence[Row | None], second: Sequence[Row | None], better: str) -> list[Disagreement | None]:
    """Find the entries of which two extractors say different things.

    Args:
        first: the row of every entry by the first extractor; None where it has none that compares with the others'.
        second: the same by the second extractor, for the same entries in the same order.
        better: ``lower`` or ``higher``; with ``none`` there are no ranks.

    Returns:
        For every entry what is off, or None.
    """
    found: list[Disagreement | None] = [None] * len(first)
    both = [
        (i, a, b)
        for i, (a, b) in enumerate(zip(first, second, strict=True))
        if a is not None and b is not None and a.value is not None and b.value is not None
    ]
    if better == "none" or len(both) < LEAST:
        return found
    rows_a, rows_b = [a for _, a, _ in both], [b for _, _, b in both]
    off = _off(rows_a, rows_b)
    far = _far(rows_a, rows_b) if better == "lower" else np.zeros(len(both))
    for k in np.flatnonzero(off | (far != 0)).tolist():
        one, other = places(rows_a, k, better), places(rows_b, k, better)
        if off[k] and (one[1] < other[0] or other[1] < one[0]):
            text = (
                f"{_said(rows_a[k], one)}, {_said(rows_b[k], other)} of {len(both)}: further apart than the others are"
            )
            found[both[k][0]] = Disagreement(one, other, int(other[1] < one[0]), text)
        elif far[k]:
            times = f"{math.exp(far[k]):.2g} times what goes with such a {rows_a[k].id} among the others"
            text = f"{rows_a[k].id} is {rows_a[k].value:.4g}, {rows_b[k].id} {rows_b[k].value:.4g}: {times}"
            found[both[k][0]] = Disagreement(one, other, int(far[k] < 0), text)
    return found


def places(rows: Sequence[Row], k: int, better: str) -> tuple[int, int]:
    """Return the best and the worst place, from 1, that a row may have among rows that compare."""
    above = sum(is_better(row, rows[k], better) for row in rows)
    below = sum(is_better(rows[k], row, better) for row in rows)
    return 1 + above, len(rows) - below


def _network(result_id: str) -> str:
    return result_id.partition("[")[2].removesuffix("]").partition(":")[0]


def _said(row: Row, place: tuple[int, int]) -> str:
    lowest, highest = place
    return f"{row.id} puts it at {lowest if lowest == highest else f'{lowest} to {highest}'}"


def _off(first: Sequence[Row], second: Sequence[Row]) -> np.ndarray:
    """Return which entries are too far from the line on which the others are."""
    from scipy.stats import siegelslopes

    x, half_x, floor_x = _scaled(first)
    y, half_y, floor_y = _scaled(second)
    if (x == x[0]).all():
        slope, residual = 0.0, y - np.median(y)
    else:
        slope, start = siegelslopes(y, x)
        residual = y - start - slope * x
    spread = max(1.4826 * float(np.median(np.abs(residual))), math.hypot(floor_y, slope * floor_x) / math.sqrt(2))
    return np.abs(residual) - np.hypot(half_y, slope * half_x) > SPREADS * spread


def _far(first: Sequence[Row], second: Sequence[Row]) -> np.ndarray:
    """Return the logarithm of what each entry's ratio is off the median ratio; 0 where that is not far."""
    if not (_in_logarithms(first) and _in_logarithms(second)):
        return np.zeros(len(first))
    (x, half_x, _), (y, half_y, _) = _scaled(first), _scaled(second)
    off = y - x - np.median(y - x)
    least = max(math.log(FAR), SPREADS * 1.4826 * float(np.median(np.abs(off))))
    return np.where(np.abs(off) - np.hypot(half_y, half_x) > least, off, 0.0)


def _in_logarithms(rows: Sequence[Row]) -> bool:
    return all(row.value is not None and min(row.value, row.value if row.low is None else row.low) > 0 for row in rows)


def _scaled(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray, float]:
    """Return values, half the widths of their intervals, and the least honest spread; in logarithms if that can be."""
    filled = [
        (row.value, row.value if row.low is None else row.low, row.value if row.high is None else row.high)
        for row in rows
    ]
    value, low, high = np.array(filled, np.float64).T
    if _in_logarithms(rows):
        return np.log(value), np.log(high / low) / 2, FLOOR
    return value, (high - low) / 2, FLOOR * float(np.median(np.abs(value)))
