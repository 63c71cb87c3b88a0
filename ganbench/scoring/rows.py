"""Rows: metrics on what one instrument saw become rows of a scorecard, with their warnings beside them."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.variation import Variation
from ganbench.metrics.varying import vary
from ganbench.scoring.plan import Instrument
from ganbench.scoring.row import Row
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.known import CodedImages, KnownImages
from ganbench.statistics.packets import PacketSet
from ganbench.statistics.paths import PathSet
from ganbench.statistics.pixels import PixelSet

Variations = MutableMapping[str, Variation | str]  # by the id of a row; or why it is not known


def measured_rows(
    metrics: Sequence[Metric],
    instrument: Instrument,
    protocol: str,
    *,
    real: FeatureSet | KnownImages | PacketSet | None,
    fake: FeatureSet | CodedImages | PixelSet | PacketSet | PathSet | DetectionSet,
    seed: int,
    pairs: Pairs | None = None,
    variations: Variations | None = None,
) -> tuple[list[Row], list[str]]:
    """Compute metrics; one that cannot be computed gets a row with the reason.

    Args:
        metrics: what to compute.
        instrument: what ``fake`` was measured with.
        protocol: all that the instrument's values depend on, in one line.
        real: the real side; None for metrics that have none.
        fake: the side that is scored.
        seed: of every random choice.
        pairs: neighbours of both sides, to share them; made when needed.
        variations: filled, by the id of every row with a value; None: nobody asks.

    Returns:
        The rows, and what limits their values in sentences.
    """
    found = evaluate(metrics, real=real, fake=fake, seed=seed, pairs=pairs)
    rows, warnings = [], []
    for metric in metrics:
        estimate = found[metric.name]
        if isinstance(estimate, MetricError):
            rows.append(absent_row(metric, instrument, str(estimate)))
            continue
        rows.append(_row(metric, instrument, protocol, estimate))
        warnings += [f"{rows[-1].id}: {text}" for text in estimate.warnings]
        if variations is not None:
            try:
                variations[rows[-1].id] = vary(metric, real=real, fake=fake, seed=seed, pairs=pairs)
            except MetricError as e:
                variations[rows[-1].id] = str(e)
    return rows, warnings


def _row(metric: Metric, instrument: Instrument, protocol: str, estimate: Estimate) -> Row:
    parts = (protocol, estimate.detail, f"{metric.name} v{metric.version}")
    return Row(
        instrument.result_id(metric),
        estimate.value,
        estimate.low,
        estimate.high,
        metric.better,
        estimate.n,
        estimate.seed,
        "; ".join(part for part in parts if part),
        metric.title,
        metric.unit,
        estimate.interval,
        version=metric.version,
        p=estimate.p,
    )


def absent_row(metric: Metric, instrument: Instrument, reason: str) -> Row:
    """Return the row of a metric that could not be measured."""
    row_id = instrument.result_id(metric)
    return Row(row_id, None, better=metric.better, title=metric.title, unit=metric.unit, reason=reason)
