"""What a source reads."""

from __future__ import annotations

import numpy as np

from ganbench.images.source import Source


def pixels_of(source: Source, size: int = 5) -> np.ndarray:
    return np.concatenate([batch.pixels for batch in source.batches(size)])
