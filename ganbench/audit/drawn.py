"""Check 4, on toy faces: hair colours that are dropped, and that come too often, known to the pixel.

Toy faces are drawn with known attributes; half of them are the real side. Sets of the other half lack more and more of
the ten hair colours, or hold them in weights from 1 to r in equal ratios. The rule is that of clusters of real faces.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import Fake, Material
from ganbench.audit.modes import DROPPED, KINDS, MUST_TELL, STEPS, judged, kept_weights, tilted_weights
from ganbench.audit.points import Point, values_of
from ganbench.audit.scale import Scale
from ganbench.metrics.base import Metric
from ganbench.toyfaces import toyfaces
from ganbench.toyfaces.attributes import HAIR_COLORS

CLEAN = "drawn"
_SIDE = 64  # pixels
_PART = 5  # a set is so small a part of the toy faces that eight of ten colours can be dropped
_BATCH = 256


class Drawn(Check):
    """The check."""

    name = "drawn"
    title = "hair colours of toy faces dropped and re-weighted"

    def missing(self, material: Material) -> str:
        """See ``Check``."""
        return "" if material.extractor is not None else "it needs an extractor that can run here"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: all at once, since the features of toy faces are computed once."""
        return [(scale.drawn,)]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        (count,) = setting
        toy = replace(material, known=None, key="")
        colours = {name: number for number, name in enumerate(HAIR_COLORS)}
        kinds, parts, pixels = [], [], []
        for number, (face, image) in enumerate(toyfaces(count, _SIDE, material.seed), 1):
            kinds.append(colours[face.hair_color])
            pixels.append(image)
            if len(pixels) == _BATCH or number == count:
                parts.append(toy.seen(np.stack(pixels)))
                pixels = []
        whole = _together(parts)
        half = count // 2
        toy = toy.against(whole.part(slice(half)))
        pool, kind, n = whole.part(slice(half, count)), np.array(kinds[half:]), half // _PART
        points = []
        order = np.random.default_rng(material.seed).permutation(half)
        for number in range(_PART):
            found = toy.measure(pool.part(np.sort(order[number * n : (number + 1) * n])))
            points += [Point.of(one, CLEAN, number, n, value) for one, value in found.items()]
        for series, steps in STEPS.items():
            for step in steps:
                weights = kept_weights(kind, step) if series == DROPPED else tilted_weights(kind, step)
                rng = np.random.default_rng([material.seed, step])
                rows = rng.choice(half, min(n, np.count_nonzero(weights)), replace=False, p=weights / weights.sum())
                found = toy.measure(pool.part(np.sort(rows)))
                points += [Point.of(one, series, step, n, value) for one, value in found.items()]
        return points

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        mine = points[self.name]
        n = next((p.n for p in mine), 0)
        return judged(metric, mine, {n: values_of(mine, CLEAN)}, STEPS, MUST_TELL * len(HAIR_COLORS) / KINDS,
                      "hair colours")  # fmt: skip


def _together(parts: list[Fake]) -> Fake:
    def all_of(name: str) -> np.ndarray | None:
        found = [getattr(part, name) for part in parts]
        return None if any(one is None for one in found) else np.concatenate(found)

    return Fake(np.concatenate([part.features for part in parts]), all_of("logits"), None, all_of("pixels"))
