"""What follows from a reference alone, kept in the cache: it is the same for every set that is scored against it.

The factor of its covariance, the sum of its kernel, the neighbours within it: half of the time of a small score.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

from ganbench.system.cache import Cache
from ganbench.system.code import code_of
from ganbench.system.container import Content

_CACHE = Cache("references", "what follows from the reference", 1 << 30)
_FLOAT = np.dtype("<f8")


@dataclass(frozen=True)
class Kept:
    """The memory of one reference; see ``ganbench.statistics.features.Memory``.

    Attributes:
        checksum: over all arrays of the reference's file.
    """

    checksum: str

    def load(self, name: str) -> np.ndarray | None:
        """Return the float64 array that was kept under a name, or None; a damaged file counts as absent."""
        return _CACHE.load(self._key(name), _parse)

    def save(self, name: str, array: np.ndarray) -> None:
        """Keep a float64 array; a cache that cannot be written is a note, never an error."""
        _CACHE.keep(self._key(name), np.ascontiguousarray(array, _FLOAT).data, facts={"shape": array.shape})

    def _key(self, name: str) -> str:
        parts = (self.checksum, name, *_makers())
        return f"{name}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}"


def _parse(content: Content) -> np.ndarray:
    # Copied: a mapped file could not be removed from the cache on every system.
    return np.frombuffer(content.payload, _FLOAT).reshape(content.facts["shape"]).astype(np.float64)


@cache
def _makers() -> tuple[str, ...]:
    """Return what decides the numbers besides the reference: the code of the metrics, and whose products they use."""
    package = Path(__file__).parent.parent
    return code_of(package / "metrics", package / "statistics"), metadata.version("numpy"), metadata.version("scipy")
