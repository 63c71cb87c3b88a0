"""What held-out real images show against a reference: what an honest set of images would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ganbench.errors import MetricError, ReferenceError
from ganbench.features.extractor import Extractor
from ganbench.features.observers import Elsewhere
from ganbench.features.remember import Remembered, remember
from ganbench.images.source import Source
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.registry import METRICS
from ganbench.references.own import own_images
from ganbench.references.reference import Reference
from ganbench.statistics.collector import shuffled
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.known import CodedImages, HeldOut, KnownImages
from ganbench.system.cluster import Site
from ganbench.system.notes import Note, log_note

COUNT = 1000  # images that the figures of sets are of, as many as an assignment asks for
MOST = 100_000  # images that are held out at most: each is looked at by itself
_COUNTED = {"copies": "copies", "authenticity": "nearer"}  # metrics whose share over all is kept as a count


def with_held_out(
    reference: Reference,
    held_out: Source,
    extractor: Extractor | Elsewhere,
    *,
    seed: int = 0,
    cache: bool = False,
    note: Note = log_note,
    site: Site | None = None,
    device: str = "auto",
) -> Reference:
    """Return a reference that says what held-out images show against it.

    Args:
        reference: made from other images of the same origin; it has an index.
        held_out: the images.
        extractor: that of the reference.
        seed: seed of every random choice.
        cache: of many images, reuse what was seen of them before.
        note: told when that cannot be kept.
        site: where many images are looked at; None: in this process.
        device: on which the networks run there.

    Raises:
        ReferenceError: the reference has no index, or there are too many images.
        GanbenchError: bad images.
    """
    if reference.index is None:
        raise ReferenceError(f"reference {reference.name} lacks an index of its images: build it anew")
    if len(held_out) > MOST:
        raise ReferenceError(f"{len(held_out):,} images held out; {MOST:,} are enough for any figure")
    seen = remember(
        held_out, extractor, cap=len(held_out), seed=seed, what="held-out images", cache=cache,
        projection=reference.index.projection, note=note, site=site, device=device,
    )  # fmt: skip
    found = _of_sets(reference, seen, seed)
    by_image = _by_image(reference, seen, seed)
    n = len(seen.positions)
    counts = {kept: by_image.get(name) for name, kept in _COUNTED.items()}
    figures: dict[str, Any] = {
        "images": n,
        "digest": held_out.digest(),
        **{name: None if one is None else round(one.value * n) for name, one in counts.items()},
        "figures": {name: _plain(METRICS[name], one) for name, one in (found | by_image).items()},
    }
    return replace(reference, held_out=figures)


def known_images(reference: Reference) -> KnownImages | None:
    """Return what metrics that need an index read of a reference; None of one that has none.

    Where no real images were held out, the reference's own stand for them.
    """
    if reference.index is None:
        return None
    held = reference.held_out
    if held is None:
        return KnownImages(reference.index, own_images(reference))
    if held["copies"] is None or held["nearer"] is None:
        return KnownImages(reference.index)
    return KnownImages(reference.index, HeldOut(held["images"], held["copies"], held["nearer"]))


def _of_sets(reference: Reference, seen: Remembered, seed: int) -> dict[str, Estimate]:
    """Return the metrics of ``COUNT`` of the images as one set; those of all where they are fewer."""
    sample, logits = seen.features.sample, seen.features.logits
    rows = np.sort(shuffled(len(sample), seed)[:COUNT])
    fake = FeatureSet.of(sample[rows], None if logits is None else logits[rows])
    needs = {"moments", "features"} | (set() if logits is None else {"logits"})
    return _evaluated(needs, reference.features, fake, seed)


def _by_image(reference: Reference, seen: Remembered, seed: int) -> dict[str, Estimate]:
    """Return the metrics that judge image by image, of all of them."""
    coded = CodedImages(seen.codes, seen.signatures, seen.positions, len(seen.positions))
    return _evaluated({"index"}, None if reference.index is None else KnownImages(reference.index), coded, seed)


def _evaluated(needs: set[str], real: Any, fake: Any, seed: int) -> dict[str, Estimate]:
    chosen = [metric for metric in METRICS.values() if metric.default and metric.needs in needs]
    found = evaluate(chosen, real=real, fake=fake, seed=seed)
    return {name: one for name, one in found.items() if not isinstance(one, MetricError)}


def _plain(metric: Metric, estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "version": metric.version,
    }
