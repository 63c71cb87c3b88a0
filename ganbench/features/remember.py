"""One look at real images that remembers every one of them: moments, a sample, and the index of all.

Codes need a projection, and a projection needs features. Of up to ``KEPT`` images all features are kept until the end,
and the projection is that of them all. Of more, a seeded choice of ``FITTED`` is looked at first and gives the
projection, and the one look at all that follows keeps some hundred bytes an image. What comes of it depends on the
images alone, not on who looks at which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from ganbench.features.cache import save_features
from ganbench.features.collect import collect_features, features_key, goes_in_pieces, needs_of, stream
from ganbench.features.extractor import BATCH, Extractor
from ganbench.features.observers import Consumer, Elsewhere, FeatureObserver, Observer, Packed
from ganbench.features.packets import PacketObserver, can_be_cut
from ganbench.features.pieces import look_in_pieces
from ganbench.images.batch import Batch
from ganbench.images.picked import Picked
from ganbench.images.source import Source
from ganbench.statistics.collector import FeatureCollector, sample_bound, shuffled
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import CHUNK
from ganbench.statistics.packets import PacketCollector, PacketMoments
from ganbench.statistics.projection import Projection
from ganbench.statistics.remembered import ImageCollector
from ganbench.statistics.signatures import SIGNATURE, signatures
from ganbench.system.cluster import Site
from ganbench.system.notes import Note, log_note

KEPT = 8 * CHUNK  # 65,536 images: of 1,280 features 336 MB
FITTED = 2 * CHUNK  # more than one piece, so that they are looked at wherever all are


@dataclass(frozen=True, eq=False)
class Remembered:
    """What is remembered of images.

    Attributes:
        features: moments of all and a sample.
        projection: how features became codes.
        positions: of the images that could be read, (n,) int64.
        codes: (n, K) int8.
        signatures: (n, L) uint8.
        packets: moments of the wavelet packets, where they were asked for.
    """

    features: FeatureSet
    projection: Projection
    positions: np.ndarray
    codes: np.ndarray
    signatures: np.ndarray
    packets: PacketMoments | None = None


class _Tally:
    """Takes in what was seen: both collectors, side by side."""

    def __init__(self, features: FeatureCollector, images: ImageCollector) -> None:
        self.features, self.images = features, images

    def pack(self) -> Packed:
        images = {f"images_{name}": array for name, array in self.images.pack().items()}
        return {**self.features.pack(), **images}

    def take(self, packed: Packed) -> None:
        self.images.take({name: packed[f"images_{name}"] for name in ("positions", "rows", "signatures")})
        self.features.take(packed)


class _Consumer:
    """Extracts features and makes signatures."""

    def __init__(self, extractor: Extractor, tally: _Tally) -> None:
        self._extractor = extractor
        self.tally = tally

    def add(self, batch: Batch) -> None:
        features, logits = self._extractor(batch.pixels)
        self.tally.features.add(batch.indices, features, logits)
        self.tally.images.add(batch.indices, features, signatures(batch.pixels))


class _Observer:
    """Sends ``_Consumer``; the extractor is loaded as the observer of features does it."""

    def __init__(self, inner: FeatureObserver, projection: Projection | None) -> None:
        self._inner, self._projection = inner, projection
        self.spec = inner.spec
        known = "all" if projection is None else projection.identity()
        self.identity = f"{inner.identity} remembered {known} {SIGNATURE}"

    def load(self, note: Note, first: Callable[[], None]) -> Extractor:
        return self._inner.load(note, first)

    def consumer(self, loaded: Extractor) -> _Consumer:
        return _Consumer(loaded, self.tally())

    def tally(self) -> _Tally:
        return _Tally(self._inner.tally(), ImageCollector(self.spec.feature_size, self._projection))


def remember(
    source: Source,
    extractor: Extractor | Elsewhere,
    *,
    cap: int,
    seed: int,
    what: str,
    cache: bool,
    projection: Projection | None = None,
    packets: bool = False,
    note: Note = log_note,
    site: Site | None = None,
    device: str = "auto",
) -> Remembered:
    """Look at real images once and remember all of them.

    Args:
        source: the images.
        extractor: computes the features.
        cap: how many feature vectors to keep in the sample.
        seed: seed of the choice of those kept.
        what: shown beside the progress.
        cache: of a large source, reuse what was seen of its pieces before, and keep what is seen.
        projection: how features become codes; None: one made from these images.
        packets: whether the moments of wavelet packets are wanted; images of some sizes have none.
        note: told when that cannot be kept.
        site: where large sources are looked at; None: in one pass of this process.
        device: on which the networks run.

    Raises:
        GanbenchError: bad images.
    """
    if projection is None and len(source) > KEPT:
        some = Picked(source, np.sort(shuffled(len(source), seed)[:FITTED]))
        fitted = collect_features(
            some, extractor, cap=1, seed=seed, what=f"{what}: axes", cache=cache, note=note, site=site, device=device
        )
        projection = Projection.of(fitted.moments)
    elsewhere = site if goes_in_pieces(source, site) else None
    bound = None if elsewhere is None else sample_bound(len(source), cap + source.skip_bad, seed)
    observer = _Observer(FeatureObserver(extractor, cap=cap, seed=seed, bound=bound), projection)
    observers: list[Observer] = [observer]
    if packets and can_be_cut(source):
        observers.append(PacketObserver(source.image_size(), sampled=False))
    if elsewhere is None:
        consumers: list[Consumer] = [one.consumer(one.load(note, lambda: None)) for one in observers]
        stream(source, consumers, what)
        tallies = [one.tally for one in consumers]
        if cache and not source.bad:  # the same images may be scored next
            features = cast(_Tally, tallies[0]).features.result()
            save_features(features_key(source, observer.spec, cap, seed), features, note)
    else:
        needs = needs_of(elsewhere, device)
        tallies = look_in_pieces(
            source, observers, site=elsewhere, needs=needs, batch=BATCH, what=what, cache=cache, note=note
        )
    tally = cast(_Tally, tallies[0])
    moments = cast(PacketCollector, tallies[1]).result().moments if len(observers) > 1 else None
    features = tally.features.result()
    projection = projection or Projection.of(features.moments)
    return Remembered(features, projection, *tally.images.result(projection), moments)
