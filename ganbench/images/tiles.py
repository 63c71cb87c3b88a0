"""Advice on images of a wrong size: sheets of tiles are recognised, since to resize one squashes it into one image."""

from __future__ import annotations

import numpy as np

from ganbench.errors import SourceError
from ganbench.images.geometry import PADS, Geometry, candidates, has_separators

# Measured on 267 grids of real faces of 64x64 pixels without padding, and on 2,400 enlarged single faces, as PNG and as
# JPEG of quality 75 and 95: the step across a seam over the step between other neighbours was 2.9 or more on grids
# (median 5), and at the same places of single faces at most 2.2.
_SEAM = 2.5
_FEW_SEAMS = 2  # fewer could be a coincidence
_CONTENT = 4.0  # mean difference of a tile from the padding that makes it more than blank, 0..255
_SIDES = (64, 128, 256, 32, 96, 512)  # of tiles that are looked for where none of the expected size are found
_MANY_TILES = 9  # that such a sheet must have: fewer tiles of a size that nobody named are too weak a sign
_MOST_PIXELS = 16 << 20  # of a picture that is looked at


def recognise(pixels: np.ndarray, tile: tuple[int, int]) -> Geometry | None:
    """Return how a picture is divided into tiles, best of the expected size, or None if it does not look like a sheet.

    Padding is seen by its colour. Without padding, tiles are seen by the steps between them.

    Args:
        pixels: uint8 (H, W, 3).
        tile: (height, width) that an image should have, pixels.
    """
    if pixels.shape[0] * pixels.shape[1] > _MOST_PIXELS:
        return None
    for size in dict.fromkeys([tile, *((side, side) for side in _SIDES)]):
        found = _of_tiles(pixels, size)
        if found is not None and (size == tile or found.rows * found.columns >= _MANY_TILES):
            return found
    return None


def _of_tiles(pixels: np.ndarray, tile: tuple[int, int]) -> Geometry | None:
    height, width = pixels.shape[:2]
    fitting = []
    for pad in PADS:
        rows, columns = ((length + pad) // (side + pad) for length, side in zip((height, width), tile, strict=True))
        if rows and columns and rows * columns > 1:
            fitting += [g for g in candidates(pixels, (rows, columns), [pad]) if (g.height, g.width) == tile]
    padded = [g for g in fitting if g.pad and has_separators(pixels, g)]
    if padded and _has_content(pixels, padded[0]):
        return padded[0]
    return next((g for g in fitting if g.pad == 0 and _has_seams(pixels, g)), None)


def _has_content(pixels: np.ndarray, geometry: Geometry) -> bool:
    """Tell whether most tiles are of another colour than the padding: a blank page is divided by anything."""
    colour = geometry.pad_colour(pixels)
    filled = 0
    for index in range(geometry.rows * geometry.columns):
        top, left = geometry.corner(index)
        tile = pixels[top : top + geometry.height, left : left + geometry.width]
        filled += bool(np.abs(tile - colour).mean() > _CONTENT)
    return filled * 2 > geometry.rows * geometry.columns


def _has_seams(pixels: np.ndarray, geometry: Geometry) -> bool:
    """Tell whether neighbours differ more across the seams between tiles than elsewhere, in both directions."""
    seams = 0
    for lines, count, side in (
        (pixels, geometry.rows, geometry.height),
        (pixels.swapaxes(0, 1), geometry.columns, geometry.width),
    ):
        if count == 1:
            continue
        steps = np.array([_step(lines, i) for i in range(1, len(lines))])
        at = np.arange(1, count) * side - 1
        inside = np.delete(steps, at)
        if np.median(steps[at]) <= _SEAM * max(np.median(inside), 1.0):
            return False
        seams += len(at)
    return seams >= _FEW_SEAMS


def _step(lines: np.ndarray, index: int) -> float:
    return float(np.abs(lines[index].astype(np.int16) - lines[index - 1]).mean())


def sheet_advice(pixels: np.ndarray, size: tuple[int, int]) -> str:
    """Return what to do with images if they are sheets; nothing if they do not look like it.

    Args:
        pixels: one of the images, uint8 (H, W, 3).
        size: (height, width) that is expected, pixels.
    """
    sheet = recognise(pixels, size)
    if sheet is None:
        return ""
    grid = f"--grid {sheet.rows}x{sheet.columns}" + (f" --pad {sheet.pad}" if sheet.pad else "")
    return (
        f"They look like sheets of {sheet}: cut them into single images first (ganbench data slice FOLDER OUT {grid}), "
        f"or give one sheet as it is, with {grid}"
    )


def mixed_sizes(
    label: str, first: tuple[str, tuple[int, int]], other: tuple[str, tuple[int, int]], larger: np.ndarray
) -> SourceError:
    """Return the error for images of two sizes.

    Args:
        label: the source.
        first: name and (height, width) of the image that sets the size.
        other: the same of one that has another.
        larger: the larger of the two, uint8 (H, W, 3).
    """
    (name, (h0, w0)), (odd, (h, w)) = first, other
    what = f"{label}: images of different sizes: {name} is {h0}x{w0} pixels, {odd} is {h}x{w}. "
    smaller = min((h0, w0), (h, w), key=lambda size: size[0] * size[1])
    if sheets := sheet_advice(larger, smaller):
        return SourceError(what + sheets)
    return SourceError(what + f"Bring them to one size by a stated rule, such as --resize {h0}x{w0}")
