"""Calibration: which threshold separates real faces from what is none, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError


@dataclass(frozen=True)
class Operating:
    """One point of the ROC curve: images pass when their best score is at least ``threshold``."""

    threshold: float
    real: float
    fake: float


def roc(real: np.ndarray, fake: np.ndarray) -> list[Operating]:
    """Return the ROC curve, from the strictest threshold to the one that lets everything with a box pass.

    Args:
        real: best score of each real image, float (N,); 0 where no box was found.
        fake: the same of images without a face, float (M,).

    Raises:
        MetricError: no images on one side.
    """
    if not len(real) or not len(fake):
        raise MetricError("calibration needs at least one real image and one without a face")
    thresholds = np.unique(np.concatenate([real, fake]))[::-1]
    thresholds = thresholds[thresholds > 0]
    points = [Operating(float("inf"), 0.0, 0.0)]
    points += [Operating(float(t), float((real >= t).mean()), float((fake >= t).mean())) for t in thresholds]
    return points


def area(real: np.ndarray, fake: np.ndarray) -> float:
    """Return the area under the ROC curve: the chance that a real image scores higher, ties counting half."""
    order = np.sort(fake)
    below = np.searchsorted(order, real, "left")
    ties = np.searchsorted(order, real, "right") - below
    return float((below + ties / 2).mean() / len(fake))


def operating_point(points: list[Operating], false_positives: float) -> Operating:
    """Return the most lenient point that lets at most this share of images without a face pass."""
    return [point for point in points if point.fake <= false_positives][-1]
