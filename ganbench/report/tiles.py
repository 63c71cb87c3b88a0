"""Sheets of an entry, as small as a page needs them: together they take no more than they may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ganbench.report.pictures import QUALITY, Picture, sheet_of

# Side of an image at most, and quality: the first at which the sheets take no more than they may. Noise takes most, and
# is still noise at the last one.
_STEPS = (
    (256, QUALITY), (128, QUALITY), (96, QUALITY), (64, QUALITY), (64, 60), (64, 45), (64, 30), (48, 40), (48, 20),
    (32, 20), (24, 20), (16, 20),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Tiles:
    """Images for a sheet.

    Attributes:
        images: uint8 (N, H, W, 3).
        columns: images side by side.
        boxes: of every image, what was found in it, float (boxes, 4): x0, y0, x1, y1 in its pixels.
    """

    images: np.ndarray
    columns: int = 8
    boxes: Sequence[np.ndarray] = ()


def sheets_of(tiles: Sequence[Tiles], most: int) -> list[Picture]:
    """Return sheets of one quality: the best at which they take no more than ``most`` characters, or the least."""
    largest = max((max(one.images.shape[1:3]) for one in tiles), default=0)
    sheets: list[Picture] = []
    for side, quality in dict.fromkeys((min(side, largest), quality) for side, quality in _STEPS):
        sheets = [_sheet(one, side, quality) for one in tiles]
        if sum(len(sheet.uri) for sheet in sheets) <= most:
            break
    return sheets


def _sheet(tiles: Tiles, side: int, quality: int) -> Picture:
    height, width = tiles.images.shape[1:3]
    scale = min(1.0, side / max(height, width))
    if scale == 1.0:
        return sheet_of(tiles.images, columns=tiles.columns, quality=quality, boxes=tiles.boxes)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    images = np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in tiles.images])
    boxes = [np.asarray(found, float) * scale for found in tiles.boxes]
    return sheet_of(images, columns=tiles.columns, quality=quality, boxes=boxes)
