"""Check 6: copies of the real side's images, as they are, mirrored, and recompressed.

Half of a set are copies, half are fresh. A metric that asks for copies must tell such a set from a fresh one; any other
must not reward it: a set of copies that is told apart as the better one is a way to cheat.
"""

from __future__ import annotations

from statistics import fmean
from typing import cast

import numpy as np
from PIL import Image

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.corruptions import recompressed
from ganbench.audit.material import Fake, Material, pixels_of
from ganbench.audit.points import Point, values_of
from ganbench.audit.rules import TOLD, d_prime, floor_of, spread_at, worse_by
from ganbench.audit.scale import Scale
from ganbench.audit.sizes import Sizes, clean_values
from ganbench.images.source import Source
from ganbench.metrics.base import Metric

EXACT, MIRRORED, RECOMPRESSED = "as they are", "mirrored", "recompressed"
KINDS = (EXACT, MIRRORED, RECOMPRESSED)
SHARE = 0.5
_QUALITY = 75


class Copying(Check):
    """The check."""

    name = "copies"
    title = "copies of the real images, mirrored and recompressed"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: how they are changed; without images only as they are."""
        return [(kind,) for kind in (KINDS if self._has_images(material) else KINDS[:1])]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        (kind,) = setting
        rng = np.random.default_rng(material.seed)
        n = min(scale.n, len(material.pool))
        count = min(round(SHARE * n), len(material.real.sample))
        if self._has_images(material):
            source = cast(Source, material.real_images)
            copied = pixels_of(source, np.sort(rng.choice(len(source), min(count, len(source)), replace=False)))
            seen = material.seen(changed(copied, kind))
        else:
            seen = Fake(np.asarray(material.real.sample[rng.choice(len(material.real.sample), count, replace=False)]))
        found = material.measure(joined(material.fresh(material.rows(n)[: n - len(seen)]), seen))
        return [Point.of(one, kind, SHARE, n, value) for one, value in found.items()]

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        clean, figures = clean_values(points[Sizes.name]), {}
        for kind in KINDS:
            values = values_of(points[self.name], kind)
            n = next((p.n for p in points[self.name]), 0)
            spread, base = spread_at(n, clean, floor_of(metric.unit, n)) if n else None, clean.get(n)
            if values and base and spread is not None:
                figures[kind] = round(d_prime(worse_by(metric.better, fmean(values), fmean(base)), spread), 2)
        if not figures:
            return Finding(None, "no value on copies")
        seen = [kind for kind, d in figures.items() if d >= TOLD]
        rewarded = [kind for kind, d in figures.items() if d <= -TOLD]
        said = f"sees copies ({', '.join(seen)})" if seen else "does not see copies"
        said = f"rewards copies ({', '.join(rewarded)})" if rewarded else said
        good = len(seen) == len(figures) if metric.asks == "copies" else not rewarded
        return Finding(None if metric.better == "none" else good, said, {"d": figures})

    def _has_images(self, material: Material) -> bool:
        return material.real_images is not None and material.extractor is not None


def changed(pixels: np.ndarray, kind: str) -> np.ndarray:
    """Return images, uint8 (n, H, W, 3), as a copier would change them."""
    if kind == MIRRORED:
        return np.ascontiguousarray(pixels[:, :, ::-1])
    if kind == RECOMPRESSED:
        rng = np.random.default_rng(0)
        return np.stack([np.asarray(recompressed(Image.fromarray(image), _QUALITY, rng)) for image in pixels])
    return pixels


def joined(one: Fake, other: Fake) -> Fake:
    """Return both sets as one; what only one of them knows of its images is left out."""

    def both(name: str) -> np.ndarray | None:
        a, b = getattr(one, name), getattr(other, name)
        return None if a is None or b is None else np.concatenate([a, b])

    return Fake(np.concatenate([one.features, other.features]), both("logits"), both("marks"), both("pixels"))
