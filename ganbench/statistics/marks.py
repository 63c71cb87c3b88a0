"""Marks: the signatures of images that come in order, of those alone whose features are kept too."""

from __future__ import annotations

import numpy as np

from ganbench.statistics.collector import is_sampled
from ganbench.statistics.signatures import LENGTH


class MarkCollector:
    """Collects signatures in bounded memory; those of pieces are merged in order.

    Args:
        seed: Seed of the feature sample.
        bound: As ``sample_bound`` gives it for that sample; None: all are kept.
    """

    def __init__(self, seed: int, bound: int | None) -> None:
        self._seed, self._bound = seed, bound
        self._positions = [np.empty(0, np.int64)]
        self._signatures = [np.empty((0, LENGTH), np.uint8)]

    def wanted(self, positions: np.ndarray) -> np.ndarray:
        """Tell which of the positions, (b,), are kept, (b,) bool."""
        return is_sampled(positions, self._bound, self._seed)

    def add(self, positions: np.ndarray, signatures: np.ndarray) -> None:
        """Add positions in the source, (b,), that are wanted, and their signatures, (b, 256) uint8."""
        self._positions.append(np.asarray(positions, np.int64))
        self._signatures.append(signatures)

    def pack(self) -> dict[str, np.ndarray]:
        """Return all as plain arrays, for ``take``: ``positions`` (m,) and ``signatures`` (m, 256)."""
        self._positions = [np.concatenate(self._positions)]
        self._signatures = [np.concatenate(self._signatures)]
        return {"positions": self._positions[0], "signatures": self._signatures[0]}

    def take(self, packed: dict[str, np.ndarray]) -> None:
        """Add what the collector of the images that follow has packed."""
        self._positions.append(packed["positions"])
        self._signatures.append(packed["signatures"])

    def of(self, positions: np.ndarray) -> np.ndarray:
        """Return the signatures, (m, 256) uint8, of positions that were collected, ascending."""
        packed = self.pack()
        found: np.ndarray = packed["signatures"][np.searchsorted(packed["positions"], positions)]
        return found
