"""Metrics: arrays in, numbers out. Pure NumPy and SciPy; no files, no network, no torch.

Importing this package registers every metric.
"""

from __future__ import annotations

# Metrics register as they are imported, and tables list them in this order.
# isort: off
from ganbench.metrics import frechet, fd_infinity, kernel, inception_score, manifold, copies

# isort: on
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.features import FeatureCollector, FeatureSet, Moments
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.registry import METRICS, Estimate, Metric, register

__all__ = [
    "METRICS",
    "Estimate",
    "FeatureCollector",
    "FeatureSet",
    "Metric",
    "Moments",
    "Pairs",
    "copies",
    "evaluate",
    "fd_infinity",
    "frechet",
    "inception_score",
    "kernel",
    "manifold",
    "register",
]
