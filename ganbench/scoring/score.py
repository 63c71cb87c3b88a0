"""Scoring: a source, references and a detector become a scorecard."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.detectors.afd import afd
from ganbench.detectors.base import Detector, DetectorOptions
from ganbench.detectors.registry import load_detector, result_name
from ganbench.errors import AssetMissing, GanbenchError, ReferenceError, SourceError
from ganbench.features.collect import collect_all
from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor, takes_weights
from ganbench.features.spec import BuildOptions
from ganbench.images.resize import Resize
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.metrics.base import Metric
from ganbench.metrics.copies import exact_duplicates
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.registry import METRICS
from ganbench.references.library import DEFAULT_NAME, find_reference, holds_statistics
from ganbench.references.reference import Reference
from ganbench.scoring.per_image import Faces, Seen, per_image_table
from ganbench.scoring.rows import add_absent, add_estimate, add_metrics, applicable, result_ids
from ganbench.scoring.scorecard import Row, Scorecard
from ganbench.system.notes import Note

if TYPE_CHECKING:
    import torch

SAMPLE_CAP = 5_000  # feature vectors kept for the kernel and manifold metrics: memory must not grow with the images
DEFAULT_DETECTOR = "yolo-nano"

Images = str | Path | np.ndarray | Source


@dataclass(frozen=True)
class ScoreOptions:
    """Choices that ``score`` passes on; each is described there."""

    features: Sequence[str] = ("lite0",)
    metrics: Sequence[str] | None = None
    detector: str | None = DEFAULT_DETECTOR
    conf: float | None = None
    iou: float | None = None
    imgsz: int | None = None
    weights: Path | None = None
    precision: str = "fp32"
    device: str = "auto"
    seed: int = 0
    cache: bool = True
    per_image: bool = False


def score(
    source: Images | torch.Tensor,
    reference: Images | Reference | None = None,
    features: Sequence[str] | str = ("lite0",),
    detector: str | None = DEFAULT_DETECTOR,
    *,
    metrics: Sequence[str] | None = None,
    conf: float | None = None,
    iou: float | None = None,
    imgsz: int | None = None,
    weights: str | Path | None = None,
    precision: str = "fp32",
    device: str = "auto",
    resize: str | Resize | None = None,
    grid: tuple[int, int] | str | None = None,
    pad: int | None = None,
    recursive: bool = False,
    value_range: tuple[float, float] | None = None,
    skip_bad: int = 0,
    seed: int = 0,
    cache: bool = True,
    per_image: bool = False,
) -> Scorecard:
    """Score images against a reference.

    Args:
        source: a folder, archive, array file or sheet; a uint8 array (N, H, W, 3); a torch tensor (N, 3, H, W).
        reference: a reference's name or file, or real images to compute one from; default: ``anime-faces-64``.
        features: extractors, such as ``lite0`` or ``inception``.
        detector: detector for AFD: ``yolo-nano``, ``opencv-cascade`` or ``yolo:PATH``; None leaves AFD out.
        metrics: names to compute; default: all that are on by default.
        conf: least score of a face [default: the detector's own].
        iou: overlap above which the weaker of two boxes is dropped [default: the detector's own].
        imgsz: pixels to which the detector letterboxes [default: the detector's own].
        weights: weights file for the extractor, where it needs one.
        precision: ``fp32`` or ``bf16`` (part of the protocol).
        device: ``auto``, ``cpu`` or ``cuda``.
        resize: rule such as ``64`` or ``64x64:lanczos`` applied to every image that is of another size.
        grid: (rows, columns) of a sheet, or ``guess``.
        pad: pixels between the tiles of a sheet.
        recursive: look into subfolders too.
        value_range: (low, high) of float input; required for it.
        skip_bad: how many unreadable images may be left out.
        seed: seed of every random choice.
        cache: keep and reuse features.
        per_image: also fill ``Scorecard.per_image``; keeps all features in memory.

    Returns:
        The scorecard. What could not be measured is a row with its reason.

    Raises:
        GanbenchError: bad images, or a reference that does not fit.
    """
    opened = open_source(
        source,
        recursive=recursive,
        grid=grid,
        pad=pad,
        resize=resize,
        value_range=value_range,
        skip_bad=skip_bad,
    )
    options = ScoreOptions(
        features=(features,) if isinstance(features, str) else tuple(features),
        metrics=metrics,
        detector=detector,
        conf=conf,
        iou=iou,
        imgsz=imgsz,
        weights=None if weights is None else Path(weights),
        precision=precision,
        device=device,
        seed=seed,
        cache=cache,
        per_image=per_image,
    )
    return score_source(opened, reference, options, resize=resize)


def score_source(
    source: Source,
    reference: Images | Reference | None,
    options: ScoreOptions,
    *,
    resize: str | Resize | None = None,
) -> Scorecard:
    """Score an opened source; ``score`` explains the arguments. ``resize`` is for a reference given as images."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        chosen = _choose_metrics(options.metrics)
        if options.seed < 0:
            raise GanbenchError(f"seed {options.seed}: expected 0 or more")
        if len(source) < 2:
            raise SourceError(
                f"{source.label}: scoring needs at least 2 images, found {len(source)}. "
                "Is it a sheet of tiles? Then say so: --grid ROWSxCOLUMNS"
            )
        detector, no_detector = _load_detector(options)
        names, extractors, missing = _load_extractors(options, notes.append)
        references = _references(reference, extractors, source, options, resize, missing)
        specs = {extractor.spec.name: extractor.spec for extractor in extractors}
        seen = Seen()
        faces = Faces(detector) if detector else None
        used = [extractor for extractor in extractors if extractor.spec.name in references]
        fakes = collect_all(
            source,
            used,
            cap=max(len(source), SAMPLE_CAP) if options.per_image else SAMPLE_CAP,
            seed=options.seed,
            what="scoring",
            cache=options.cache,
            others=[seen, *([faces] if faces else [])],
            note=notes.append,
        )
        del extractors, used  # the metrics want the memory of the networks

        card = Scorecard([], _describe(source, seen), {})
        neighbours: dict[str, Pairs] = {}
        for name in names:
            wanted = _wanted(chosen, name, options)
            if name in missing:
                add_absent(card, wanted, name, missing[name])
                continue
            pairs = add_metrics(card, wanted, specs[name], references[name], fakes[name], options.seed)
            if pairs is not None:
                neighbours[name] = pairs
        add_estimate(card, "duplicates[pixels]", exact_duplicates(seen.digests), "Exact duplicates", "lower")
        if faces is not None:
            estimate = afd(np.array(faces.counts) > 0)
            title = "Anime-face detection rate"
            add_estimate(card, f"afd[{detector.name}]", estimate, title, "higher", detector.protocol)
        elif options.detector is not None:
            card.rows.append(Row(f"afd[{options.detector}]", None, better="higher", reason=no_detector))
        if options.per_image:
            card.per_image = per_image_table(seen, faces, neighbours)
            card.warnings += [
                f"per image: no distances to real images with {name}: their features are not known, or too few images"
                for name in sorted(fakes.keys() - neighbours.keys())
            ]
    card.warnings += notes
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            card.warnings.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    card.warnings += [f"{bad.name} was left out: {bad.why}" for bad in source.bad]
    return card


def _choose_metrics(names: Sequence[str] | None) -> list[Metric]:
    if names is None:
        return [metric for metric in METRICS.values() if metric.default]
    return [METRICS[name] for name in dict.fromkeys(names)]


def _wanted(chosen: list[Metric], extractor: str, options: ScoreOptions) -> list[Metric]:
    # What was asked for by name always gets a row, if only with the reason why it has no value.
    return applicable(chosen, extractor) if options.metrics is None else chosen


def known_results(options: ScoreOptions) -> list[str]:
    """Return the ids of all rows that scoring with these options makes, without scoring anything.

    Raises:
        UnknownName: no such metric.
    """
    chosen = _choose_metrics(options.metrics)
    found = [i for name in options.features for i in result_ids(_wanted(chosen, name, options), name)]
    detector = [] if options.detector is None else [f"afd[{result_name(options.detector)}]"]
    return [*found, "duplicates[pixels]", *detector]


def _load_extractors(options: ScoreOptions, note: Note) -> tuple[list[str], list[Extractor], dict[str, str]]:
    """Return the names for results, the extractors that can be built, and what the others miss.

    An extractor may go by another name than it was asked for by: ``inception:tf1`` is ``inception``.
    """
    names, loaded, missing = [], {}, {}
    for name in options.features:
        try:
            # Beside an extractor that needs them, one that brings its own weights is not given them.
            weights = options.weights if len(options.features) == 1 or takes_weights(name) else None
            extractor = load_extractor(name, BuildOptions(weights, options.device, options.precision), note=note)
            names.append(extractor.spec.name)
            loaded.setdefault(extractor.spec.name, extractor)
        except AssetMissing as e:
            names.append(name)
            missing[name] = str(e)
    return list(dict.fromkeys(names)), list(loaded.values()), missing


def _load_detector(options: ScoreOptions) -> tuple[Detector | None, str]:
    chosen = DetectorOptions.of(options.device, conf=options.conf, iou=options.iou, imgsz=options.imgsz)
    if options.detector is None:
        if given := chosen.settings:
            raise GanbenchError(
                f"--{next(iter(given))} is a setting of a detector, and there is none (--detector none)"
            )
        return None, ""
    try:
        return load_detector(options.detector, chosen), ""
    except AssetMissing as e:
        return None, str(e)


def _references(
    reference: Images | Reference | None,
    extractors: list[Extractor],
    source: Source,
    options: ScoreOptions,
    resize: str | Resize | None,
    missing: dict[str, str],
) -> dict[str, Reference]:
    """Return a reference for each extractor, by name; an extractor without one is noted in ``missing``."""
    found: dict[str, Reference] = {}
    refused: list[ReferenceError] = []
    for extractor in extractors:
        name = extractor.spec.name
        try:
            candidate = reference_for(reference, extractor, options, resize)
            if candidate is None:
                missing[name] = (
                    f"no reference {reference or DEFAULT_NAME} for {name}. Build one: ganbench reference build REAL "
                    f"--features {name} --size 64 -o real.npz, then score with --reference real.npz"
                )
                continue
            candidate.require_match(extractor.spec, source.image_size())
            found[name] = candidate
        except ReferenceError as e:
            refused.append(e)
            missing[name] = str(e)
    if refused and not found:
        raise refused[0]
    return found


def reference_for(
    reference: Images | Reference | None, extractor: Extractor, options: ScoreOptions, resize: str | Resize | None
) -> Reference | None:
    """Return the reference that a name, a file or real images stand for; None where it has none of this extractor.

    Raises:
        GanbenchError: no such reference, or one that cannot be read.
    """
    if isinstance(reference, Reference):
        return reference
    if reference is None or isinstance(reference, str):
        path = Path(reference) if reference else None
        if path is None or not path.exists():
            file = find_reference(reference or DEFAULT_NAME, extractor.spec.name)
            return Reference.load(file) if file else None
        reference = path
    if isinstance(reference, Path) and holds_statistics(reference):
        return Reference.load(reference)
    real = open_source(reference, resize=resize)
    return Reference.build(
        real, extractor, sample_size=SAMPLE_CAP, seed=options.seed, name=real.label, cache=options.cache
    )


def _describe(source: Source, seen: Seen) -> dict[str, object]:
    height, width = source.image_size()
    return {
        "label": source.label,
        "count": len(seen.names),
        "image_size": [height, width],
        "resize": None if source.resize is None else str(source.resize),
        "digest": source.digest(),
        "skipped": [bad.name for bad in source.bad],
    }
