"""Putting together what an audit works with: a real side and fresh real images under every extractor.

Of the user's real images a quarter, 5,000 at most, becomes the real side, unless he names a reference that was made of
others; the rest is fresh. Without images the features that the reference keeps are cut in half, and what takes images
is not tried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ganbench.audit.material import OF_FEATURES, Material
from ganbench.audit.pixels import material_of_pixels
from ganbench.errors import AssetMissing, GanbenchError, ReferenceError, SourceError
from ganbench.features.collect import collect_features, extractor_for
from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor, specify_extractor
from ganbench.images.first_look import look_first
from ganbench.images.picked import Picked
from ganbench.images.source import Source
from ganbench.metrics.registry import METRICS
from ganbench.references.held_out import known_images
from ganbench.references.indexed import collect_indexed
from ganbench.references.reference import SAMPLE_SIZE, Reference
from ganbench.scoring.options import DEFAULT_FEATURES, ScoreOptions
from ganbench.scoring.plan import SAMPLE_CAP, Instrument, Plan, build_options, choose_metrics
from ganbench.statistics.collector import shuffled
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.known import KnownImages
from ganbench.statistics.moments import Moments
from ganbench.system.cluster import Site
from ganbench.system.memory import VARIABLE, budget
from ganbench.system.notes import Note, log_note

LEAST = 400  # real images that an audit takes


def materials_of(
    options: ScoreOptions,
    images: Source | None,
    *,
    runs: Sequence[str] = (),
    site: Site | None = None,
    note: Note = log_note,
) -> tuple[list[Material], list[str]]:
    """Return the material of every extractor, and that of the pixels, and what a reader must know, one line each.

    Args:
        options: extractors, metrics, references, detector and how images are read; without metrics all that are known.
        images: real images; None: only what the references keep.
        runs: folders of runs that the user calls healthy.
        site: where many images are looked at; None: in this process.
        note: told when features cannot be kept.

    Raises:
        GanbenchError: too few images or too many, no reference, or no extractor that can be run.
    """
    names = list(METRICS) if options.metrics is None else choose_metrics(options)
    if options.detector is None:
        names = [name for name in names if METRICS[name].needs != "detections"]
    if images is not None and len(images) < LEAST:
        raise SourceError(f"{images.label}: an audit needs at least {LEAST} real images, found {len(images)}")
    found, notes = _under_extractors(options, names, images, tuple(runs), site, note)
    notes += [
        f"{name} was left out: it is measured on a generator, not on images: ganbench ppl RUN"
        for name in names
        if METRICS[name].needs == "paths"
    ]
    if images is None:
        notes.append(
            f"without real images only what the reference keeps is tried: {len(found[0].pool):,} fresh features. "
            "Name real images, and what takes images is tried too"
        )
    else:
        notes += [f"{images.label}: {text}" for text in images.notes]
        compared, why = material_of_pixels(options, names, found[0], site, note)
        found += [] if compared is None else [compared]
        notes += why
    found = [material for material in found if material.ids()]
    if not found:
        raise GanbenchError(f"nothing is left to audit of {', '.join(names)}: {'; '.join(notes)}")
    return found, notes


def _under_extractors(
    options: ScoreOptions,
    names: Sequence[str],
    images: Source | None,
    runs: tuple[str, ...],
    site: Site | None,
    note: Note,
) -> tuple[list[Material], list[str]]:
    """Return the material of every extractor that can be run, and which was left out."""
    found: list[Material] = []
    notes: list[str] = []
    for asked in options.features:
        try:
            spec = specify_extractor(asked, build_options(options, asked))
        except AssetMissing as e:
            notes.append(f"{asked} was left out: {e}")
            continue
        instrument = Instrument("extractor", spec.name, asked, spec.key(), spec.logits > 0)
        needs = (*OF_FEATURES, "index")
        mine = tuple(n for n in names if METRICS[n].needs in needs and (METRICS[n].needs != "logits" or spec.logits))
        others = _others(options, names) if images is not None and not found else None
        blank = partial(Material, instrument, mine, others=others, runs=runs, seed=options.seed)
        if images is None:
            found.append(_without_images(options, asked, blank))
            continue
        _refuse_too_many(images, spec.feature_size)
        found.append(_with_images(options, asked, images, blank, site, note))
    if not found:
        raise GanbenchError(f"no extractor can be run here: {'; '.join(notes)}")
    return found, notes


def _others(options: ScoreOptions, names: Sequence[str]) -> Plan | None:
    """Return what measures the metrics that read no features."""
    mine = tuple(name for name in names if METRICS[name].needs in ("pixels", "detections"))
    if not mine:
        return None
    faces = any(METRICS[name].needs == "detections" for name in mine)
    return Plan.of(
        replace(
            options, metrics=mine, features=DEFAULT_FEATURES, references=(), weights=None, cache=False,
            detector=options.detector if faces else None, detector_settings=options.detector_settings if faces else {},
        )
    )  # fmt: skip


def _reference(options: ScoreOptions, asked: str, scored: Source | None, site: Site | None) -> Reference:
    """Return the reference that the options name for an extractor, or the shipped one."""
    weights = options.weights if len(options.features) == 1 else None
    plan = Plan.of(
        replace(options, features=(asked,), metrics=("fd",), detector=None, detector_settings={}, weights=weights),
        *([] if scored is None else [scored]),
        site=site,
    )
    if not plan.references:
        raise ReferenceError(f"{asked}: {'; '.join(plan.unserved.values()) or 'no reference serves it'}")
    return next(iter(plan.references.values()))


def _without_images(options: ScoreOptions, asked: str, blank: partial[Material]) -> Material:
    reference = _reference(options, asked, None, None)
    sample = np.asarray(reference.features.sample, np.float32)
    if len(sample) < LEAST:
        raise ReferenceError(
            f"reference {reference.name} keeps {len(sample)} features, and an audit without images needs {LEAST}: "
            "name real images (ganbench audit REAL)"
        )
    order = shuffled(len(sample), options.seed)
    half = len(sample) // 2
    return blank(
        extractor=load_extractor(asked, build_options(options, asked)),
        real=FeatureSet.of(sample[np.sort(order[:half])]),
        known=None,
        pool=sample[np.sort(order[half:])],
        key=_key(blank, reference.identity()),
        others=None,
    )


def _with_images(
    options: ScoreOptions, asked: str, images: Source, blank: partial[Material], site: Site | None, note: Note
) -> Material:
    first = partial(look_first, images)
    looked = extractor_for(images, site, asked, build_options(options, asked), note=note, first=first)
    whole = collect_features(
        images, looked, cap=len(images), seed=options.seed, what="real features", cache=options.cache, note=note,
        site=site, device=options.device,
    )  # fmt: skip
    extractor = looked if isinstance(looked, Extractor) else load_extractor(asked, build_options(options, asked))
    wanted = any(METRICS[name].needs == "index" for name in blank.args[1])
    inside: np.ndarray | None = None
    if options.references:
        reference = _reference(options, asked, images, site)
        reference.require_match(extractor.spec, images.image_size())
        known = known_images(reference) if wanted else None
        real, origin, fresh = reference.features, reference.identity(), np.arange(whole.n)
    else:
        order = shuffled(whole.n, options.seed)
        inside, fresh = (np.sort(part) for part in np.split(order, [min(whole.n // 4, SAMPLE_CAP)]))
        part = Picked(images, whole.sample_index[inside])
        known = None
        if wanted:
            real, index, _ = collect_indexed(
                part, looked, cap=SAMPLE_SIZE, seed=options.seed, cache=options.cache, note=note, site=site,
                device=options.device,
            )  # fmt: skip
            known = KnownImages(index)
        else:
            real = _real_side(whole.sample[inside], _some(whole.logits, inside), options.seed)
        origin = f"{len(inside)} of them"
    return blank(
        extractor=extractor,
        real=real,
        known=known,
        pool=whole.sample[fresh],
        logits=_some(whole.logits, fresh),
        images=Picked(images, whole.sample_index[fresh]),
        real_images=None if inside is None else Picked(images, whole.sample_index[inside]),
        key=_key(blank, images.digest(), origin),
    )


def _real_side(features: np.ndarray, logits: np.ndarray | None, seed: int) -> FeatureSet:
    """Return the real side: moments of all, and as large a sample as a reference keeps."""
    rows = np.sort(shuffled(len(features), seed)[:SAMPLE_SIZE])
    return FeatureSet(Moments.of(features), np.ascontiguousarray(features[rows]), rows, _some(logits, rows))


def _some(rows: np.ndarray | None, chosen: np.ndarray) -> np.ndarray | None:
    return None if rows is None else rows[chosen]


def _key(blank: partial[Material], *parts: str) -> str:
    instrument, others = blank.args[0], blank.keywords["others"]
    texts = (instrument.identity, "" if others is None else others.key, *parts)
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def _refuse_too_many(images: Source, size: int) -> None:
    needed = len(images) * size * 4
    if needed > budget():
        most = budget() // (4 * size)
        raise GanbenchError(
            f"{images.label}: the features of {len(images):,} images take {needed >> 20:,} MiB, more than "
            f"{budget() >> 20:,} MiB. Use fewer (--limit {most}), or allow more: {VARIABLE}=8G"
        )
