"""Check 8: does a metric put the checkpoints of healthy runs in their order?

Runs are those that the user names, and calls healthy: trained with ``--score-every``, so that their logs hold scores at
several steps, of the metrics that are on by default or of those that ``--metric`` named. In a healthy run images get
better: the rank correlation of a score with the step (Spearman), taken so that 1 is the right order, is to be 0.8 or
more, the mean over all runs. What asks for copies or repeats is told and not judged: a network that learns may well
copy more.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from statistics import fmean

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import Material
from ganbench.audit.points import Point
from ganbench.audit.scale import Scale
from ganbench.metrics.base import Metric
from ganbench.training.run_folder import RunFolder

ORDERED = 0.8
UNASKED = ("copies", "repeats")
_FEWEST = 4  # scored steps of a run


class Order(Check):
    """The check."""

    name = "order"
    title = "order of the checkpoints of healthy runs"
    version = 2  # 1 said nothing of metrics that a run was not scored with

    def missing(self, material: Material) -> str:
        """See ``Check``."""
        return "" if material.runs else "it needs runs that were scored while they trained (--run)"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """See ``Check``: the folder of a run, and a hash of what its log says."""
        return [(run, hashlib.sha256(str(RunFolder.open(Path(run)).read_metrics()).encode()).hexdigest())
                for run in material.runs]  # fmt: skip

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """See ``Check``."""
        run, _ = setting
        log = [line for line in RunFolder.open(Path(run)).read_metrics() if "step" in line]
        points = []
        for one, (_, metric) in material.ids().items():
            scored = [Point(one, run, line["step"], 0, float(line[one])) for line in log if line.get(one) is not None]
            reason = f"{run} was not scored with it (ganbench train --score-every N --metric {metric.name})"
            points += scored or [Point(one, run, 0, 0, None, reason=reason)]
        return points

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """See ``Check``."""
        by_run: dict[str, list[Point]] = {}
        for point in (point for point in points[self.name] if point.value is not None):
            by_run.setdefault(point.series, []).append(point)
        usable = [found for found in by_run.values() if len(found) >= _FEWEST]
        if not usable:
            return Finding(None, f"no run was scored with it at {_FEWEST} steps or more")
        orders = [_order(metric, found) for found in usable]
        mean = round(fmean(orders), 3)  # what is shown is judged
        figures = {"runs": len(orders), "spearman": mean, "least": round(min(orders), 3)}
        said = f"follows training with {mean:.3f} (Spearman, {len(orders)} run{'s' if len(orders) > 1 else ''})"
        asked = metric.better != "none" and metric.asks not in UNASKED
        return Finding(mean >= ORDERED if asked else None, said, figures)


def _order(metric: Metric, points: list[Point]) -> float:
    """Return the rank correlation of a score with the step; 1 where it improves all along, 0 where it never moves."""
    from scipy.stats import spearmanr

    values = [point.value for point in points]
    if len(set(values)) < 2:
        return 0.0
    found = float(spearmanr([point.x for point in points], values).statistic)
    return -found if metric.better == "lower" else found
