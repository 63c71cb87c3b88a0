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
        self._content = read
        self._background = background

    def content(self, index: int) -> bytes:
        """Return the encoded file."""
        return self._content(index)

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """Return the decoded image; see ``Source.decode``."""
        return decode(bytes(content), self.names[index], self._background)
