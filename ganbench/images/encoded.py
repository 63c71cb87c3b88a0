"""A source of encoded image files, wherever their bytes come from."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ganbench.images.decode import decode
from ganbench.images.resize import Resize
from ganbench.images.source import Source


class Files(Protocol):
    """Where the bytes of consecutive files are; it pickles as what it takes to read those alone."""

    def read(self, index: int, name: str) -> bytes:
        """Return one file. Safe to call from threads.

        Args:
            index: which one.
            name: what it is called there.

        Raises:
            DecodeError: it is damaged.
        """
        ...

    def part(self, start: int, stop: int) -> Files:
        """Return some of the files."""
        ...


class EncodedSource(Source):
    """Encoded files."""

    def __init__(
        self,
        label: str,
        names: Sequence[str],
        files: Files,
        *,
        resize: Resize | None,
        skip_bad: int,
        background: tuple[int, int, int],
    ) -> None:
        super().__init__(label, names, resize=resize, skip_bad=skip_bad, salt=f"background {background}")
        self.shaping = {"background": list(background)}
        self._files = files
        self._background = background

    def content(self, index: int) -> bytes:
        """Return the encoded file."""
        return self._files.read(index, self.names[index])

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """Return the decoded image; see ``Source.decode``."""
        return decode(bytes(content), self.names[index], self._background)

    def _part(self, start: int, stop: int) -> Source:
        part = copy.copy(self)
        part._files = self._files.part(start, stop)
        return part
