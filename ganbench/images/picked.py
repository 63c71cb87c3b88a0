"""Some of the images of a source, as a source of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganbench.errors import SourceError
from ganbench.images.joint import Texts
from ganbench.images.source import Source


class Picked(Source):
    """Images of another source at given positions, in order, under the same names and rules.

    Attributes:
        positions: of its images in that source, (n,) int64, ascending.
    """

    def __init__(self, whole: Source, positions: np.ndarray) -> None:
        """Choose.

        Args:
            whole: the source.
            positions: of the images, ascending.

        Raises:
            SourceError: none, or positions that are not there.
        """
        positions = np.asarray(positions, np.int64)
        if not len(positions) or positions[0] < 0 or positions[-1] >= len(whole) or (np.diff(positions) <= 0).any():
            raise SourceError(f"{whole.label}: no such choice among its {len(whole)} images")
        names = _Names(whole.names, positions)
        super().__init__(whole.label, names, resize=whole.resize, skip_bad=whole._skip_bad, salt=whole._salt)
        self.ignored, self.notes, self.stored_order = whole.ignored, whole.notes, whole.stored_order
        self.shaping = whole.shaping
        self._whole, self.positions = whole, positions

    def content(self, index: int) -> bytes | memoryview:
        """See ``Source.content``."""
        return self._whole.content(int(self.positions[index]))

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """See ``Source.decode``."""
        return self._whole.decode(int(self.positions[index]), content)

    def _part(self, start: int, stop: int) -> Source:
        """Return some of them, which pickle as the part of the whole source that they lie in."""
        chosen = self.positions[start:stop]
        first, last = (int(chosen[0]), int(chosen[-1])) if len(chosen) else (0, -1)
        part = Picked.__new__(Picked)
        part.__dict__.update(self.__dict__)
        part._whole, part.positions = self._whole.part(first, last + 1 - first), chosen - first
        return part


class _Names(Texts):
    """Some of the names of a source."""

    def __init__(self, names: Sequence[str], positions: np.ndarray) -> None:
        self._names, self._positions = names, positions

    def __len__(self) -> int:
        return len(self._positions)

    def _one(self, index: int) -> str:
        return self._names[int(self._positions[index])]

    def _part(self, start: int, stop: int) -> Sequence[str]:
        chosen = self._positions[start:stop]
        if not len(chosen):
            return []
        first = int(chosen[0])
        return _Names(self._names[first : int(chosen[-1]) + 1], chosen - first)
