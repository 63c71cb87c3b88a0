"""Check 4, on real images: kinds that are dropped, and kinds that come too often.

Kinds are ten clusters of the features (k-means on the real side). Sets of fresh real images lack more and more of them,
or hold them in weights from 1 to r in equal ratios. A distance, or a metric of diversity, must worsen without a step
back, and tell four of ten dropped from none.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import Material
from ganbench.audit.points import Point, values_of
from ganbench.audit.rules import SLACK, TOLD, d_prime, floor_of, rises, spread_at, told_from, worse_by
from ganbench.audit.scale import Scale
from ganbench.audit.sizes import Sizes, clean_values
from ganbench.metrics.base import Metric

KINDS = 10
DROPPED, WEIGHTED = "dropped", "weighted"
STEPS = {DROPPED: (0, 1, 2, 4, 6, 8), WEIGHTED: (1, 2, 4, 8, 16, 32)}
MUST_TELL = 4  # kinds of ten
ASKED = ("distance", "diversity")
_ROUNDS = 25  # of k-means


class Modes(Check):
    """The check."""

    name = "modes"
    title = "clusters of real images dropped and re-weighted"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: what is done, and how much of it."""
        return [(series, step) for series, steps in STEPS.items() for step in steps]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        series, step = setting
        kinds = kinds_of(material)
        rng = np.random.default_rng([material.seed, step])
        n = min(scale.n, len(material.pool) // 4)
        weights = kept_weights(kinds, step) if series == DROPPED else tilted_weights(kinds, step)
        rows = rng.choice(len(kinds), n, replace=False, p=weights / weights.sum())
        found = material.measure(material.fresh(np.sort(rows)))
        return [Point.of(one, series, step, n, value) for one, value in found.items()]

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        return judged(metric, points[self.name], clean_values(points[Sizes.name]), STEPS, MUST_TELL, "kinds")


def kinds_of(material: Material) -> np.ndarray:
    """Return the cluster of every image of the pool, (N,) int64."""
    from scipy.cluster.vq import kmeans2

    def centres() -> np.ndarray:
        sample = material.real.sample.astype(np.float64)
        found, _ = kmeans2(sample, min(KINDS, len(sample)), iter=_ROUNDS, minit="++", seed=material.seed)
        return np.asarray(found)

    middle = material.real.once(f"kinds {material.seed}", centres)
    squared = (middle**2).sum(axis=1) - 2 * material.pool.astype(np.float64) @ middle.T
    return np.asarray(squared.argmin(axis=1))


def kept_weights(kinds: np.ndarray, dropped: int) -> np.ndarray:
    """Return the weight of every image, (N,), where so many kinds are dropped, the rarest first."""
    counts = np.bincount(kinds, minlength=KINDS)
    return np.isin(kinds, np.argsort(counts, kind="stable")[dropped:]).astype(np.float64)


def tilted_weights(kinds: np.ndarray, ratio: float) -> np.ndarray:
    """Return the weight of every image, (N,), where kinds weigh from 1 to ``ratio`` in equal ratios."""
    return np.asarray(ratio ** (kinds / (KINDS - 1)), np.float64)


def judged(
    metric: Metric,
    points: list[Point],
    clean: dict[int, list[float]],
    steps: Mapping[str, tuple[int, ...]],
    must_tell: float,
    what: str,
) -> Finding:
    """Judge the values of sets that lack kinds, or hold them in other weights; the first step of each is clean."""
    figures: dict[str, object] = {}
    said, good = [], True
    for series, along in steps.items():
        values = [values_of(points, series, x=float(step)) for step in along]
        sizes = {p.n for p in points if p.series == series}
        n = min(sizes, default=0)
        spread = spread_at(n, clean, floor_of(metric.unit, n)) if n else None
        if spread is None or not all(values):
            continue
        ds = [d_prime(worse_by(metric.better, fmean(one), fmean(values[0])), spread) for one in values]
        first = told_from(along, ds)
        monotone = rises(ds, SLACK)
        figures[series] = {"along": list(along), "d": [round(d, 2) for d in ds], "first": first, "monotone": monotone}
        better = min(ds) <= -TOLD
        said.append(_words(series, first, along[-1], better, monotone, what))
        if series == DROPPED:
            good = good and monotone and first is not None and first <= must_tell
        good = good and monotone
    if not figures:
        return Finding(None, "no value on sets of some kinds alone")
    asked = metric.asks in ASKED and metric.better != "none"
    return Finding(good if asked else None, "; ".join(said), figures)


def _words(series: str, first: float | None, last: float, better: bool, monotone: bool, what: str) -> str:
    if better and first is None:
        return f"improves where {what} are {series}"
    told = f"blind to {what} {series} (up to {last:g})" if first is None else f"sees {what} {series} from {first:g}"
    return told if monotone else f"{told}, not monotone"
