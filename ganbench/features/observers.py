"""Observers: what looks at images, in a form that travels to where the images are read.

An observer is an instrument in two halves. One half works where images are read: it loads a network, looks at batches,
and packs what it saw into plain arrays. The other half is a tally without any network, which takes in what was packed
about one piece of a source after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ganbench.errors import MetricError
from ganbench.features.extractor import Extractor, same_extractor
from ganbench.features.spec import ExtractorSpec
from ganbench.images.batch import Batch
from ganbench.statistics.collector import FeatureCollector
from ganbench.system.notes import Note

Packed = dict[str, np.ndarray]


class Tally(Protocol):
    """What was seen of images that came in order."""

    def pack(self) -> Packed:
        """Return all of it as plain arrays."""
        ...

    def take(self, packed: Packed) -> object:
        """Add what was packed about the images that follow."""
        ...


class Consumer(Protocol):
    """Looks at every batch once."""

    @property
    def tally(self) -> Tally:
        """Return what it has seen."""
        ...

    def add(self, batch: Batch) -> None:
        """Take in one batch."""
        ...


class Observer(Protocol):
    """What looks at images, as it travels: it can be pickled, without its network."""

    @property
    def identity(self) -> str:
        """Return everything that decides what it packs besides the images and their positions."""
        ...

    def load(self, note: Note, first: Callable[[], None]) -> Any:
        """Return what it looks with; any number of consumers may share it.

        Args:
            note: is told in one line what a person should know.
            first: called before something is begun that takes long.
        """
        ...

    def consumer(self, loaded: Any) -> Consumer:
        """Return what looks at images with what was loaded."""
        ...

    def tally(self) -> Tally:
        """Return what takes in what was packed, empty."""
        ...


class FeatureConsumer:
    """Extracts features and folds them into moments and a sample."""

    def __init__(self, extractor: Extractor, tally: FeatureCollector) -> None:
        self._extractor = extractor
        self.tally = tally

    def add(self, batch: Batch) -> None:
        """Take in one batch."""
        features, logits = self._extractor(batch.pixels)
        self.tally.add(batch.indices, features, logits)


@dataclass(frozen=True)
class Elsewhere:
    """An extractor that is loaded elsewhere, and not in this process.

    Attributes:
        spec: its specification.
        again: loads it, given ``note`` and ``first`` of ``load_extractor``; it can be pickled. None: nothing can.
        runtime: what runs it there.
    """

    spec: ExtractorSpec
    again: Callable[..., Extractor] | None
    runtime: str = ""


class FeatureObserver:
    """Computes features under one extractor.

    Attributes:
        spec: the extractor's specification.
    """

    def __init__(self, extractor: Extractor | Elsewhere, *, cap: int, seed: int, bound: int | None = None) -> None:
        """Set up.

        Args:
            extractor: the extractor.
            cap: how many feature vectors to keep; the moments are over all images whatever it is.
            seed: seed of the choice of those kept.
            bound: see ``FeatureCollector``.
        """
        self.spec = extractor.spec
        self._extractor = extractor
        self._cap, self._seed, self._bound = cap, seed, bound

    @property
    def identity(self) -> str:
        """See ``Observer``."""
        return f"{self.spec.key()} {self._cap} {self._seed} {self._bound}"

    def load(self, note: Note, first: Callable[[], None]) -> Extractor:
        """Return the extractor.

        Raises:
            GanbenchError: it cannot be loaded here, or would compute something else here.
        """
        if isinstance(self._extractor, Extractor):
            return self._extractor
        if self._extractor.again is None:
            raise MetricError(f"{self.spec.name} was put together by hand, and cannot be loaded elsewhere")
        return same_extractor(self._extractor.again(note=note, first=first), self.spec)

    def consumer(self, loaded: Extractor) -> FeatureConsumer:
        """See ``Observer``."""
        return FeatureConsumer(loaded, self.tally())

    def tally(self) -> FeatureCollector:
        """See ``Observer``."""
        return FeatureCollector(self.spec.feature_size, self._cap, self._seed, self._bound)
