"""Pictures for a page: sheets of images, and figures."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ganbench.images.source import Source
from ganbench.system.style import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 96  # pixels of a single image at most
QUALITY = 75  # of WebP: half the bytes of a JPEG of quality 88, and as good to the eye


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, with its size in pixels.

    Attributes:
        uri: the picture.
        width: in pixels.
        height: in pixels.
        outlines: what is drawn over it, as a path of SVG in its pixels; "" without any.
        row: of a sheet, the height of its first row.
    """

    uri: str
    width: int
    height: int
    outlines: str = ""
    row: int = 0


def image_of(source: Source, index: int) -> np.ndarray:
    """Return an image as it was looked at, made smaller where it is large: uint8 (H, W, 3).

    Raises:
        DecodeError: it cannot be read any more.
    """
    pixels = source.load(index)
    if source.resize is not None:
        pixels = source.resize(pixels)
    if max(pixels.shape[:2]) <= _SIDE:
        return pixels
    image = Image.fromarray(pixels)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(image)


def sheet_of(
    images: np.ndarray,
    *,
    columns: int = 8,
    pad: int = 2,
    quality: int = QUALITY,
    boxes: Sequence[np.ndarray] | None = None,
) -> Picture:
    """Return images as one picture, row by row.

    Args:
        images: uint8 (N, H, W, 3).
        columns: images side by side.
        pad: pixels between them.
        quality: of WebP, 0..100.
        boxes: what is drawn over each image, float (boxes, 4): x0, y0, x1, y1 in its pixels.
    """
    count, height, width, _ = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, 3), 255, np.uint8)
    corners = [(pad + (i // columns) * (height + pad), pad + (i % columns) * (width + pad)) for i in range(count)]
    for (top, left), image in zip(corners, images, strict=True):
        sheet[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "WEBP", quality=quality, method=6)
    uri = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
    return Picture(uri, sheet.shape[1], sheet.shape[0], _outlines(boxes or (), corners), height + 2 * pad)


def _outlines(boxes: Sequence[np.ndarray], corners: Sequence[tuple[int, int]]) -> str:
    parts = []
    for found, (top, left) in zip(boxes, corners, strict=False):
        for x0, y0, x1, y1 in np.rint(np.asarray(found, float)).astype(int).tolist():
            parts.append(f"M{left + x0} {top + y0}h{x1 - x0}v{y1 - y0}h{x0 - x1}z")
    return "".join(parts)


def figure_of(figure: Figure) -> Picture:
    """Return a figure as SVG."""
    buffer = io.BytesIO()
    write_figure(figure, buffer, "svg")
    uri = "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
    width, height = figure.get_size_inches() * 96  # CSS pixels
    return Picture(uri, round(width), round(height))
