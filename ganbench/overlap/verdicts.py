"""Which pairs of images were laid over each other before, and what came of it.

A class that one late submission joins is compared again as a whole, and all but its own pairs are known. A verdict
depends on two pictures alone, so that it is the same whenever it was made.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from ganbench.metrics.same import SURE
from ganbench.statistics.signatures import SIGNATURE
from ganbench.system.cache import Cache
from ganbench.system.code import code_of
from ganbench.system.container import Content
from ganbench.system.notes import Note

MOST = 8_000_000  # verdicts that are kept, 9 bytes each: those of six large courses
_CACHE = Cache("verdicts", "which pairs of images show one picture", 1 << 28)
_PACKAGE = Path(__file__).parents[1]
_ODD = np.uint64(0x9E3779B97F4A7C15)


def names_of(digests: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return names of pairs of pictures, which depend on their order.

    Of 64 bits, so that among a million pairs against a million others two have one name once in ten million times.

    Args:
        digests: SHA-256 of the pixels of all images, (n, 32) uint8.
        one: rows of the one of each pair, (m,) int64.
        other: rows of the other.

    Returns:
        (m,) uint64.
    """
    starts = np.ascontiguousarray(digests[:, :8]).view("<u8")[:, 0].astype(np.uint64)
    turned = (starts << np.uint64(32)) | (starts >> np.uint64(32))
    return starts[one] * _ODD + turned[other]  # modulo 2**64


class Verdicts:
    """What is known of pairs, kept in the cache."""

    def __init__(self, note: Note) -> None:
        """Read what is kept; ``note`` is told where that cannot be."""
        self._note = note
        known = _CACHE.load(_key(), _parse, note)
        nothing: tuple[np.ndarray, np.ndarray] = np.empty(0, np.uint64), np.empty(0, bool)
        self._names, self._same = nothing if known is None else known

    def of(self, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of these pairs are known, and what is known of those: both (m,) bool."""
        if not len(self._names):
            return np.zeros(len(names), bool), np.zeros(len(names), bool)
        place = np.minimum(np.searchsorted(self._names, names), len(self._names) - 1)
        known = self._names[place] == names
        return known, known & self._same[place]

    def keep(self, names: np.ndarray, same: np.ndarray) -> None:
        """Keep the verdicts of these pairs, and of those of before as many as there is room for."""
        names, first = np.unique(names, return_index=True)
        same = same[first]
        before = ~np.isin(self._names, names)
        room = max(0, MOST - len(names))
        names = np.concatenate([names, self._names[before][:room]])[:MOST]
        same = np.concatenate([same, self._same[before][:room]])[:MOST]
        order = np.argsort(names)
        self._names, self._same = names[order], same[order]
        buffer = io.BytesIO()
        np.savez(buffer, names=self._names, same=self._same)
        _CACHE.keep(_key(), buffer.getbuffer(), self._note)


def _key() -> str:
    """Return a hash of all that a verdict depends on besides the pictures."""
    code = code_of(_PACKAGE / "metrics", _PACKAGE / "statistics")
    return hashlib.sha256(f"{SIGNATURE} {SURE:g} {code}".encode()).hexdigest()


def _parse(content: Content) -> tuple[np.ndarray, np.ndarray]:
    with np.load(io.BytesIO(content.payload), allow_pickle=False) as file:
        names, same = file["names"], file["same"]
    if names.dtype != np.uint64 or same.dtype != bool or names.shape != same.shape or names.ndim != 1:
        raise ValueError("arrays that are no verdicts")
    if np.any(names[1:] <= names[:-1]):
        raise ValueError("verdicts out of order")
    return names, same
