"""Check 7: an attack that matches moments, without any image.

Features are drawn from the normal distribution with the mean and the covariance of the real ones; for metrics that
compare pixels, images are, of their pixels (``noise``). A metric is fooled where such a set is not told from fresh real
images.
"""

from __future__ import annotations

from statistics import fmean
from typing import cast

import numpy as np

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import WITHOUT_FEATURES, Fake, Material
from ganbench.audit.noise import normal_images
from ganbench.audit.points import Point, values_of
from ganbench.audit.rules import TOLD, d_prime, floor_of, spread_at, worse_by
from ganbench.audit.scale import Scale
from ganbench.audit.sizes import Sizes, clean_values
from ganbench.images.source import Source
from ganbench.metrics.base import Metric
from ganbench.metrics.factors import cholesky_factor

SERIES = "matched"
_SETS = 2


class Matched(Check):
    """The check."""

    name = "matched"
    title = "moment-matching attack"

    def missing(self, material: Material) -> str:
        """See ``Check``."""
        if material.reads_features:
            return ""
        if material.packets is None:
            return WITHOUT_FEATURES
        return "" if material.real_images is not None else "a reference keeps no images whose pixels could be matched"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: which set."""
        return [(number,) for number in range(_SETS)]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        (number,) = setting
        rng = np.random.default_rng([material.seed, number])
        if material.reads_features:
            moments = material.real.moments
            factor = cholesky_factor(moments.cov, moments.mean)
            drawn = moments.mean + rng.standard_normal((scale.n, factor.shape[1])) @ factor.T
            fake = Fake(drawn.astype(np.float32))
        else:
            fake = material.seen(normal_images(cast(Source, material.real_images), scale.n, rng))
        found = material.measure(fake)
        return [Point.of(one, SERIES, number, scale.n, value) for one, value in found.items()]

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        clean = clean_values(points[Sizes.name])
        values, base = values_of(points[self.name], SERIES), clean.get(scale.n)
        spread = spread_at(scale.n, clean, floor_of(metric.unit, scale.n))
        if not values or base is None or spread is None:
            return Finding(None, "no value on drawn features")
        d = d_prime(worse_by(metric.better, fmean(values), fmean(base)), spread)
        said = "sees through matched moments" if d >= TOLD else "is fooled by matched moments"
        figures = {"d": round(d, 2), "value": fmean(values), "clean": fmean(base)}
        return Finding(None if metric.better == "none" else d >= TOLD, f"{said} (d' {d:.1f})", figures)
