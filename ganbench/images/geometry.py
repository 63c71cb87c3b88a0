"""Where the tiles of a sheet are, and how that is found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.errors import SourceError

PADS = range(0, 9)  # pixels between tiles that are tried when the user does not say
SMALLEST_TILE = 16
# Measured on torchvision grids of real faces and of saturated noise, as JPEG of quality 75 and 95, 0..255: the largest
# mean deviation of one line of padding from the padding's colour was 11, wrong lines had 55 and more.
_UNIFORM = 16.0


@dataclass(frozen=True)
class Geometry:
    """Where the tiles of a sheet are.

    Attributes:
        rows: tiles from top to bottom.
        columns: tiles from left to right.
        height: height of a tile, pixels.
        width: width of a tile, pixels.
        pad: pixels between tiles.
        border: whether the padding also surrounds the sheet, as ``torchvision.utils.save_image`` draws it.
    """

    rows: int
    columns: int
    height: int
    width: int
    pad: int
    border: bool

    def __str__(self) -> str:
        edge = ", bordered" if self.border else ""
        return f"{self.rows}x{self.columns} tiles of {self.height}x{self.width} pixels, pad {self.pad}{edge}"

    def corner(self, index: int) -> tuple[int, int]:
        """Return (top, left) of tile ``index``, counted row by row, pixels."""
        row, column = divmod(index, self.columns)
        first = self.pad if self.border else 0
        return first + row * (self.height + self.pad), first + column * (self.width + self.pad)

    def separators(self, sheet: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the lines of the sheet (H, W, 3) that no tile covers: rows (M, W, 3) and columns (H, K, 3)."""
        free_rows, free_columns = (np.ones(length, bool) for length in sheet.shape[:2])
        for index in range(self.rows * self.columns):
            top, left = self.corner(index)
            free_rows[top : top + self.height] = False
            free_columns[left : left + self.width] = False
        return sheet[free_rows], sheet[:, free_columns]

    def pad_colour(self, sheet: np.ndarray) -> np.ndarray:
        """Return the padding's colour, the median of all separators: float (3,)."""
        return np.median(np.concatenate([lines.reshape(-1, 3) for lines in self.separators(sheet)]), axis=0)


def _layouts(length: int, count: int | None, pad: int) -> list[tuple[int, int, bool]]:
    """Return all (count, tile length, border) that fill ``length`` pixels exactly."""
    found = []
    for border in (False, True) if pad else (False,):
        inner = length + (-pad if border else pad)  # now a whole number of (tile + pad)
        counts = range(1, inner // (SMALLEST_TILE + pad) + 1) if count is None else [count]
        found += [(n, inner // n - pad, border) for n in counts if inner % n == 0 and inner // n > pad]
    return found


def candidates(sheet: np.ndarray, grid: tuple[int, int] | None, pads: list[int]) -> list[Geometry]:
    """Return the geometries that fill a sheet (H, W, 3) exactly; without a grid (rows, columns), of square tiles."""
    height, width = sheet.shape[:2]
    found = []
    for pad in pads:
        for rows, tile_height, border in _layouts(height, grid and grid[0], pad):
            for columns, tile_width, border_too in _layouts(width, grid and grid[1], pad):
                if border != border_too or (grid is None and tile_height != tile_width):
                    continue
                if rows * columns > 1 or grid is not None:
                    found.append(Geometry(rows, columns, tile_height, tile_width, pad, border))
    return found


def has_separators(sheet: np.ndarray, geometry: Geometry) -> bool:
    """Tell whether every single line between the tiles has the padding's colour; an average would hide a wrong one."""
    colour = geometry.pad_colour(sheet)
    rows, columns = (np.abs(lines - colour) for lines in geometry.separators(sheet))
    return bool((rows.mean((1, 2)) <= _UNIFORM).all() and (columns.mean((0, 2)) <= _UNIFORM).all())


def find_geometry(sheet: np.ndarray, grid: tuple[int, int] | None, pad: int | None, label: str) -> Geometry:
    """Find the one geometry that fits a sheet.

    Evidence for padding is that every line between the tiles has one colour. Multiples of the true tile, and thinner
    padding inside the true one, pass that test too; the true geometry is the one that explains the most pixels.
    Without padding nothing separates tiles, so a guess needs a single power-of-two size that fits.

    Args:
        sheet: uint8 (H, W, 3).
        grid: (rows, columns), or None to guess square tiles.
        pad: pixels between tiles, or None to find it.
        label: for messages.

    Raises:
        SourceError: nothing fits, or several do.
    """
    height, width = sheet.shape[:2]
    arithmetic = candidates(sheet, grid, list(PADS) if pad is None else [pad])
    padded = [g for g in arithmetic if g.pad and g.rows * g.columns > 1 and has_separators(sheet, g)]
    if padded:
        covered = [g.rows * g.columns * g.height * g.width for g in padded]
        found = [g for g, c in zip(padded, covered, strict=True) if c == min(covered)]
    elif pad is None:  # padding that cannot be seen is not assumed: it would cut pixels off the images
        found = [g for g in arithmetic if g.pad == 0]
    else:
        found = arithmetic
    if grid is None and not padded:
        found = [g for g in found if g.height & (g.height - 1) == 0] or found
    if not found:
        asked = (
            f"{'a guessed grid' if grid is None else f'{grid[0]}x{grid[1]} tiles'}, pad {'any' if pad is None else pad}"
        )
        fits = (
            "; ".join(str(g) for g in candidates(sheet, grid, list(PADS))[:4]) or f"nothing with pads up to {PADS[-1]}"
        )
        unseen = " with padding of one colour" if arithmetic else ""
        raise SourceError(f"{label}: {height}x{width} pixels do not divide into {asked}{unseen}. What fits: {fits}")
    if len(found) > 1:
        raise SourceError(
            f"{label}: several geometries fit: {'; '.join(str(g) for g in found[:6])}. "
            "Say which: --grid ROWSxCOLUMNS --pad PX"
        )
    return found[0]
