"""Several metrics at once, with what they share computed once."""

from __future__ import annotations

from collections.abc import Iterable

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.registry import METRICS
from ganbench.statistics.features import FeatureSet


def evaluate(
    metrics: Iterable[str], *, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None
) -> dict[str, Estimate | MetricError]:
    """Compute the named metrics.

    Args:
        metrics: Names in the registry.
        real: The real side.
        fake: The fake side.
        seed: Seed of everything random.
        pairs: Neighbours of these two sets, to share them with calls outside (per-image scores); made when needed.

    Returns:
        Per name, in the order given: the estimate, or the error that says why there is none. One metric that cannot be
        computed does not lose the others.

    Raises:
        UnknownName: no metric has that name.
    """
    chosen = [METRICS[name] for name in metrics]
    results: dict[str, Estimate | MetricError] = {}
    for metric in chosen:
        try:
            if metric.uses_pairs:
                pairs = pairs or Pairs(real, fake, seed)
                results[metric.name] = metric.compute(real=real, fake=fake, seed=seed, pairs=pairs)
            else:
                results[metric.name] = metric.compute(real=real, fake=fake, seed=seed)
        except MetricError as e:
            results[metric.name] = e
    return results
