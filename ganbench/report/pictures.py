"""Pictures for the page: sheets of samples, figures, and the nearest real images."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from ganbench.images.source import Source
from ganbench.system.notes import Note, log_note
from ganbench.system.style import write_figure
from ganbench.training.data import decode_source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COARSE = 16  # pixels of a side at which images are compared for the copy check
_QUALITY = 75  # of WebP: half the bytes of a JPEG of quality 88, and as good to the eye


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, with its size in pixels."""

    uri: str
    width: int
    height: int


def sheet_of(images: np.ndarray, *, columns: int = 8, pad: int = 2) -> Picture:
    """Return images, uint8 (N, H, W, 3), as one picture, row by row."""
    count, height, width, _ = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, 3), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = pad + (i // columns) * (height + pad), pad + (i % columns) * (width + pad)
        sheet[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "WEBP", quality=_QUALITY)
    uri = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
    return Picture(uri, sheet.shape[1], sheet.shape[0])


def figure_of(figure: Figure) -> Picture:
    """Return a figure as SVG."""
    buffer = io.BytesIO()
    write_figure(figure, buffer, "svg")
    uri = "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
    width, height = figure.get_size_inches() * 96  # CSS pixels
    return Picture(uri, round(width), round(height))


@dataclass(frozen=True)
class Nearest:
    """The samples nearest to a real image.

    Attributes:
        sheet: those samples, each above that real image.
        least: smallest distance: root mean square difference of 16x16 pixels, 0..255.
        median: median over all samples of the distance to the nearest real image.
    """

    sheet: Picture
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
        sheet = sheet_of(np.concatenate([images[order], self.pixels[match[order]]]), columns=len(order))
        return Nearest(sheet, float(distance.min()), float(np.median(distance)))


def _coarse(images: np.ndarray) -> np.ndarray:
    """Return images as vectors of 16x16 colours, -0.5 .. 0.5, float32 (N, 768)."""
    small = [cv2.resize(image, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA) for image in images]
    return (np.stack(small).reshape(len(images), -1) / 255 - 0.5).astype(np.float32)
