"""Check 2: does a metric worsen as images do, and what is the least that it tells apart at so many images?

The same fresh real images, clean and spoilt in ten ways at five strengths. A step may go the wrong way by 2.83 spreads,
two standard deviations of a difference, before the metric counts as not monotone. The smallest strength told apart is
the first from which on ``d'`` stays at 4 or more (see ``rules``). At sizes that are larger than the spoilt sets,
``d'`` is that of the largest of them times the root of the ratio of sizes, and the figures say so.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import Any, cast

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.corruptions import CORRUPTIONS, corrupted
from ganbench.audit.material import Material, pixels_of
from ganbench.audit.points import Point, values_of
from ganbench.audit.rules import SLACK, d_prime, floor_of, rises, spread_at, told_from, worse_by
from ganbench.audit.scale import Scale
from ganbench.audit.sizes import Sizes, clean_values
from ganbench.images.source import Source
from ganbench.metrics.base import Metric

NONE = "none"
REACTS = ("distance", "fidelity", "diversity")  # what is asked of metrics that every ruin must move
STATED_SEED = 0  # of noise and grey squares, whatever that of the audit


class Corruptions(Check):
    """The check."""

    name = "corruptions"
    title = "monotone under 10 corruptions, and the smallest strength told apart"

    def missing(self, material: Material) -> str:
        """See ``Check``."""
        return "" if material.images is not None and material.extractor is not None else "it needs real images to spoil"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: corruption and strength."""
        spoilt = [(name, strength) for name, one in CORRUPTIONS.items() for strength in one.strengths]
        return [(NONE, 0), *spoilt]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        name, strength = setting
        rows = material.rows(min(scale.images, len(material.pool)))
        pixels = pixels_of(cast(Source, material.images), rows)
        fake = material.seen(pixels if name == NONE else corrupted(pixels, name, strength, STATED_SEED))
        points = []
        for n in scale.sizes:
            for number in range(min(scale.corrupted, len(fake) // n)):
                found = material.measure(fake.part(slice(number * n, (number + 1) * n)))
                points += [Point.of(one, name, strength, n, value) for one, value in found.items()]
        return points

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        clean, mine = clean_values(points[Sizes.name]), points[self.name]
        told: dict[str, Any] = {}
        wrong, blind = [], []
        for name, one in CORRUPTIONS.items():
            steps = {n: _steps(metric, mine, clean, name, one.strengths, n) for n in scale.sizes}
            measured = {n: step for n, step in steps.items() if step is not None}
            if not measured:
                continue
            largest = max(measured)
            scaled = {n: [d * math.sqrt(n / largest) for d in measured[largest]] for n in scale.sizes if n > largest}
            everywhere = measured | scaled
            monotone = rises([0.0, *measured[largest]], SLACK)
            smallest = {n: told_from(one.strengths, everywhere[n]) for n in everywhere}
            if not monotone:
                wrong.append(name)
            if smallest.get(scale.n) is None:
                blind.append(name)
            told[name] = {
                "monotone": monotone,
                "smallest": {str(n): found for n, found in smallest.items()},
                "d": {str(n): [round(d, 2) for d in found] for n, found in everywhere.items()},
                "scaled": sorted(scaled),
            }
        if not told:
            return Finding(None, "no value on spoilt images")
        seen = [f"{name} from {_least(told, name, scale.n)}" for name in told if name not in blind]
        said = f"tells apart {', '.join(seen)}" if seen else "tells no corruption apart"
        said += f"; not {', '.join(blind)}" if blind and seen else ""
        said += f"; not monotone under {', '.join(wrong)}" if wrong else ""
        passed = not wrong and not (blind and metric.asks in REACTS)
        return Finding(None if metric.better == "none" else passed, said, {"n": scale.n, "corruptions": told})


def _steps(
    metric: Metric, points: list[Point], clean: dict[int, list[float]], name: str, strengths: tuple[float, ...], n: int
) -> list[float] | None:
    """Return d' at each strength at one size, the same images clean and spoilt; None where they were not measured."""
    base = values_of(points, NONE, n)
    spread = spread_at(n, clean, floor_of(metric.unit, n))
    changed = [values_of(points, name, n, strength) for strength in strengths]
    if not base or spread is None or not all(changed):
        return None
    return [d_prime(worse_by(metric.better, fmean(values), fmean(base)), spread) for values in changed]


def _least(told: dict[str, Any], name: str, n: int) -> str:
    return f"{told[name]['smallest'][str(n)]:g}"
