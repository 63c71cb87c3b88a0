"""A guard against sources that unpack to endless pixels, one harmless image after the other."""

from __future__ import annotations

import threading
from typing import Any

from ganbench.errors import SourceError

_FREE_PIXELS = 128 << 20  # of a whole source, some seconds of decoding: up to here nobody counts
_PIXELS_PER_BYTE = 100  # of a whole source; 8 are usual, and small images of one colour have 60


class Flood:
    """Counts the pixels that a source was decoded to, and the bytes that they came from. Safe to use from threads."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._pixels = self._bytes = 0
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as one that has counted nothing."""
        return Flood, (self._label,)

    @property
    def counts(self) -> tuple[int, int]:
        """Pixels and bytes so far."""
        return self._pixels, self._bytes

    def add(self, pixels: int, stored: int) -> None:
        """Count one image.

        Args:
            pixels: that it has.
            stored: bytes that it was decoded from.

        Raises:
            SourceError: all images so far are many pixels in few bytes.
        """
        with self._lock:
            self._pixels += pixels
            self._bytes += stored
            pixels, stored = self._pixels, self._bytes
        if pixels > _FREE_PIXELS and pixels > _PIXELS_PER_BYTE * stored:
            raise SourceError(
                f"{self._label}: refused as a decompression bomb: {pixels:,} pixels so far from {stored:,} bytes"
            )
