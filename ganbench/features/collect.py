"""One pass over a source feeds every consumer: extractors, detectors, duplicate search."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Protocol

from ganbench.features.cache import load_features, save_features
from ganbench.features.extractor import BATCH, Extractor
from ganbench.images.batch import Batch
from ganbench.images.source import Source
from ganbench.statistics.collector import FeatureCollector
from ganbench.statistics.features import FeatureSet
from ganbench.system.notes import Note, log_note
from ganbench.system.progress import track

_LOG = logging.getLogger(__name__)


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
        """Return what was collected."""
        return self._collector.result()


def stream(source: Source, consumers: Sequence[Consumer], what: str) -> None:
    """Decode a source once, in order, and show every batch to every consumer."""
    with track(what, len(source), unit="images") as advance:
        for batch in source.batches(BATCH):
            for consumer in consumers:
                consumer.add(batch)
            advance(len(batch.names))


def collect_all(
    source: Source,
    extractors: Sequence[Extractor],
    *,
    cap: int,
    seed: int,
    what: str,
    cache: bool,
    others: Sequence[Consumer] = (),
    note: Note = log_note,
) -> dict[str, FeatureSet]:
    """Return the features of a source under several extractors, by their names, from one pass over it.

    Args:
        source: the images.
        extractors: compute the features.
        cap: how many feature vectors to keep; the moments are over all images whatever it is.
        seed: seed of the choice of those kept.
        what: shown beside the progress.
        cache: reuse features that were kept before, and keep these.
        others: who else is to see every image; without them there is no pass if all features are known.
        note: told when features cannot be kept.
    """
    found: dict[str, FeatureSet] = {}
    keys: dict[str, str] = {}
    consumers: dict[str, FeatureConsumer] = {}
    for extractor in extractors:
        name = extractor.spec.name
        keys[name] = feature_key(source, extractor, cap=cap, seed=seed) if cache else ""
        known = load_features(keys[name], note) if cache else None
        if known is not None:
            found[name] = known
            _LOG.info("%s: the features of %s are in the cache", source.label, name)
        else:
            _LOG.info("%s: the features of %s are computed", source.label, name)
            consumers[name] = FeatureConsumer(extractor, cap=cap, seed=seed)
    if others or consumers:
        stream(source, [*others, *consumers.values()], what)
    for name, consumer in consumers.items():
        found[name] = consumer.result()
        if cache and not source.bad:
            save_features(keys[name], found[name], note)
    return found


def collect_features(
    source: Source,
    extractor: Extractor,
    *,
    cap: int,
    seed: int,
    what: str,
    cache: bool = False,
    note: Note = log_note,
) -> FeatureSet:
    """Return the features of a source under one extractor; see ``collect_all``."""
    found = collect_all(source, [extractor], cap=cap, seed=seed, what=what, cache=cache, note=note)
    return found[extractor.spec.name]


def feature_key(source: Source, extractor: Extractor, *, cap: int, seed: int) -> str:
    """Return the cache key of ``collect_features``: a hash of all that its result depends on."""
    parts = (source.digest(), extractor.spec.key(), str(cap), str(seed))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
