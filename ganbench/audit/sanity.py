"""Check 1: the fifteen synthetic sanity checks of Raisa et al. 2025, on metrics that read features alone.

Each asks for one to two things of several variants; together they make 30 cells (a check and what it is about). A cell
passes where the mean of all repetitions keeps every rule in every variant. Metrics whose question is not known are
asked nothing; distances are asked what can be asked of a distance.
"""

from __future__ import annotations

import zlib
from statistics import fmean

import numpy as np

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import WITHOUT_FEATURES, Material
from ganbench.audit.points import Point
from ganbench.audit.sanity_rules import Outcome, agreed
from ganbench.audit.sanity_table import SYNTHETIC
from ganbench.audit.scale import Scale
from ganbench.metrics.base import Metric
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.registry import METRICS
from ganbench.statistics.features import FeatureSet

PASS = 0.5  # share of its cells that a metric must keep


class Sanity(Check):
    """The check."""

    name = "sanity"
    title = "15 synthetic checks (Raisa et al. 2025)"
    needs_material = False

    def missing(self, material: Material) -> str:
        """See ``Check``."""
        return "" if material.reads_features else WITHOUT_FEATURES

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``."""
        return [(name, repeat) for repeat in range(scale.repeats) for name in SYNTHETIC]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        name, repeat = setting
        check = SYNTHETIC[name]
        chosen = [
            m for m in map(METRICS.__getitem__, material.metrics) if m.needs in ("moments", "features") and m.asks
        ]
        points = []
        for number, variant in enumerate(check.variants):
            seed = (zlib.crc32(name.encode()), repeat, number, material.seed)
            real = None
            for place, x in enumerate(check.along(variant, scale.points)):
                if real is None or check.moving:
                    real = FeatureSet.of(check.real(np.random.default_rng([*seed, place, 0]), variant, x))
                fake = FeatureSet.of(check.fake(np.random.default_rng([*seed, place, 1]), variant, x))
                found = evaluate(chosen, real=real, fake=fake, seed=repeat)
                points += [Point.of(one, f"{name} {variant}", float(x), fake.n, found[one]) for one in found]
        return points

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        kept: dict[str, bool] = {}
        for name, check in SYNTHETIC.items():
            outcomes: dict[str, list[Outcome]] = {}
            for variant in check.variants:
                xs, ys = _means([p for p in points[self.name] if p.series == f"{name} {variant}"])
                for about, rule in check.rules_of(metric.asks, variant):
                    whole = len(ys) == len(check.along(variant, scale.points))
                    outcomes.setdefault(about, []).append(whole and rule(xs, ys))
            kept |= {f"{name}: {about}": agreed(ones) for about, ones in outcomes.items()}
        if not kept:
            return Finding(None, "not asked: what the metric asks is not stated")
        passed = sum(kept.values())
        failed = [cell for cell, good in kept.items() if not good]
        return Finding(
            passed >= PASS * len(kept),
            f"passes {passed} of {len(kept)} synthetic cells",
            {"passed": passed, "asked": len(kept), "failed": failed},
        )


def _means(points: list[Point]) -> tuple[list[float], list[float]]:
    """Return the settings at which there are values, ascending, and the mean over all repetitions at each."""
    by_x: dict[float, list[float]] = {}
    for point in points:
        if point.value is not None:
            by_x.setdefault(point.x, []).append(point.value)
    xs = sorted(by_x)
    return xs, [fmean(by_x[x]) for x in xs]
