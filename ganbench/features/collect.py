"""One pass over a source feeds every consumer: extractors, detectors, duplicate search."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from ganbench.features.extractor import BATCH, Extractor
from ganbench.images.sources import Batch, Source
from ganbench.metrics.features import FeatureCollector, FeatureSet, Moments
from ganbench.progress import track


class Consumer(Protocol):
    """Something that looks at every batch once."""

    def add(self, batch: Batch) -> None:
        """Take in one batch."""
        ...


class FeatureConsumer:
    """Extracts features and folds them into moments and a sample."""

    def __init__(self, extractor: Extractor, *, cap: int, seed: int) -> None:
        self._extractor = extractor
        self._collector = FeatureCollector(extractor.spec.feature_size, cap=cap, seed=seed)

    def add(self, batch: Batch) -> None:
        """Take in one batch."""
        features, logits = self._extractor(batch.pixels)
        self._collector.add(batch.indices, features, logits)

    def result(self) -> FeatureSet:
        """Return what was collected.

        When every feature was kept, the moments are taken from them in one go, so that a result that comes from the
        cache, which keeps the features alone, is the same to the last bit.
        """
        features = self._collector.result()
        return replace(features, moments=Moments.of(features.sample)) if features.complete else features


def stream(source: Source, consumers: Sequence[Consumer], what: str) -> None:
    """Decode a source once, in order, and show every batch to every consumer."""
    with track(what, len(source)) as advance:
        for batch in source.batches(BATCH):
            for consumer in consumers:
                consumer.add(batch)
            advance(len(batch.names))


def collect_features(source: Source, extractor: Extractor, *, cap: int, seed: int, what: str) -> FeatureSet:
    """Return the features of a source.

    Args:
        source: the images.
        extractor: computes the features.
        cap: how many feature vectors to keep; the moments are over all images whatever it is.
        seed: seed of the choice of those kept.
        what: shown beside the progress bar.
    """
    consumer = FeatureConsumer(extractor, cap=cap, seed=seed)
    stream(source, [consumer], what)
    return consumer.result()


def feature_key(source: Source, extractor: Extractor, *, cap: int, seed: int) -> str:
    """Return the cache key of ``collect_features``: a hash of all that its result depends on."""
    parts = (source.digest(), extractor.spec.key(), str(cap), str(seed))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
