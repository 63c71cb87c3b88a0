"""Estimates become rows of a scorecard, each under its result id, with its protocol, and its warnings beside it."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.errors import MetricError
from ganbench.features.spec import ExtractorSpec
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.neighbours import Pairs
from ganbench.references.reference import Reference
from ganbench.scoring.scorecard import Row, Scorecard
from ganbench.statistics.features import FeatureSet


def add_metrics(
    card: Scorecard, metrics: Sequence[Metric], spec: ExtractorSpec, reference: Reference, fake: FeatureSet, seed: int
) -> Pairs | None:
    """Compute metrics on the features of one extractor and add a row for each.

    A metric that cannot be computed gets a row with the reason.

    Returns:
        The neighbours that the metrics rest on; None where the samples are missing or too small to have any.
    """
    real = reference.features
    try:
        pairs = Pairs(real, fake, seed)
    except MetricError:
        pairs = None  # every metric that needs them says why in its row
    card.reference[spec.name] = reference.meta()
    found = evaluate([metric.name for metric in metrics], real=real, fake=fake, seed=seed, pairs=pairs)
    for metric in metrics:
        result_id, estimate = _result_id(metric, spec.name), found[metric.name]
        if isinstance(estimate, MetricError):
            card.rows.append(_absent(metric, spec.name, str(estimate)))
            continue
        protocol = f"{spec.protocol}; against {reference.origin()}"
        add_estimate(card, result_id, estimate, metric.title, metric.better, protocol, unit=metric.unit)
    return pairs


def add_absent(card: Scorecard, metrics: Sequence[Metric], extractor: str, reason: str) -> None:
    """Add rows without values for an extractor that could not be used."""
    card.rows += [_absent(metric, extractor, reason) for metric in metrics]


def result_ids(metrics: Sequence[Metric], extractor: str) -> list[str]:
    """Return the ids of the rows that ``add_metrics`` adds, such as ``fd[lite0]``."""
    return [_result_id(metric, extractor) for metric in metrics]


def add_estimate(
    card: Scorecard, result_id: str, estimate: Estimate, title: str, better: str, protocol: str = "", *, unit: str = ""
) -> None:
    """Add one row."""
    details = "; ".join(part for part in (protocol, estimate.detail) if part)
    row = Row(
        result_id,
        estimate.value,
        estimate.low,
        estimate.high,
        better,
        estimate.n,
        estimate.seed,
        details,
        title,
        unit,
        estimate.interval,
    )
    card.rows.append(row)
    card.warnings += [f"{result_id}: {text}" for text in estimate.warnings]


def applicable(metrics: Sequence[Metric], extractor: str) -> list[Metric]:
    """Return the metrics that make sense on an extractor when nobody asked for them by name."""
    return [metric for metric in metrics if metric.needs != "logits" or _is_inception(extractor)]


def _is_inception(extractor: str) -> bool:
    return extractor.partition(":")[0] == "inception"


def _result_id(metric: Metric, extractor: str) -> str:
    """Return ``fd[lite0]``; with Inception features the metric goes by its established name, ``fid[inception]``."""
    established = _is_inception(extractor) and metric.inception_name
    return f"{metric.inception_name if established else metric.name}[{extractor}]"


def _absent(metric: Metric, extractor: str, reason: str) -> Row:
    result_id = _result_id(metric, extractor)
    return Row(result_id, None, better=metric.better, title=metric.title, unit=metric.unit, reason=reason)
