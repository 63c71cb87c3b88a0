"""The collector of what an index remembers: the code and the signature of every image, in order."""

from __future__ import annotations

import numpy as np

from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import LENGTH


class ImageCollector:
    """Collects codes and signatures of images that come in order; those of pieces are merged in order.

    With a projection features become codes at once, so that memory is some hundred bytes an image. Without one they are
    kept until there is one.

    Args:
        feature_size: D.
        projection: How features become codes; None: ``result`` will say.
    """

    def __init__(self, feature_size: int, projection: Projection | None) -> None:
        self._projection = projection
        empty = np.empty((0, feature_size), np.float32)
        self._positions = [np.empty(0, np.int64)]
        self._rows = [empty if projection is None else projection.encode(empty)]  # codes, or features
        self._signatures = [np.empty((0, LENGTH), np.uint8)]

    def add(self, positions: np.ndarray, features: np.ndarray, signatures: np.ndarray) -> None:
        """Add a batch: positions in the source, (b,), features, (b, D), and signatures, (b, L)."""
        self._positions.append(np.asarray(positions, np.int64))
        self._rows.append(features if self._projection is None else self._projection.encode(features))
        self._signatures.append(signatures)

    def pack(self) -> dict[str, np.ndarray]:
        """Return all that was collected as plain arrays, for ``take``."""
        self._positions, self._rows, self._signatures = (
            [_joined(parts)] for parts in (self._positions, self._rows, self._signatures)
        )
        return {"positions": self._positions[0], "rows": self._rows[0], "signatures": self._signatures[0]}

    def take(self, packed: dict[str, np.ndarray]) -> None:
        """Add what the collector of the images that follow has packed."""
        self._positions.append(packed["positions"])
        self._rows.append(packed["rows"])
        self._signatures.append(packed["signatures"])

    def result(self, projection: Projection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return positions, (n,) int64, codes, (n, K) int8, and signatures, (n, L) uint8. This ends the collecting.

        Args:
            projection: The one that was given at the start; where none was, the one that makes the codes.
        """
        packed = self.pack()
        self._rows = []
        rows = packed["rows"]
        return packed["positions"], rows if self._projection else projection.encode(rows), packed["signatures"]


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Return the rows of all parts, which are let go one by one: both at once might not fit."""
    if len(parts) == 1:
        return parts[0]
    whole = np.empty((sum(len(part) for part in parts), *parts[0].shape[1:]), parts[0].dtype)
    start = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        whole[start : start + len(part)] = part
        start += len(part)
    return whole
