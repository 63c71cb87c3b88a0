"""Sheets: one picture that holds a grid of images, as training loops save them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganbench.errors import SourceError
from ganbench.images.decode import WHITE, decode
from ganbench.images.resize import Resize
from ganbench.images.sources import Source

PADS = range(0, 9)  # pixels between tiles that are tried when the user does not say
_SMALLEST_TILE = 16
_UNIFORM = 8.0  # largest mean deviation of the separators from their colour, 0..255: JPEG rings at tile edges
_BLANK = 4.0  # largest mean deviation of a blank tile from the padding's colour, for the same reason


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

    def separators(self, sheet: np.ndarray) -> np.ndarray:
        """Return the pixels of the sheet (H, W, 3) that no tile covers, (M, 3)."""
        free = np.ones(sheet.shape[:2], bool)
        for index in range(self.rows * self.columns):
            top, left = self.corner(index)
            free[top : top + self.height, left : left + self.width] = False
        return sheet[free]


def _layouts(length: int, count: int | None, pad: int) -> list[tuple[int, int, bool]]:
    """Return all (count, tile length, border) that fill ``length`` pixels exactly."""
    found = []
    for border in (False, True) if pad else (False,):
        inner = length + (-pad if border else pad)  # now a whole number of (tile + pad)
        counts = range(1, inner // (_SMALLEST_TILE + pad) + 1) if count is None else [count]
        found += [(n, inner // n - pad, border) for n in counts if inner % n == 0 and inner // n > pad]
    return found


def _candidates(sheet: np.ndarray, grid: tuple[int, int] | None, pads: list[int]) -> list[Geometry]:
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


def _has_separators(sheet: np.ndarray, geometry: Geometry) -> bool:
    lines = geometry.separators(sheet).astype(np.float32)
    return len(lines) > 0 and bool(np.abs(lines - np.median(lines, axis=0)).mean() <= _UNIFORM)


def find_geometry(sheet: np.ndarray, grid: tuple[int, int] | None, pad: int | None, label: str) -> Geometry:
    """Find the one geometry that fits a sheet.

    Evidence for padding is that everything between the tiles has one colour. Without padding nothing separates tiles,
    so a guess needs a single power-of-two size that fits.

    Args:
        sheet: uint8 (H, W, 3).
        grid: (rows, columns), or None to guess square tiles.
        pad: pixels between tiles, or None to find it.
        label: for messages.

    Raises:
        SourceError: nothing fits, or several do.
    """
    height, width = sheet.shape[:2]
    found = _candidates(sheet, grid, list(PADS) if pad is None else [pad])
    asked = f"{'a guessed grid' if grid is None else f'{grid[0]}x{grid[1]} tiles'}, pad {'any' if pad is None else pad}"
    if not found:
        others = ", ".join(str(g) for g in _candidates(sheet, grid, list(PADS))[:4]) or "none with pads up to 8"
        raise SourceError(f"{label}: {height}x{width} pixels do not divide into {asked}. What fits: {others}")
    padded = [g for g in found if g.pad and _has_separators(sheet, g)]
    if padded:
        if grid is None:
            # Whole multiples of the true tile fit as well: the smallest tile explains the most separators.
            smallest = min(g.height for g in padded)
            padded = [g for g in padded if g.height == smallest]
        found = padded
    elif pad is None:
        found = [g for g in found if g.pad == 0] or found
    if grid is None and not padded:
        found = [g for g in found if g.height & (g.height - 1) == 0] or found
    if len(found) > 1:
        raise SourceError(
            f"{label}: several geometries fit: {'; '.join(str(g) for g in found[:6])}. "
            "Say which: --grid ROWSxCOLUMNS --pad PX"
        )
    return found[0]


class SheetSource(Source):
    """The tiles of one sheet, row by row, named ``sheet-1``, ``sheet-2``, ...

    Blank tiles at the end (the colour of the padding throughout, as ``make_grid`` leaves them) are dropped.

    Attributes:
        geometry: where the tiles are; shown to the user when it was guessed.
        blank: how many blank tiles were dropped.
    """

    def __init__(
        self,
        path: Path,
        *,
        grid: tuple[int, int] | str,
        pad: int | None,
        resize: Resize | None = None,
        background: tuple[int, int, int] = WHITE,
    ) -> None:
        self._sheet = decode(path.read_bytes(), path.name, background)
        self.geometry = find_geometry(self._sheet, None if isinstance(grid, str) else grid, pad, str(path))
        count = self.geometry.rows * self.geometry.columns
        kept = count
        while self.geometry.pad and kept > 1 and self._is_blank(kept - 1):
            kept -= 1
        self.blank = count - kept
        names = [f"{path.stem}-{i + 1}" for i in range(kept)]
        super().__init__(str(path), names, resize=resize, salt=str(self.geometry))

    def _tile(self, index: int) -> np.ndarray:
        top, left = self.geometry.corner(index)
        return self._sheet[top : top + self.geometry.height, left : left + self.geometry.width]

    def _is_blank(self, index: int) -> bool:
        colour = np.median(self.geometry.separators(self._sheet), axis=0)
        return bool(np.abs(self._tile(index) - colour).mean() <= _BLANK)

    def load(self, index: int) -> np.ndarray:
        """Return one tile; see ``Source.load``."""
        return np.ascontiguousarray(self._tile(index))

    def content(self, index: int) -> memoryview:
        """Return the pixels of the tile."""
        return memoryview(self.load(index)).cast("B")
