"""The container of everything that is cached: its payload is believed only if every bit of it is as it was written.

A header of 256 bytes, the payload, and a table of facts in JSON::

    magic 8s | version H | kind 16s | SHA-256 of the name 32s | length of the payload Q | length of the facts Q
    | digest of the payload 32s | SHA-256 of the facts 32s | zeros | SHA-256 of all that before 32s

Every byte of the file is under one of the digests and its length under two numbers, so a file that was changed, cut,
made longer, exchanged with another one, or written by anything else is told at once, before any of it is parsed. The
digest of the payload is the SHA-256 of the SHA-256 of each 4 MiB: several threads check a large file.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ganbench.system.cores import available_cores

_MAGIC = b"\x89GBcache"
_VERSION = 1
_FIELDS = struct.Struct("<8sH16s32sQQ32s32s")
_HEADER = 256
_BLOCK = 4 << 20
_DIGEST = 32


class Damaged(ValueError):
    """A file is not what was written: damaged, of another kind or name, or no container."""


@dataclass(frozen=True)
class Content:
    """What a container holds.

    Attributes:
        payload: the bytes; of a file, mapped into memory, read-only.
        facts: what is known about them; JSON.
    """

    payload: memoryview
    facts: dict[str, Any]


class Writer:
    """Writes a container into a file that is open for writing: the payload part by part, then ``finish``."""

    def __init__(self, file: IO[bytes], kind: str, name: str) -> None:
        """Leave room for the header.

        Args:
            file: open at its start.
            kind: what is cached, at most 16 characters of ASCII.
            name: which one, as the reader will ask for it.
        """
        self._file, self._kind, self._name = file, kind, name
        self._length = 0
        self._blocks = b""
        self._block = hashlib.sha256()
        file.write(bytes(_HEADER))

    def write(self, part: bytes | memoryview) -> None:
        """Append to the payload."""
        view = memoryview(part)
        if not view.nbytes:  # which cannot be seen as bytes where its shape holds a zero
            return
        self._file.write(part)
        view = view.cast("B")
        while len(view):
            room = _BLOCK - self._length % _BLOCK
            self._block.update(view[:room])
            self._length += len(view[:room])
            view = view[room:]
            if self._length % _BLOCK == 0:
                self._close_block()

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the facts, and the header that makes the container valid."""
        if self._length % _BLOCK:
            self._close_block()
        table = json.dumps(facts).encode()
        self._file.write(table)
        digests = hashlib.sha256(self._blocks).digest(), hashlib.sha256(table).digest()
        self._file.seek(0)
        self._file.write(_header(self._kind, self._name, self._length, len(table), *digests))

    def _close_block(self) -> None:
        self._blocks += self._block.digest()
        self._block = hashlib.sha256()


def read(path: Path, kind: str, name: str) -> Content:
    """Map a container into memory and check all of it.

    Args:
        path: the file.
        kind: as it was written.
        name: as it was written.

    Raises:
        OSError: it is not there, or cannot be read.
        Damaged: it is not, to the bit, what was written under this kind and name.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < _HEADER:
            raise Damaged("it is shorter than a header")
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    header = bytes(whole[:_HEADER])
    if hashlib.sha256(header[:-_DIGEST]).digest() != header[-_DIGEST:]:
        raise Damaged("its header is not as it was written")
    *_, length, table_length, payload_digest, table_digest = _FIELDS.unpack_from(header)
    if header != _header(kind, name, length, table_length, payload_digest, table_digest):
        raise Damaged("it is of another kind, name or version")
    if len(whole) != _HEADER + length + table_length:
        raise Damaged(f"it has {len(whole)} bytes, not {_HEADER + length + table_length}")
    payload, table = whole[_HEADER : _HEADER + length], bytes(whole[_HEADER + length :])
    if _digest(payload) != payload_digest or hashlib.sha256(table).digest() != table_digest:
        raise Damaged("its content is not as it was written")
    return Content(payload, json.loads(table))


def _header(kind: str, name: str, length: int, table_length: int, payload_digest: bytes, table_digest: bytes) -> bytes:
    own = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    fields = _FIELDS.pack(
        _MAGIC, _VERSION, kind.encode("ascii"), own, length, table_length, payload_digest, table_digest
    )
    start = fields.ljust(_HEADER - _DIGEST, b"\0")
    return start + hashlib.sha256(start).digest()


def _digest(payload: memoryview) -> bytes:
    starts = range(0, len(payload), _BLOCK)

    def block(start: int) -> bytes:
        return hashlib.sha256(payload[start : start + _BLOCK]).digest()

    if len(starts) < 2:
        return hashlib.sha256(b"".join(map(block, starts))).digest()
    with ThreadPoolExecutor(min(4, available_cores())) as pool:
        return hashlib.sha256(b"".join(pool.map(block, starts))).digest()
