"""A file that is read at offsets, opened where it is first read; it pickles as its path."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ganbench.images.handles import Handles
from ganbench.images.place import Place

Span = tuple[int, int]  # from byte, to byte


class Offsets:
    """Bytes at offsets of a file. Safe to use from threads.

    Attributes:
        place: where the file is.
    """

    def __init__(
        self,
        place: Place,
        open_file: Callable[[Path, Span | None], tuple[IO[bytes], int]],
        span: Span | None = None,
        file: IO[bytes] | None = None,
        handles: Handles | None = None,
    ) -> None:
        """Describe the file.

        Args:
            place: where it is.
            open_file: opens it, and returns at which offset that begins; can be pickled. It may leave out what is not
                in the span.
            span: what will be read, None for all of it.
            file: the whole of it, where it is open already.
            handles: who may close it in between.
        """
        self.place = place
        self._open_file, self._span = open_file, span
        self._file, self._begin = file, 0
        self._handles = handles
        self._lock = threading.Lock()

    def read(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes, or fewer at the end.

        Raises:
            SourceError: the file has another length now.
            OSError: it cannot be read.
        """
        if self._handles is not None:
            self._handles.read(self)
        with self._lock:
            if self._file is None:
                self._file, self._begin = self._open_file(self.place.local(), self._span)
            self._file.seek(start - self._begin)
            return self._file.read(size)

    def close(self) -> None:
        """Close it until it is read again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = None

    def within(self, span: Span) -> Offsets:
        """Return the same file, not open, of which only a span will be read."""
        return Offsets(self.place, self._open_file, span, handles=self._handles)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what opens it."""
        return Offsets, (self.place, self._open_file, self._span, None, self._handles)


def open_plain(path: Path, span: Span | None) -> tuple[IO[bytes], int]:
    """Open a file as it lies there."""
    del span
    return path.open("rb"), 0
