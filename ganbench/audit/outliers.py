"""Check 5: outliers on either side.

Two questions. Outliers among the real images: an image in a hundred, five times as far from the mean as it was, must
not move the value of fresh real images by so much that it is told apart (``d'`` 4). And a fake set that is poor,
because every image is moved away from all real ones, must not look good once there is one real outlier beyond it: the
value may make up a tenth of the way to that of fresh images at most. Outliers among the fake images are bad images, and
it is right to see them: they are told and not judged.
"""

from __future__ import annotations

from statistics import fmean

import numpy as np

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import WITHOUT_FEATURES, Fake, Material
from ganbench.audit.points import Point, values_of
from ganbench.audit.rules import TOLD, d_prime, floor_of, spread_at, worse_by
from ganbench.audit.scale import Scale
from ganbench.audit.sizes import Sizes, clean_values
from ganbench.metrics.base import Metric
from ganbench.metrics.mmd_rbf import median_distance
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments

REAL, FAKE, POOR = "among real", "among fake", "beyond poor"
SHARE = 0.01
FAR = 5.0  # times its distance from the mean
AWAY, BEYOND = 2.0, 3.0  # median distances of real images: of a poor set from where it was, and of the outlier
FOOLED = 0.1
STEPS = {REAL: (0.0, 0.001, SHARE), FAKE: (0.001, SHARE, 0.05), POOR: (0, 1)}


class Outliers(Check):
    """The check."""

    name = "outliers"
    title = "outliers on either side"

    def missing(self, material: Material) -> str:
        """See ``Check``."""
        return "" if material.reads_features else WITHOUT_FEATURES

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: where, and how many (a share; of poor sets a number)."""
        return [(series, step) for series, steps in STEPS.items() for step in steps]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        series, step = setting
        n = min(scale.n, len(material.pool) // 2)
        rows, spare = material.rows(n, 0), material.rows(n, 1)
        fake, real = material.fresh(rows, pixels=False), material.real
        features = fake.features
        if series == REAL:
            real = with_more(real, _far(material, spare[: round(step * len(real.sample))]))
        elif series == FAKE:
            far = _far(material, spare[: round(step * n)])
            features = np.concatenate([features[len(far) :], far])
        else:
            direction = np.random.default_rng(material.seed).standard_normal(features.shape[1])
            step_out = (median_distance(real) * direction / np.linalg.norm(direction)).astype(np.float32)
            features = features + AWAY * step_out
            real = with_more(real, (real.moments.mean + BEYOND * step_out)[None].repeat(step, axis=0))
        found = material.measure(Fake(np.asarray(features, np.float32)), real)
        return [Point.of(one, series, step, n, value) for one, value in found.items()]

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        mine, clean = points[self.name], clean_values(points[Sizes.name])
        n = next((p.n for p in mine), 0)
        spread = spread_at(n, clean, floor_of(metric.unit, n)) if n else None
        at = {(s, x): values_of(mine, s, x=x) for s, steps in STEPS.items() for x in steps}
        if spread is None or not all(at.values()):
            return Finding(None, "no value on features that were moved")
        value = {key: fmean(found) for key, found in at.items()}
        base = value[REAL, 0.0]
        moved = d_prime(abs(value[REAL, SHARE] - base), spread)
        seen = d_prime(worse_by(metric.better, value[FAKE, SHARE], base), spread)
        gap = worse_by(metric.better, value[POOR, 0], base)
        closed = worse_by(metric.better, value[POOR, 0], value[POOR, 1]) / gap if gap > 0 else 0.0
        fooled = closed > FOOLED
        said = "1 % of outliers among the real images " + (
            "hardly moves it" if moved < TOLD else f"moves it (d' {moved:.0f})"
        )
        said += f"; one real outlier makes a poor set look better by {closed:.0%} of the way" if fooled else ""
        figures = {"real": round(moved, 2), "fake": round(seen, 2), "fooled": round(closed, 4)}
        return Finding(None if metric.better == "none" else moved < TOLD and not fooled, said, figures)


def with_more(real: FeatureSet, more: np.ndarray) -> FeatureSet:
    """Return a real side that holds more images besides, features (m, D)."""
    more = np.ascontiguousarray(more, np.float32)
    sample = np.concatenate([np.asarray(real.sample, np.float32), more])
    moments = real.moments.merge(Moments.of(more)) if len(more) else real.moments
    return FeatureSet(moments, sample, np.arange(len(sample)))


def _far(material: Material, rows: np.ndarray) -> np.ndarray:
    mean = material.real.moments.mean
    return np.asarray(mean + FAR * (material.pool[rows] - mean), np.float32)
