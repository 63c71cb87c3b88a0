"""Sample sheets as images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.images.sheets import SheetSource

_MOST_SAMPLES = 64  # of a sheet that are looked at
_OURS = (8, 8)  # rows and columns of the sheets of a training of ours


def read_sheet(path: Path, size: int) -> np.ndarray:
    """Return the samples of a sheet that a run of ours wrote, uint8 (N, size, size, 3).

    Raises:
        GanbenchError: it cannot be read, or is no such sheet.
    """
    source = SheetSource(path, grid=_OURS, pad=2)
    if source.image_size() != (size, size):
        raise GanbenchError(f"{path}: its tiles are not {size}x{size}")
    return tiles_of(source)


def tiles_of(source: SheetSource) -> np.ndarray:
    """Return the first samples of a sheet, uint8 (N, H, W, 3)."""
    return np.stack([source.load(i) for i in range(min(len(source), _MOST_SAMPLES))])
