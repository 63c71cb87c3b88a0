"""The observer of looks: it measures pixels, and needs no network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganbench.images.batch import Batch
from ganbench.looks.measures import FORM, LEAST_SIDE, NAMES, measure
from ganbench.statistics.signatures import SIGNATURE, signatures
from ganbench.system.notes import Note


class LookTally:
    """Collects measures and signatures of images that come in order, and the pixels of some."""

    def __init__(self) -> None:
        self._parts: list[dict[str, np.ndarray]] = []

    def add(self, positions: np.ndarray, pixels: np.ndarray, kept: np.ndarray) -> None:
        """Add a batch: positions in the source, (b,), uint8 (b, H, W, 3), and of which the pixels are kept, (b,)."""
        measured = measure(pixels) if min(pixels.shape[1:3]) >= LEAST_SIDE else np.zeros((len(pixels), len(NAMES)))
        self._parts.append(
            {
                "positions": np.asarray(positions, np.int64), "measures": measured.astype(np.float32),
                "signatures": signatures(pixels), "pixels": pixels[kept],
            }
        )  # fmt: skip

    def pack(self) -> dict[str, np.ndarray]:
        """Return what was collected as plain arrays, for ``take``; empty of no images."""
        if len(self._parts) > 1:
            names = self._parts[0]
            self._parts = [{name: np.concatenate([part[name] for part in self._parts]) for name in names}]
        return self._parts[0] if self._parts else {}

    def take(self, packed: dict[str, np.ndarray]) -> None:
        """Add what the collector of the images that follow has packed."""
        if packed:
            self._parts.append(packed)


class LookConsumer:
    """Measures every image."""

    def __init__(self, kept: np.ndarray) -> None:
        self.tally = LookTally()
        self._kept = kept

    def add(self, batch: Batch) -> None:
        """Take in one batch."""
        self.tally.add(batch.indices, batch.pixels, np.isin(batch.indices, self._kept))


class LookObserver:
    """Sends ``LookConsumer``.

    Args:
        kept: positions of the images whose pixels are kept, (k,) int64.
    """

    def __init__(self, kept: np.ndarray | None = None) -> None:
        self._kept = np.empty(0, np.int64) if kept is None else kept
        self.identity = f"{FORM} {SIGNATURE} {self._kept.tolist()}"

    def load(self, note: Note, first: Callable[[], None]) -> None:
        """See ``Observer``."""
        del note, first

    def consumer(self, loaded: None) -> LookConsumer:
        """See ``Observer``."""
        del loaded
        return LookConsumer(self._kept)

    def tally(self) -> LookTally:
        """See ``Observer``."""
        return LookTally()
