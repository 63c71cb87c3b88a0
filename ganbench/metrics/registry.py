"""The metrics by name, in the order of the tables. A new one is a file, a line here, and a test."""

from __future__ import annotations

from ganbench.metrics.base import Metric
from ganbench.registry import Registry

METRICS: Registry[Metric] = Registry("metric", Metric, group="ganbench.metrics")
METRICS.add("fd", "ganbench.metrics.frechet:fd")
METRICS.add("fd_inf", "ganbench.metrics.fd_infinity:fd_inf")
METRICS.add("kd", "ganbench.metrics.kernel:kd")
METRICS.add("kd_subsets", "ganbench.metrics.kernel:kd_subsets")
METRICS.add("inception_score", "ganbench.metrics.inception_score:inception_score")
METRICS.add("precision", "ganbench.metrics.manifold:precision")
METRICS.add("recall", "ganbench.metrics.manifold:recall")
METRICS.add("density", "ganbench.metrics.manifold:density")
METRICS.add("coverage", "ganbench.metrics.manifold:coverage")
METRICS.add("near_duplicates", "ganbench.metrics.copies:near_duplicates")
METRICS.add("copies", "ganbench.metrics.copies:copies")
METRICS.add("duplicates", "ganbench.metrics.duplicates:duplicates")
METRICS.add("afd", "ganbench.metrics.detection_rate:afd")
