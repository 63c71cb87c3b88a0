"""Sheets: one picture that holds a grid of images, as training loops save them."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.errors import SourceError
from ganbench.images.decode import WHITE, decode, room_for
from ganbench.images.files import read_file
from ganbench.images.geometry import Geometry, find_geometry
from ganbench.images.limits import DEFAULT
from ganbench.images.place import Place
from ganbench.images.remade import Remade
from ganbench.images.resize import Resize
from ganbench.images.source import Source
from ganbench.system.storage import atomic_write
from ganbench.system.wall import wall

# Measured on torchvision grids of real faces, as JPEG of quality 75 and 95, 0..255:
_BLANK = 2.0  # largest mean deviation of a blank tile in a lossy sheet: found <= 1.7, the darkest real face 29
_LOSSY = (b"\xff\xd8", b"RIFF")  # how JPEG and WebP files start


class SheetSource(Source):
    """The tiles of one sheet, row by row, named ``sheet-1``, ``sheet-2``, ...

    Blank tiles at the end, as ``make_grid`` leaves them, are dropped: exactly of the padding's colour throughout, or,
    in a lossy sheet, as near to it as compression leaves them.

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
        if isinstance(grid, str) and grid != "guess":
            raise SourceError(f"grid {grid!r}: expected (rows, columns) or 'guess'")
        sheet = _Sheet.read(path, str(path), background)
        again = partial(_Sheet.again, Place.of(path), str(path), background, sheet.digest)
        self._sheet = Remade(again, sheet)
        self._offset = 0
        self.geometry = find_geometry(sheet.pixels, None if isinstance(grid, str) else grid, pad, str(path))
        count = self.geometry.rows * self.geometry.columns
        kept = count
        while self.geometry.pad and kept > 1 and self._is_blank(kept - 1):
            kept -= 1
        self.blank = count - kept
        names = [f"{path.stem}-{i + 1}" for i in range(kept)]
        super().__init__(str(path), names, resize=resize, salt=str(self.geometry))
        self.shaping = {"background": list(background), "sheet": str(self.geometry)}

    def _tile(self, index: int) -> np.ndarray:
        top, left = self.geometry.corner(self._offset + index)
        return self._sheet().pixels[top : top + self.geometry.height, left : left + self.geometry.width]

    def _is_blank(self, index: int) -> bool:
        sheet = self._sheet()
        away = np.abs(self._tile(index) - self.geometry.pad_colour(sheet.pixels))
        return bool(away.mean() <= _BLANK if sheet.lossy else away.max() == 0)

    def content(self, index: int) -> memoryview:
        """Return the pixels of the tile."""
        return np.ascontiguousarray(self._tile(index)).data.cast("B")

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """Return one tile; see ``Source.decode``."""
        return np.frombuffer(content, np.uint8).reshape(self.geometry.height, self.geometry.width, 3)

    def _part(self, start: int, stop: int) -> Source:
        part = copy.copy(self)
        part._offset = self._offset + start
        return part


@dataclass(frozen=True, eq=False)
class _Sheet:
    """A decoded sheet: uint8 (H, W, 3), whether it was compressed with loss, and the SHA-256 of its file."""

    pixels: np.ndarray
    lossy: bool
    digest: bytes

    @classmethod
    def read(cls, path: Path, label: str, background: tuple[int, int, int]) -> _Sheet:
        data = read_file(path, label, DEFAULT)
        with room_for(data):
            pixels = decode(data, path.name, background)
        return cls(pixels, data.startswith(_LOSSY), hashlib.sha256(data).digest())

    @classmethod
    def again(cls, place: Place, label: str, background: tuple[int, int, int], digest: bytes) -> _Sheet:
        with wall(lambda why: SourceError(f"{label}: cannot be read: {why}")):
            found = cls.read(place.local(), label, background)
        if found.digest != digest:
            raise SourceError(f"{label}: it changed while it was read")
        return found


def write_sheet(path: Path, pixels: np.ndarray, *, columns: int = 8, pad: int = 2) -> np.ndarray:
    """Write images as one PNG, row by row, with white padding between and around them.

    Args:
        path: the file.
        pixels: uint8 (N, H, W, 3).
        columns: tiles in a row.
        pad: pixels between tiles.

    Returns:
        The sheet, uint8 (H, W, 3).

    Raises:
        GanbenchError: the file cannot be written.
    """
    count, height, width, _ = pixels.shape
    columns = min(columns, count)
    geometry = Geometry(-(-count // columns), columns, height, width, pad, border=True)
    size = geometry.rows * (height + pad) + pad, columns * (width + pad) + pad
    sheet = np.full((*size, 3), 255, np.uint8)
    for index, image in enumerate(pixels):
        top, left = geometry.corner(index)
        sheet[top : top + height, left : left + width] = image
    with atomic_write(path) as f:
        Image.fromarray(sheet).save(f, "PNG")
    return sheet
