"""Compressed streams (gzip, bzip2, xz), unpacked in bounded memory and to their very last byte."""

from __future__ import annotations

import bz2
import lzma
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

from ganbench.errors import SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.system.memory import budget

_CHUNK = 1 << 20
_IN_MEMORY = 64 << 20  # what unpacks to this much stays in memory, more goes to a temporary file


class _Unpacker(Protocol):
    """One compressed stream, as the standard library's decompressors have it."""

    def decompress(self, data: bytes, max_length: int) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


class _Gzip:
    """A gzip member, whose checksum and length zlib checks, behind the interface that bz2 and lzma have."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._more = False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._more = len(out) == max_length  # zlib may hold output back although it took all input
        return out

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not (self._zlib.unconsumed_tail or self._more)

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


def _xz() -> _Unpacker:
    # A header may ask for a dictionary of gigabytes.
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=max(128 << 20, budget() // 8))


_STREAMS: dict[bytes, tuple[str, Callable[[], _Unpacker]]] = {
    b"\x1f\x8b": ("gzip", _Gzip),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ\0": ("xz", _xz),
}


def compression(start: bytes) -> str:
    """Return how a file that begins so is compressed: ``gzip``, ``bzip2``, ``xz``, or nothing."""
    return next((name for magic, (name, _) in _STREAMS.items() if start.startswith(magic)), "")


def unpack(path: Path, limits: ArchiveLimits, span: tuple[int, int] | None = None) -> tuple[IO[bytes], int]:
    """Unpack a compressed file into memory or an unnamed temporary file.

    Args:
        path: the file.
        limits: what it may unpack to.
        span: from and to which byte what it unpacks to is kept; what follows is not even unpacked.

    Returns:
        The file, which can seek, and its length in bytes.

    Raises:
        SourceError: a bomb, cut short, or with bytes after the end of the stream; the disk is full.
    """
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
    begin, end = span or (0, None)
    length = 0
    for chunk in _chunks(path, limits):
        kept = memoryview(chunk)[max(0, begin - length) : None if end is None else max(0, end - length)]
        length += len(chunk)
        try:
            spool.write(kept)
        except OSError as e:
            raise SourceError(f"{path}: cannot be unpacked to {tempfile.gettempdir()}: {e.strerror}") from e
        if end is not None and length >= end:
            break
    spool.seek(0)
    return spool, length


def _chunks(path: Path, limits: ArchiveLimits) -> Iterator[bytes]:
    """Yield all that a compressed file unpacks to, of however many streams it consists."""
    length = 0
    with path.open("rb") as packed:
        rest = packed.read(_CHUNK)
        while rest:
            stream = _Stream(path, packed, rest)
            for chunk in stream:
                length += len(chunk)
                limits.check_total(path, length)
                yield chunk
            rest = stream.rest or packed.read(_CHUNK)
            while rest and rest.count(0) == len(rest):  # padding, as tapes need it
                rest = packed.read(_CHUNK)
            rest = rest.lstrip(b"\0")


class _Stream:
    """One of the streams that a file may consist of; ``rest`` is what was read beyond its end."""

    def __init__(self, path: Path, packed: IO[bytes], data: bytes) -> None:
        self._path, self._packed = path, packed
        self.rest = data + (packed.read(8) if len(data) < 8 else b"")
        chosen = next((make for magic, (_, make) in _STREAMS.items() if self.rest.startswith(magic)), None)
        if chosen is None:
            raise SourceError(
                f"{path}: damaged, or something else was appended: after the end of the compressed data come other "
                "bytes. Copy it again; if it was written so, unpack it and give the folder"
            )
        self._unpacker = chosen()

    def __iter__(self) -> Iterator[bytes]:
        data = self.rest
        while not self._unpacker.eof:
            if not data and self._unpacker.needs_input:
                data = self._packed.read(_CHUNK)
                if not data:
                    raise SourceError(f"{self._path}: not a readable archive: it is cut short. Copy it again")
            yield self._unpacker.decompress(data, _CHUNK)
            data = b""
        self.rest = self._unpacker.unused_data
