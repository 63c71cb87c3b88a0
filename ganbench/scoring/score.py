"""Scoring: images are looked at once, and come back as a scorecard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ganbench.detectors.base import DetectorOptions
from ganbench.errors import GanbenchError, ReferenceError, SourceError
from ganbench.images.resize import Resize
from ganbench.images.rules import Rules
from ganbench.images.source import Source
from ganbench.metrics.neighbours import Pairs
from ganbench.references.own import described
from ganbench.references.reference import Reference
from ganbench.scoring.flags import flags_of
from ganbench.scoring.look import Seen, look
from ganbench.scoring.measured import compared_of, measure, measure_pixels, pairs_of
from ganbench.scoring.options import DEFAULT_DETECTOR, DEFAULT_FEATURES, Images, Real, ScoreOptions, several
from ganbench.scoring.per_image import per_image_table
from ganbench.scoring.plan import Plan
from ganbench.scoring.row import Row
from ganbench.scoring.rows import Variations, absent_row
from ganbench.scoring.scorecard import Scorecard
from ganbench.scoring.stated import stated_images
from ganbench.scoring.validity import judged
from ganbench.statistics.known import CodedImages, KnownImages
from ganbench.system.cluster import Site

if TYPE_CHECKING:
    import torch


def score(
    source: Images | torch.Tensor,
    reference: Real | Sequence[Real] | None = None,
    features: Sequence[str] | str = DEFAULT_FEATURES,
    detector: str | None = DEFAULT_DETECTOR,
    *,
    metrics: Sequence[str] | str | None = None,
    conf: float | None = None,
    iou: float | None = None,
    imgsz: int | None = None,
    layout: str | None = None,
    detector_settings: Mapping[str, object] | None = None,
    weights: str | Path | None = None,
    precision: str = "fp32",
    device: str = "auto",
    resize: str | Resize | None = None,
    grid: tuple[int, int] | str | None = None,
    pad: int | None = None,
    recursive: bool = False,
    limit: int | None = None,
    value_range: tuple[float, float] | None = None,
    skip_bad: int = 0,
    seed: int = 0,
    cache: bool = True,
    per_image: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    rules: str | Path | Rules | None = None,
) -> Scorecard:
    """Score images against a reference.

    Args:
        source: a folder, archive, array file or sheet; a uint8 array (N, H, W, 3); a torch tensor (N, 3, H, W).
        reference: a reference's name or file, or real images to compute one from; a list of several serves several
            extractors; default: ``anime-faces-64``.
        features: extractors, such as ``lite0`` or ``inception``.
        detector: detector for AFD: ``yolo-nano``, ``opencv-cascade``, ``yolo:PATH``; None leaves AFD out.
        metrics: names to compute, such as ``fd`` or ``afd``; default: all that are on by default.
        conf: least score of a face [default: the detector's own].
        iou: overlap above which the weaker of two boxes is dropped [default: the detector's own].
        imgsz: pixels to which the detector letterboxes [default: the detector's own].
        layout: what the columns of a YOLO's output are, such as ``yolov8:2`` [default: told by their values].
        detector_settings: settings of the detector that have no argument of their own, by name.
        weights: weights file for the extractor, where it needs one.
        precision: ``fp32`` or ``bf16`` (part of the protocol).
        device: ``auto``, ``cpu`` or ``cuda``.
        resize: rule such as ``64`` or ``64x64:lanczos`` applied to every image that is of another size.
        grid: (rows, columns) of a sheet, or ``guess``.
        pad: pixels between the tiles of a sheet.
        recursive: look into subfolders too.
        limit: use the first so many images only.
        value_range: (low, high) of float input; required for it.
        skip_bad: how many unreadable images may be left out.
        seed: seed of every random choice.
        cache: keep and reuse features.
        per_image: also fill ``Scorecard.per_image``; keeps all features in memory.
        jobs: processes at a time that look at a source of more than 8,192 images; the result does not depend on it.
        cluster: address of a Ray cluster that looks at such a source instead: ``auto``, ``host:port`` or
            ``ray://host:port``.
        rules: of an assignment: ``hw6``, or a TOML file of what differs from it; images that break one are flagged as
            ``invalid``.

    Returns:
        The scorecard. What could not be measured is a row with its reason.

    Raises:
        GanbenchError: bad images, a reference that does not fit, or choices that do not go together.
    """
    options = ScoreOptions(
        features=(features,) if isinstance(features, str) else tuple(features),
        metrics=None if metrics is None else (metrics,) if isinstance(metrics, str) else tuple(metrics),
        references=several(reference),
        detector=detector,
        detector_settings=DetectorOptions.of(
            device, detector_settings, conf=conf, iou=iou, imgsz=imgsz, layout=layout
        ).settings,
        weights=weights,
        precision=precision,
        device=device,
        resize=resize,
        recursive=recursive,
        limit=limit,
        skip_bad=skip_bad,
        seed=seed,
        cache=cache,
        per_image=per_image,
    )
    site, asked = Site(jobs, cluster), Rules.of(rules)
    opened = options.open(source, grid=grid, pad=pad, value_range=value_range)
    return judged(score_source(opened, Plan.of(options, opened, site=site), site), asked, source)


def score_source(
    source: Source,
    plan: Plan,
    site: Site | None = None,
    variations: Variations | None = None,
    kept: list[Seen] | None = None,
) -> Scorecard:
    """Score an opened source by a plan.

    Args:
        source: the images.
        plan: what is measured, with what, against what.
        site: where a large source is looked at; the scorecard does not depend on it. None: in this process.
        variations: filled with how each value varies, for comparisons; None: nobody asks.
        kept: filled with what was seen, for an explanation; None: nobody asks.

    Raises:
        GanbenchError: bad images, or none of the references is of such images.
    """
    if len(source) < 2:
        raise SourceError(
            f"{source.label}: scoring needs at least 2 images, found {len(source)}. "
            "Is it a sheet of tiles? Then say so: --grid ROWSxCOLUMNS"
        )
    notes = [*plan.notes, *source.notes]
    references, unserved = _of_this_size(plan, source)
    # The metrics want the memory of the networks: it is gone by then.
    seen = look(source, plan, references, notes.append, site, explained=kept is not None)
    if kept is not None:
        kept.append(seen)
    rows: list[Row] = []
    neighbours: dict[str, Pairs] = {}
    compared: dict[str, tuple[KnownImages, CodedImages]] = {}
    for instrument in plan.instruments:
        reference = references.get(instrument.name)
        if instrument.kind == "pixels":
            more, warnings = measure_pixels(plan, instrument, seen, source, variations)
            rows, notes = rows + more, notes + warnings
            continue
        if reason := instrument.missing or unserved.get(instrument.name, ""):
            rows += [absent_row(metric, instrument, reason) for metric in plan.metrics_of(instrument)]
            continue
        pairs = None if reference is None else pairs_of(reference, seen, instrument, plan.options.seed)
        if pairs is not None:
            neighbours[instrument.name] = pairs
        known = None if reference is None else compared_of(reference, seen, instrument)
        if known is not None:
            compared[instrument.name] = known
        more, warnings = measure(plan, instrument, reference, seen, pairs, known, variations)
        rows += more
        notes += warnings
    table = []
    if plan.options.per_image:
        detectors = [instrument.name for instrument in plan.instruments if instrument.kind == "detector"]
        table = per_image_table(source.names, seen, "".join(detectors), neighbours, compared)
        notes += [
            f"per image: no distances to real images with {name}: their features are not known, or too few images"
            for name in sorted(seen.features.keys() - neighbours.keys())
        ]
    notes += [f"{bad.name} was left out: {bad.why}" for bad in source.bad]
    said = {name: reference.meta() for name, reference in references.items()}
    for name, (real, _) in compared.items():
        if real.held_out is not None and real.held_out.is_known:
            said[name]["own"] = described(real.held_out)
    if plan.real_pixels is not None:
        said["pixels"] = plan.real_pixels.meta()
    flags = flags_of(rows, said)
    return Scorecard(rows, _describe(source, seen), said, notes, table, flags=flags, instruments=seen.instruments)


def refuse_empty(card: Scorecard, plan: Plan) -> None:
    """Refuse a scorecard in which nothing that was asked for could be measured.

    What is asked for are the extractors, if any are; duplicates and faces that came along do not stand for them.

    Raises:
        GanbenchError: with the reasons.
    """
    extractors = [instrument.name for instrument in plan.instruments if instrument.kind == "extractor"]
    asked = [row for row in card.rows if not extractors or row.instrument in extractors]
    if all(row.value is None for row in asked):
        reasons = "; ".join(dict.fromkeys(row.reason for row in asked))
        what = ", ".join(dict.fromkeys(row.instrument for row in asked))
        raise GanbenchError(f"nothing could be measured with {what or 'what was asked for'}: {reasons}")


def _of_this_size(plan: Plan, source: Source) -> tuple[dict[str, Reference], dict[str, str]]:
    """Return the references that are of such images, and why each other extractor has none."""
    fitting: dict[str, Reference] = {}
    unserved = dict(plan.unserved)
    for name, reference in plan.references.items():
        try:
            size = source.image_size()
            fits = reference.image_size in (None, size)
            reference.require_size(
                size, "" if fits else source.sheet_advice(cast(tuple[int, int], reference.image_size))
            )
            fitting[name] = reference
        except ReferenceError as e:
            if len(plan.references) == 1:
                raise
            unserved[name] = str(e)
    return fitting, unserved


def _describe(source: Source, seen: Seen) -> dict[str, object]:
    height, width = source.image_size()
    return {
        "label": source.label,
        "count": seen.pixels.n,
        "image_size": [height, width],
        "resize": None if source.resize is None else str(source.resize),
        "digest": source.digest(),
        "skipped": [bad.name for bad in source.bad],
        **stated_images(source),
        "sample": seen.sample,
    }
