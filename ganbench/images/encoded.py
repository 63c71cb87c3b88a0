"""A source of encoded image files, wherever their bytes come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganbench.images.decode import decode
from ganbench.images.resize import Resize
from ganbench.images.source import Source


class EncodedSource(Source):
    """Encoded files behind a function that returns the bytes of one."""

    def __init__(
        self,
        label: str,
        names: list[str],
        read: Callable[[int], bytes],
        *,
        resize: Resize | None,
        skip_bad: int,
        background: tuple[int, int, int],
    ) -> None:
        super().__init__(label, names, resize=resize, skip_bad=skip_bad, salt=f"background {background}")
        self._read = read
        self._background = background

    def content(self, index: int) -> bytes:
        """Return the encoded file."""
        return self._read(index)

    def load(self, index: int) -> np.ndarray:
        """Return the decoded image; see ``Source.load``."""
        return decode(self._read(index), self.names[index], self._background)
