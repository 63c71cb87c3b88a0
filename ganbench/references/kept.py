"""What is known of references, kept in the cache: it is the same for every set that is scored against one.

The arrays of their files, unpacked and checked; and what the metrics make of these alone, the factor of the covariance,
the sum of the kernel, the neighbours. Together that is more than half of the time of a small score.
"""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np

from ganbench.system.assets import file_hash
from ganbench.system.cache import Cache
from ganbench.system.code import code_of
from ganbench.system.container import Content
from ganbench.system.storage import sha256_file

_CACHE = Cache("references", "what is known of the reference", 1 << 30)
_LARGEST = 1 << 30  # bytes of a file that is looked up: to hash a larger one takes longer than to refuse it
_PACKAGE = Path(__file__).parent.parent
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
        return _CACHE.load(self._key(name), _parse_one)

    def save(self, name: str, array: np.ndarray) -> None:
        """Keep a float64 array; a cache that cannot be written is a note, never an error."""
        _CACHE.keep(self._key(name), np.ascontiguousarray(array, _FLOAT).data, facts={"shape": array.shape})

    def _key(self, name: str) -> str:
        return _key_of(name, self.checksum, *_makers())


def was_read(path: Path) -> bool:
    """Tell whether ``read_once`` has this very file, so that it is a reference of ours."""
    key = _file_key(path)
    return bool(key) and _CACHE.has(key)


def read_once(path: Path) -> tuple[dict[str, Any] | None, dict[str, np.ndarray]]:
    """Return what ``ganbench.references.stored.read_reference`` does; of a file that was read before, from the cache.

    Raises:
        ReferenceError: as that does.
    """
    key = _file_key(path)
    known = _CACHE.load(key, _parse_file) if key else None
    if known is not None:
        return known
    from ganbench.references.stored import read_reference  # with its models, slow to import

    meta, arrays = read = read_reference(path)
    if key and meta is not None and key == _key_of("file", sha256_file(path), _readers()):
        # Nobody wrote to it meanwhile.
        buffer, plain = io.BytesIO(), cast(dict[str, Any], arrays)
        np.savez(buffer, **plain)
        _CACHE.keep(key, buffer.getbuffer(), facts=meta)
    return read


def _parse_file(content: Content) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with np.load(io.BytesIO(content.payload), allow_pickle=False) as file:
        return content.facts, {name: file[name] for name in file.files}


def _parse_one(content: Content) -> np.ndarray:
    # Copied: a mapped file could not be removed from the cache on every system.
    return np.frombuffer(content.payload, _FLOAT).reshape(content.facts["shape"]).astype(np.float64)


def _file_key(path: Path) -> str:
    """Return the key of a file by its content; "" for one that is not there, cannot be read, or is no reference's."""
    with suppress(OSError):
        if path.is_file() and path.stat().st_size <= _LARGEST:
            return _key_of("file", file_hash(path), _readers())
    return ""


def _key_of(kind: str, *parts: str) -> str:
    return f"{kind}-{hashlib.sha256(' '.join((kind, *parts)).encode()).hexdigest()[:32]}"


@cache
def _readers() -> str:
    """Return a hash of the code that decides what is believed of a file."""
    return code_of(*(_PACKAGE / room for room in ("references", "metrics", "system")))


@cache
def _makers() -> tuple[str, ...]:
    """Return what decides the numbers besides the reference: the code of the metrics, and whose products they use."""
    own = code_of(_PACKAGE / "metrics", _PACKAGE / "statistics")
    return own, metadata.version("numpy"), metadata.version("scipy")
