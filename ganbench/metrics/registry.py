"""The metrics by name, in the order of the tables. A new one is a file, a line here, and a test."""

from __future__ import annotations

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
METRICS.add("duplicates", "ganbench.metrics.duplicates:duplicates")
METRICS.add("afd", "ganbench.metrics.detection_rate:afd")
METRICS.add("ppl", "ganbench.metrics.path_length:ppl")


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
