"""A guard against sources that unpack to endless pixels, one harmless image after the other."""

from __future__ import annotations

import threading

from ganbench.errors import SourceError
from ganbench.images.decode import PIXELS_PER_BYTE

_FREE_PIXELS = 256 << 20  # of a whole source, about ten seconds of decoding: up to here nobody counts


class Flood:
    """Counts the pixels that a source was decoded to, and the bytes that they came from. Safe to use from threads."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._pixels = self._bytes = 0
        self._lock = threading.Lock()

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
        if pixels > _FREE_PIXELS and pixels > PIXELS_PER_BYTE * stored:
            raise SourceError(
                f"{self._label}: refused as a decompression bomb: {pixels:,} pixels so far from {stored:,} bytes"
            )
