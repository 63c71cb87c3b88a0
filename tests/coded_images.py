"""An index of images of which nothing but codes is known, and codes of several kinds."""

from __future__ import annotations

import numpy as np

from ganbench.statistics.index import ImageIndex
from ganbench.statistics.projection import Projection


def index_of(codes: np.ndarray) -> ImageIndex:
    """Return the index of codes, (N, D) int8, under signatures that have nothing in common."""
    count, size = codes.shape
    projection = Projection(np.zeros(size, np.float32), np.eye(size, dtype=np.float32), 1.0)
    names = [f"{i}.jpg" for i in range(count)]
    signatures = np.random.default_rng(0).integers(0, 256, (count, 256), np.uint8)
    return ImageIndex(projection, codes, signatures, "gray-16 v2", np.ones(count, np.float32), np.arange(count), names)


def clumps(rng: np.random.Generator, counts: list[int]) -> np.ndarray:
    """Return codes of that many images of each of several kinds."""
    centres = np.random.default_rng(5).integers(-90, 90, (len(counts), 8))
    parts = [centre + rng.normal(0, 8, (count, 8)) for centre, count in zip(centres, counts, strict=True)]
    return np.clip(np.concatenate(parts), -127, 127).astype(np.int8)
