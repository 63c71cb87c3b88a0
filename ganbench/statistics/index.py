"""The index of a set of images: what is remembered of every one of them, in some hundred bytes each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.projection import Projection
from ganbench.statistics.search import nearest_codes


@dataclass(frozen=True, eq=False)
class ImageIndex:
    """What is remembered of every image of a set.

    Attributes:
        projection: How features become codes.
        codes: (N, K) int8.
        signatures: (N, L) uint8; see :mod:`ganbench.statistics.signatures`.
        form: Name and version of the signatures' form.
        nearest: Distance of each image to its nearest other one that is not the same picture, in units of the
            features, (N,) float32; infinite where there is none.
        positions: Of each image in its source, (N,) int64, ascending.
        names: Of each image in its source.

    Raises:
        MetricError: arrays that do not fit together.
    """

    projection: Projection
    codes: np.ndarray
    signatures: np.ndarray
    form: str
    nearest: np.ndarray
    positions: np.ndarray
    names: Sequence[str]

    def __post_init__(self) -> None:
        count = len(self.codes)
        others = (self.signatures, self.nearest, self.positions, self.names)
        if not count or any(len(part) != count for part in others):
            raise MetricError(f"an index of {count} codes with {', '.join(str(len(part)) for part in others)} others.")

    def __len__(self) -> int:
        return len(self.codes)

    def encode(self, features: np.ndarray) -> np.ndarray:
        """Return the codes, (B, K) int8, of features, (B, D).

        Raises:
            MetricError: features of another length.
        """
        return self.projection.encode(features)

    def candidates(self, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the images that are nearest to each code.

        Args:
            codes: (B, K) int8, as ``encode`` gives them.
            k: how many of each; all there are if they are fewer.

        Returns:
            Distances, in units of the features, (B, k) float32, ascending, and rows of this index, (B, k) int64.
        """
        squared, rows = nearest_codes(self.codes, codes, k)
        return self.length(squared), rows

    def length(self, squared: np.ndarray) -> np.ndarray:
        """Return squared distances between codes, in steps, as distances in units of the features, float32."""
        return (np.sqrt(squared) * self.projection.step).astype(np.float32)
