"""Whether the detection rate follows the distance while a run trains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.leaderboard.entries import Entry
from ganbench.metrics.registry import metric_of
from ganbench.training.run_folder import RunFolder

LEAST = 5  # checkpoints: a rank correlation of fewer says nothing


@dataclass(frozen=True)
class Tracking:
    """Rank correlation (Spearman) of two results over the scored checkpoints of a run.

    Attributes:
        run: the run's name.
        rate: id of the detection rate.
        distance: id of the distance.
        checkpoints: how many were scored.
        correlation: -1 where the rate rises whenever the distance falls, up to 1; None where one of them never changes.
    """

    run: str
    rate: str
    distance: str
    checkpoints: int
    correlation: float | None


def trackings(entries: list[Entry]) -> list[Tracking]:
    """Return how every detection rate follows every distance in each run that was scored often enough in training.

    A detection rate is a result on detections that should rise; a distance is one on moments that should fall.
    """
    found = []
    for entry in entries:
        log = [line for line in RunFolder(entry.path).read_metrics() if "step" in line] if entry.is_run else []
        keys = sorted({key for line in log for key in line if "[" in key})  # results alone
        for rate in filter(_is_rate, keys):
            for distance in filter(_is_distance, keys):
                pairs = np.array([(line[rate], line[distance]) for line in log if rate in line and distance in line])
                if len(pairs) >= LEAST:
                    found.append(Tracking(entry.name, rate, distance, len(pairs), _rank_correlation(pairs)))
    return found


def _is_rate(key: str) -> bool:
    metric = metric_of(key)
    return metric is not None and (metric.needs, metric.better) == ("detections", "higher")


def _is_distance(key: str) -> bool:
    metric = metric_of(key)
    return metric is not None and (metric.needs, metric.better) == ("moments", "lower")


def _rank_correlation(pairs: np.ndarray) -> float | None:
    from scipy.stats import spearmanr

    if (pairs == pairs[0]).all(axis=0).any():
        return None
    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)
