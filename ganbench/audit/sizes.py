"""Check 3: bias and spread in the number of images, and how often the 95 % interval holds what it should.

Fresh real images in disjoint sets. A metric is biased where its mean over sets of a quarter as many images is off by a
spread of one set or more, and by two of its own standard errors: then two numbers of unlike n differ by nothing but n.
An interval should hold the mean of the metric over sets of that size; that fewer than 90 of 100 disjoint sets do has a
chance of 1 in 35 where it is right, and then it is too narrow. One more than twice as wide as it needs to be is too
wide.
"""

from __future__ import annotations

import math
import statistics

import numpy as np

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import Material
from ganbench.audit.points import Point, values_of
from ganbench.audit.rules import ENOUGH, d_prime, floor_of, spread_at
from ganbench.audit.scale import Scale
from ganbench.metrics.base import Metric
from ganbench.metrics.intervals import Z95

CLEAN, COUNTED = "clean", "intervals"
HOLDS = 0.90
TOO_WIDE = 2.0
BIASED = 1.0
SURE = 2.0  # standard errors by which a bias must be off besides
_FEWEST = 20  # images of a set whose interval is counted
_AT_ONCE = {CLEAN: 2500, COUNTED: 1500}  # images that one piece of work goes through


class Sizes(Check):
    """The check. Its clean sets are what other checks measure spreads with."""

    name = "sizes"
    title = "bias and spread in n, coverage of the 95 % interval"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: series, images of a set, the first set and how many."""
        found: list[Setting] = []
        for n in scale.sizes:
            found += _pieces(CLEAN, n, min(scale.sets, len(material.pool) // n))
        n = min(len(material.pool) // scale.coverage, scale.sizes[0])
        if n >= _FEWEST:
            found += _pieces(COUNTED, n, scale.coverage)
        return found

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        series, n, first, count = setting
        points = []
        for number in range(first, first + count):
            found = material.measure(material.fresh(np.sort(material.rows(n, number))))
            points += [Point.of(one, series, number, n, value) for one, value in found.items()]
        return points

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        mine = points[self.name]
        by_size = clean_values(mine)
        means = {n: statistics.fmean(values) for n, values in by_size.items()}
        spreads = {n: spread_at(n, by_size, floor_of(metric.unit, n)) for n in by_size}
        figures: dict[str, object] = {"mean": _plain(means), "spread": _plain(spreads)}
        bias, said = _bias(by_size, means, spreads, scale.n)
        figures["bias"] = bias
        coverage, width = _coverage([p for p in mine if p.series == COUNTED])
        if coverage is not None:
            n = next(p.n for p in mine if p.series == COUNTED)
            figures |= {"coverage": coverage, "coverage_n": n, "width": width}
            said += f"; its interval holds {coverage:.0%} at n = {n:,}"
            said += (
                " (too narrow)" if coverage < HOLDS else " (too wide)" if width is not None and width > TOO_WIDE else ""
            )
        passed = abs(bias or 0.0) < BIASED and (coverage is None or coverage >= HOLDS)
        return Finding(passed if means else None, said, figures)


def clean_values(points: list[Point]) -> dict[int, list[float]]:
    """Return the values of sets of fresh real images by their size, of the points of this check."""
    found = {n: values_of(points, CLEAN, n) for n in sorted({p.n for p in points if p.series == CLEAN})}
    return {n: values for n, values in found.items() if values}


def _pieces(series: str, n: int, sets: int) -> list[Setting]:
    step = max(1, _AT_ONCE[series] // n)
    return [(series, n, first, min(step, sets - first)) for first in range(0, sets, step)]


def _bias(
    values: dict[int, list[float]], means: dict[int, float], spreads: dict[int, float | None], n: int
) -> tuple[float | None, str]:
    """Return by how many spreads the mean is off at a quarter of the images, 0 where that may be chance, and words."""
    usable = [size for size in means if size <= n]
    if len(usable) < 2:
        return None, "too few sets to tell a bias"
    large = usable[-1]
    small = min(usable[:-1], key=lambda size: abs(size - large / 4))
    spread = spreads[large] or spreads[small] or 0.0
    off = means[small] - means[large]
    error = math.hypot(*((spreads[size] or spread) / math.sqrt(len(values[size])) for size in (small, large)))
    bias = d_prime(off, spread)
    if abs(off) < SURE * error:
        bias = 0.0
    if abs(bias) < BIASED:
        return bias, f"hardly depends on n ({off:+.3g} from {large:,} to {small:,} images)"
    return bias, (
        f"{'rises' if off > 0 else 'falls'} by {abs(off):.3g} from {large:,} images to {small:,}: "
        "compare at equal n only"
    )


def _coverage(points: list[Point]) -> tuple[float | None, float | None]:
    """Return the share of intervals that hold the mean over the sets, and their width over that which is needed."""
    known = [p for p in points if p.value is not None and p.low is not None and p.high is not None]
    if len(known) < ENOUGH:
        return None, None
    values = [p.value for p in known if p.value is not None]
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    held = [p.low - 1e-12 <= mean <= p.high + 1e-12 for p in known if p.low is not None and p.high is not None]
    half = statistics.fmean((p.high - p.low) / 2 for p in known if p.low is not None and p.high is not None)
    return statistics.fmean(held), half / (Z95 * spread) if spread else None


def _plain(by_size: dict[int, float] | dict[int, float | None]) -> dict[str, float | None]:
    return {str(n): value for n, value in by_size.items()}
