"""Several metrics at once, with what they share computed once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.registry import METRICS
from ganbench.system.code import foreign_place


def evaluate(
    metrics: Iterable[str | Metric], *, real: Any, fake: Any, seed: int = 0, pairs: Pairs | None = None
) -> dict[str, Estimate | MetricError]:
    """Compute metrics that read the same statistics.

    Args:
        metrics: Metrics, or their names in the registry.
        real: The real side, of the type that they need; None for metrics that have none.
        fake: The fake side.
        seed: Seed of everything random.
        pairs: Neighbours of these two sets, to share them with calls outside (per-image scores); made when needed.

    Returns:
        Per name, in the order given: the estimate, or the error that says why there is none. One metric that cannot be
        computed does not lose the others, nor does one of somebody else's that fails.

    Raises:
        UnknownName: no metric has that name.
    """
    chosen = [METRICS[metric] if isinstance(metric, str) else metric for metric in metrics]
    results: dict[str, Estimate | MetricError] = {}
    for metric in chosen:
        try:
            if metric.uses_pairs:
                pairs = pairs or Pairs(real, fake, seed)
                results[metric.name] = metric(real=real, fake=fake, seed=seed, pairs=pairs)
            else:
                results[metric.name] = metric(real=real, fake=fake, seed=seed)
        except MetricError as e:
            results[metric.name] = e
        except Exception as e:  # somebody's metric may be wrong; the others are not
            if not (place := foreign_place(e)):
                raise
            results[metric.name] = MetricError(f"{place}: {type(e).__name__}: {e}")
    return results
