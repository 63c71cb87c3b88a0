"""The rows of one instrument: what it saw, against the real side that its metrics want."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ganbench.errors import MetricError, ReferenceError
from ganbench.images.source import Source
from ganbench.metrics.base import Metric
from ganbench.metrics.neighbours import Pairs
from ganbench.references.held_out import known_images
from ganbench.references.reference import Reference
from ganbench.scoring.look import Seen
from ganbench.scoring.plan import Instrument, Plan
from ganbench.scoring.row import Row
from ganbench.scoring.rows import Variations, absent_row, measured_rows
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.known import CodedImages, KnownImages
from ganbench.statistics.packets import PacketSet


def pairs_of(reference: Reference, seen: Seen, instrument: Instrument, seed: int) -> Pairs | None:
    """Return the neighbours of both sides; None where there are too few images, or features of none are known."""
    try:
        return Pairs(reference.features, seen.features[instrument.name], seed)
    except MetricError:
        return None  # every metric that needs them says why in its row


def compared_of(reference: Reference, seen: Seen, instrument: Instrument) -> tuple[KnownImages, CodedImages] | None:
    """Return both sides of the copy check; None where the reference has no index, or nothing asks for it."""
    known = known_images(reference)
    if known is None or seen.marks is None:
        return None
    features = seen.features[instrument.name]
    codes, marks = known.index.encode(features.sample), seen.marks.of(features.sample_index)
    return known, CodedImages(codes, marks, features.sample_index, features.n)


def measure(
    plan: Plan,
    instrument: Instrument,
    reference: Reference | None,
    seen: Seen,
    pairs: Pairs | None,
    compared: tuple[KnownImages, CodedImages] | None,
    variations: Variations | None,
) -> tuple[list[Row], list[str]]:
    """Measure what an extractor or a detector saw.

    Args:
        plan: what is measured.
        instrument: with what.
        reference: the real side; None for a detector.
        seen: what the instruments saw.
        pairs: as ``pairs_of`` gives them.
        compared: as ``compared_of`` gives it.
        variations: as ``score_source`` takes them.

    Returns:
        The rows, in the order of their metrics, and what limits their values.
    """
    protocol = seen.protocols[instrument.name]
    metrics, seed = plan.metrics_of(instrument), plan.options.seed
    if reference is not None:
        protocol = f"{protocol}; against {reference.origin()}"
        fake = seen.features[instrument.name]
        single = [metric for metric in metrics if metric.needs == "index"]
        others = [metric for metric in metrics if metric.needs != "index"]
        rows, warnings = measured_rows(
            others,
            instrument,
            protocol,
            real=reference.features,
            fake=fake,
            seed=seed,
            pairs=pairs,
            variations=variations,
        )
        if compared is None:
            reason = (
                f"reference {reference.name} lacks an index of its images: build it anew (ganbench reference build)"
            )
            rows += [absent_row(metric, instrument, reason) for metric in single]
        else:
            known, coded = compared
            more, said = measured_rows(
                single, instrument, protocol, real=known, fake=coded, seed=seed, variations=variations
            )
            rows, warnings = rows + more, warnings + said
        return _in_order(rows, metrics, instrument), warnings
    looked = cast(DetectionSet, seen.detections)
    return measured_rows(metrics, instrument, protocol, real=None, fake=looked, seed=seed, variations=variations)


def measure_pixels(
    plan: Plan, instrument: Instrument, seen: Seen, source: Source, variations: Variations | None
) -> tuple[list[Row], list[str]]:
    """Measure what reads pixels alone: some of it compares with real ones."""
    metrics, seed = plan.metrics_of(instrument), plan.options.seed
    alone = [metric for metric in metrics if metric.needs == "pixels"]
    others = [metric for metric in metrics if metric.needs == "packets"]
    rows, notes = measured_rows(
        alone,
        instrument,
        seen.protocols[instrument.name],
        real=None,
        fake=seen.pixels,
        seed=seed,
        variations=variations,
    )
    if others:
        real, reason = plan.real_pixels, plan.unserved.get(instrument.name, "")
        try:
            if real is not None:
                real.require_size(source.image_size())
        except ReferenceError as e:
            reason = str(e)
        reason = reason or (str(seen.packets) if isinstance(seen.packets, MetricError) else "")
        if reason or real is None:
            rows += [absent_row(metric, instrument, reason) for metric in others]
        else:
            fake = cast(PacketSet, seen.packets)
            more, said = measured_rows(
                others,
                instrument,
                f"against {real.origin()}",
                real=real.packets,
                fake=fake,
                seed=seed,
                variations=variations,
            )
            rows, notes = rows + more, notes + said
    return _in_order(rows, metrics, instrument), notes


def _in_order(rows: list[Row], metrics: Sequence[Metric], instrument: Instrument) -> list[Row]:
    """Return rows in the order of their metrics."""
    places = {instrument.result_id(metric): number for number, metric in enumerate(metrics)}
    return sorted(rows, key=lambda row: places[row.id])
