"""The metrics by name, in the order of the tables. A new one is a file, a line here, and a test."""

from __future__ import annotations

from collections.abc import Iterable

from ganbench.metrics.base import Metric
from ganbench.registry import Registry

METRICS: Registry[Metric] = Registry("metric", Metric, group="ganbench.metrics")
METRICS.add("fd", "ganbench.metrics.frechet:fd")
METRICS.add("fd_inf", "ganbench.metrics.fd_infinity:fd_inf")
METRICS.add("kd", "ganbench.metrics.kernel:kd")
METRICS.add("kd_subsets", "ganbench.metrics.kernel:kd_subsets")
METRICS.add("mmd_rbf", "ganbench.metrics.mmd_rbf:mmd_rbf")
METRICS.add("mind", "ganbench.metrics.mind:mind")
METRICS.add("fwd", "ganbench.metrics.wavelet:fwd")
METRICS.add("inception_score", "ganbench.metrics.inception_score:inception_score")
METRICS.add("precision", "ganbench.metrics.manifold:precision")
METRICS.add("recall", "ganbench.metrics.manifold:recall")
METRICS.add("density", "ganbench.metrics.manifold:density")
METRICS.add("coverage", "ganbench.metrics.manifold:coverage")
METRICS.add("clipped_density", "ganbench.metrics.clipped_density:clipped_density")
METRICS.add("clipped_coverage", "ganbench.metrics.clipped_coverage:clipped_coverage")
METRICS.add("vendi", "ganbench.metrics.vendi:vendi")
METRICS.add("near_duplicates", "ganbench.metrics.near_duplicates:near_duplicates")
METRICS.add("copies", "ganbench.metrics.copies:copies")
METRICS.add("authenticity", "ganbench.metrics.copies:authenticity")
METRICS.add("blends", "ganbench.metrics.blends:blends")
METRICS.add("duplicates", "ganbench.metrics.duplicates:duplicates")
METRICS.add("afd", "ganbench.metrics.detection_rate:afd")
METRICS.add("ppl", "ganbench.metrics.path_length:ppl")

# What boards show, and rank by the first of, where nobody chose. By the audit of docs/credibility.md, which has the
# reasons. What each column's reader must beware of is its metric's ``caution``.
HEADS = (
    "mmd_rbf",  # does not depend on n, sees missing kinds, and is not fooled by matched moments
    "kd",  # does not depend on n, sees missing kinds
    "fd",  # sees missing kinds; the one that most reports have
    "coverage",  # are all kinds there? Not fooled by matched moments, unlike recall
    "precision",  # are the images good?
    "afd",  # the assignment's own
)


def name_of(result_id: str) -> str:
    """Return what stands before the brackets of a result id: ``fid`` of ``fid[inception]``."""
    return result_id.partition("[")[0]


def metric_of(result_id: str) -> Metric | None:
    """Return the metric of a result id, by its name or its name on Inception features: ``fid[inception]`` is ``fd``.

    None for a metric that this installation does not know, such as one of a plug-in that is not installed.
    """
    name = name_of(result_id)
    if name in METRICS:
        return METRICS[name]
    return next((metric for metric in METRICS.values() if metric.inception_name == name), None)


def heads(results: Iterable[str]) -> list[str]:
    """Return those results that boards show where nobody chose, in the order of their columns.

    Results of one instrument stand together, instruments as they come, within them as :data:`HEADS` has it. On
    Inception features those with a name of their own come first (FID, then KID): they are measured there for the sake
    of published ones, and the audit has no figures of Inception.

    Args:
        results: ids, ``fd[lite0]``.
    """
    found: list[tuple[int, bool, int, str]] = []
    instruments: dict[str, int] = {}
    for result in results:
        metric = metric_of(result)
        at = instruments.setdefault(result.partition("[")[2], len(instruments))
        if metric is None or not (metric.name in HEADS or metric.column):
            continue
        ours = name_of(result) != metric.inception_name
        order = HEADS if ours else tuple(METRICS)
        place = order.index(metric.name) if metric.name in order else len(order)
        found.append((at, ours, place, result))
    return [result for *_, result in sorted(found, key=lambda one: one[:-1])]


def heading(results: Iterable[str]) -> str | None:
    """Return the result that heads a board of such results where nobody chose; None where none does.

    That is the first of :func:`heads` that has a direction: a board is ranked by it, and training that is to stop when
    it no longer improves looks at it.

    Args:
        results: ids, ``fd[lite0]``.
    """
    ranked = (result for result in heads(results) if (metric := metric_of(result)) and metric.better != "none")
    return next(ranked, None)
