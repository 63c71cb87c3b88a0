"""The copy check of a page: the samples that are nearest to a real image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ganbench.images.source import Source
from ganbench.report.tiles import Tiles
from ganbench.system.notes import Note, log_note
from ganbench.training.data import decode_source

_COARSE = 16  # pixels of a side at which images are compared


@dataclass(frozen=True)
class Nearest:
    """The samples nearest to a real image.

    Attributes:
        tiles: those samples, each above that real image.
        least: smallest distance: root mean square difference of 16x16 pixels, 0..255.
        median: median over all samples of the distance to the nearest real image.
    """

    tiles: Tiles
    least: float
    median: float


class RealImages:
    """Real images in a form in which many can be searched."""

    def __init__(self, source: Source, note: Note = log_note) -> None:
        """Decode the images, or find them in the cache; ``note`` is told when that cannot be used.

        Raises:
            GanbenchError: bad images.
        """
        self.pixels = decode_source(source, note)
        self._coarse = _coarse(self.pixels)

    def nearest(self, images: np.ndarray, most: int = 8) -> Nearest | None:
        """Search for copies by colours at 16x16 pixels, as the images are and mirrored.

        Args:
            images: uint8 (N, H, W, 3).
            most: number of pairs to show, the nearest first.

        Returns:
            None for images of another size than the real ones.
        """
        if images.shape[1:] != self.pixels.shape[1:]:
            return None
        distances, matches = [], []
        for version in (images, images[:, :, ::-1]):
            own = _coarse(version)
            squares = (own**2).sum(1)[:, None] + (self._coarse**2).sum(1)[None] - 2 * own @ self._coarse.T
            matches.append(squares.argmin(1))
            distances.append(squares.min(1))
        better = np.argmin(distances, axis=0)
        match = np.choose(better, matches)
        distance = 255 * np.sqrt(np.maximum(np.min(distances, axis=0), 0) / self._coarse.shape[1])
        order = distance.argsort()[:most]
        tiles = Tiles(np.concatenate([images[order], self.pixels[match[order]]]), len(order))
        return Nearest(tiles, float(distance.min()), float(np.median(distance)))


def _coarse(images: np.ndarray) -> np.ndarray:
    """Return images as vectors of 16x16 colours, -0.5 .. 0.5, float32 (N, 768)."""
    small = [cv2.resize(image, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA) for image in images]
    return (np.stack(small).reshape(len(images), -1) / 255 - 0.5).astype(np.float32)
