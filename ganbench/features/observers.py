"""Observers: what looks at images, in a form that travels to where the images are read.

An observer is an instrument in two halves. One half works where images are read: it loads a network, looks at batches,
and packs what it saw into plain arrays. The other half is a tally without any network, which takes in what was packed
about one piece of a source after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from ganbench.features.extractor import Extractor
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
    """Looks at every batch once.

    Attributes:
        tally: what it has seen.
    """

    @property
    def tally(self) -> Tally: ...

    def add(self, batch: Batch) -> None:
        """Take in one batch."""
        ...


class Observer(Protocol):
    """What looks at images, as it travels: it can be pickled, without its network.

    Attributes:
        identity: everything that decides what it packs besides the images and their positions.
    """

    @property
    def identity(self) -> str: ...

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

    def let_go(self) -> None:
        """Let go of what was loaded in this process: it is used elsewhere."""
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


class FeatureObserver:
    """Computes features under one extractor.

    Attributes:
        spec: the extractor's specification.
    """

    def __init__(
        self,
        extractor: Extractor | ExtractorSpec,
        again: Callable[..., Extractor] | None = None,
        *,
        cap: int,
        seed: int,
        bound: int | None = None,
    ) -> None:
        """Set up.

        Args:
            extractor: the extractor; or its specification, where it is only to be loaded elsewhere.
            again: loads it elsewhere; default: as it was loaded here.
            cap: how many feature vectors to keep; the moments are over all images whatever it is.
            seed: seed of the choice of those kept.
            bound: see ``FeatureCollector``.
        """
        self._extractor = extractor if isinstance(extractor, Extractor) else None
        self.spec = extractor if isinstance(extractor, ExtractorSpec) else extractor.spec
        self._again = again if self._extractor is None else self._extractor.again
        self._cap, self._seed, self._bound = cap, seed, bound

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_extractor": None}

    @property
    def identity(self) -> str:
        """See ``Observer``."""
        return f"{self.spec.key()} {self._cap} {self._seed} {self._bound}"

    def load(self, note: Note, first: Callable[[], None]) -> Extractor:
        """Return the extractor.

        Raises:
            GanbenchError: it cannot be loaded here, or would compute something else here.
        """
        if self._extractor is not None:
            return self._extractor
        if self._again is None:
            raise TypeError(f"{self.spec.name} was put together by hand, and cannot be loaded elsewhere")
        return same_extractor(self._again(note=note, first=first), self.spec)

    def consumer(self, loaded: Extractor) -> FeatureConsumer:
        """See ``Observer``."""
        return FeatureConsumer(loaded, self.tally())

    def tally(self) -> FeatureCollector:
        """See ``Observer``."""
        return FeatureCollector(self.spec.feature_size, self._cap, self._seed, self._bound)

    def let_go(self) -> None:
        """See ``Observer``."""
        self._extractor = None
