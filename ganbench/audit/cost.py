"""Check 9: what a metric costs, in milliseconds per 1,000 images, on this machine.

The best of two runs of each metric by itself on 1,000 fresh images, once the real side is known: what a metric shares
with others is counted for each of them. Features and signatures come on top, and are told beside; those of metrics that
read pixels or faces are in their own figure. Nothing is asked of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import Fake, Material, pixels_of
from ganbench.audit.points import Point, values_of
from ganbench.audit.scale import Scale
from ganbench.metrics.base import Metric

SERIES, LOOK = "cost", "features"
_IMAGES = 1000
_RUNS = 2


class Cost(Check):
    """The check."""

    name = "cost"
    title = "cost in ms per 1,000 images"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: everything in one, so that the machine is the same."""
        return [()]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        rows = material.rows(min(_IMAGES, len(material.pool)))
        fake = material.fresh(rows)
        points = []
        for name in material.metrics:
            alone = replace(material, metrics=(name,), others=None)
            found = alone.measure(fake)  # and the real side is known from here on
            points += self._timed(alone, fake, list(found))
        if material.reads_features and material.extractor is not None and material.images is not None:
            pixels = pixels_of(material.images, rows)
            taken = _best(lambda: material.seen(pixels), len(rows))
            points += [replace(point, series=LOOK, value=taken) for point in points]
        if material.others is not None and fake.pixels is not None:
            alone = replace(material, metrics=())
            points += self._timed(alone, fake, list(alone.measure(fake)))
        return points

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        own, look = (values_of(points[self.name], series) for series in (SERIES, LOOK))
        if not own:
            return Finding(None, "not timed")
        said = f"{own[0]:,.0f} ms per 1,000 images" + (f", and {look[0]:,.0f} for their features" if look else "")
        return Finding(None, said, {"ms": round(own[0], 1), "features_ms": round(look[0], 1) if look else None})

    def _timed(self, material: Material, fake: Fake, ids: list[str]) -> list[Point]:
        if not ids:
            return []
        taken = _best(lambda: material.measure(fake), len(fake))
        return [Point(one, SERIES, 0, len(fake), taken) for one in ids]


def _best(work: Callable[[], object], images: int) -> float:
    """Return the time that work takes in milliseconds per 1,000 images, the best of two runs."""
    taken = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1000 * min(taken) * 1000 / images
