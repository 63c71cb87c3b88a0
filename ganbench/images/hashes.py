"""The hashes of what a source stores, 33 bytes an image however many there are."""

from __future__ import annotations

from typing import Any

import numpy as np

SIZE = 32


class Hashes:
    """SHA-256 of each of many things, as far as they are known. Memory is taken as they become known.

    Safe to use from threads: two that learn one hash at a time learn the same.
    """

    def __init__(self, count: int) -> None:
        self._rows = np.zeros((count, SIZE), np.uint8)  # of zeros that the system has not handed out yet
        self._known = np.zeros(count, bool)

    def __len__(self) -> int:
        return len(self._known)

    def knows(self, index: int) -> bool:
        """Tell whether a hash is known."""
        return bool(self._known[index])

    def learn(self, start: int, hashes: bytes) -> None:
        """Take in the hashes of consecutive things, 32 bytes each."""
        rows = np.frombuffer(hashes, np.uint8).reshape(-1, SIZE)
        self._rows[start : start + len(rows)] = rows
        self._known[start : start + len(rows)] = True

    def joined(self) -> memoryview:
        """Return all hashes, one after the other; all must be known."""
        return np.ascontiguousarray(self._rows).data.cast("B")

    def part(self, start: int, stop: int) -> Hashes:
        """Return the hashes of consecutive things: what is learnt here is known there, and the other way round."""
        part = Hashes(0)
        part._rows, part._known = self._rows[start:stop], self._known[start:stop]
        return part

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as unknown ones: another process hashes what it reads."""
        return Hashes, (len(self),)
