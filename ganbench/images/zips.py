"""The members of a zip, whose directory at the end is held against the headers in front of the members.

Format: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", sections 4.3 and 4.5.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ganbench.errors import DecodeError, SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.images.listing import Listing
from ganbench.images.offsets import Offsets, open_plain
from ganbench.system.wall import wall

_END = struct.Struct("<4sHHHHIIH")  # "end of central directory record"
_END_MAGIC, _LOCAL_MAGIC = b"PK\x05\x06", b"PK\x03\x04"
_LOCAL = struct.Struct("<4s22xHH")  # signature, length of the name, length of the extra field
_FULL = 0xFFFF  # "see the zip64 record"
_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENCRYPTED, _UTF8, _UNREADABLE = 0x1, 0x800, 0x20 | 0x40
_ROW = np.dtype(
    [("start", "u8"), ("packed", "u8"), ("size", "u8"), ("checksum", "u4"), ("method", "u2"), ("flags", "u2")]
)


def list_zip(listing: Listing) -> Callable[[list[str]], ZipFiles]:
    """Add the members of a zip.

    Returns:
        What makes the files of some of their names.

    Raises:
        SourceError: hostile, encrypted, one part of several, or its directory does not fit what it holds.
    """
    path, limits = listing.path, listing.limits
    declared = _declared(path)
    if declared is not None:
        limits.check_members(path, declared)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if declared is not None and len(members) % (_FULL + 1) != declared:
        raise SourceError(f"{path}: damaged: its directory lists {len(members)} members and counts {declared}")
    with path.open("rb") as file:
        bodies = _check_headers(path, file, members, archive.start_dir)
    total = 0
    for info in members:
        if _is_folder(info, path):
            listing.add_folder(info.filename)
            continue
        if info.flag_bits & _ENCRYPTED:
            raise SourceError(f"{path}: {info.filename!r} is encrypted: unpack the archive and give the folder")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise SourceError(f"{path}: refused, its member {info.filename!r} is a link or a device")
        total += info.file_size
        limits.check_total(path, total)
        packed = info.compress_size, info.file_size, info.CRC, info.compress_type, info.flag_bits
        listing.add_file(info.filename, (bodies[info.header_offset], *packed))
    offsets = Offsets(listing.place, open_plain)

    def files_of(names: list[str]) -> ZipFiles:
        return ZipFiles(offsets, np.array([listing.files[name] for name in names], _ROW), limits)

    return files_of


def _is_folder(info: zipfile.ZipInfo, path: Path) -> bool:
    named = info.is_dir() or info.filename.endswith("\\")
    if (named or stat.S_ISDIR(info.external_attr >> 16)) and not info.file_size:
        return True
    if named:
        raise SourceError(f"{path}: damaged: its folder {info.filename!r} holds data of its own")
    return False


class ZipFiles:
    """Files of a zip, by where their data is and how it is packed."""

    def __init__(self, offsets: Offsets, rows: np.ndarray, limits: ArchiveLimits) -> None:
        self._offsets, self._rows, self._limits = offsets, rows, limits

    def read(self, index: int, name: str) -> bytes:
        """See ``Files.read``."""
        start, packed, size, checksum, method, flags = self._rows[index].tolist()
        self._limits.check_member(name, size)
        if method not in _METHODS:
            raise DecodeError(name, f"compressed by method {method}, which is not read: unpack it and give the folder")
        info = zipfile.ZipInfo(name)
        info.compress_type, info.compress_size, info.file_size, info.CRC = method, packed, size, checksum
        with wall(lambda why: DecodeError(name, f"its archive entry is damaged: {why}")):
            if flags & _UNREADABLE:
                raise NotImplementedError("patched data or strong encryption")
            stored = io.BytesIO(self._offsets.read(start, min(packed, self._limits.member_bytes)))
            with zipfile.ZipExtFile(stored, "r", info) as file:
                data = file.read(self._limits.member_bytes + 1)  # whatever size the header claims
        self._limits.check_member(name, len(data))
        return data

    def part(self, start: int, stop: int) -> ZipFiles:
        """See ``Files.part``."""
        return ZipFiles(self._offsets, self._rows[start:stop], self._limits)


def _declared(path: Path) -> int | None:
    """Return how many members the record at the very end counts, None if that takes zip64.

    Raises:
        SourceError: the record is absent, or says that this is one part of several.
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, length - _END.size - _FULL))
        tail = file.read()
    at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) < at + _END.size:
        raise SourceError(
            f"{path}: not a readable archive: its directory is missing. It may be cut short: copy it again"
        )
    _, disk, first_disk, here, count, _, _, _ = _END.unpack_from(tail, at)
    if _FULL in (disk, count):
        return None
    if disk or first_disk or here != count:
        raise SourceError(f"{path}: one part of a split archive: join its parts (zip -s 0 PART.zip --out WHOLE.zip)")
    return int(count)


def _check_headers(path: Path, file: IO[bytes], members: list[zipfile.ZipInfo], directory: int) -> dict[int, int]:
    """Hold the directory against the headers: same names, none on top of another, and none that it does not list.

    A damaged directory would lose images without a word: of a name that no longer ends in .png, or left out.

    Returns:
        Where the data of each starts, by where its header does.

    Raises:
        SourceError: they do not fit.
    """
    end, before = 0, "its start"
    bodies = {}
    for info in sorted(members, key=lambda one: one.header_offset):
        start, body = _local(path, file, info)
        if start < end:
            raise SourceError(f"{path}: refused, its members {before} and {info.filename!r} overlap")
        _check_gap(path, file, end, start, before)
        bodies[start] = body
        end, before = body + info.compress_size, repr(info.filename)
    if end > directory:
        raise SourceError(f"{path}: damaged: its member {before} reaches into the directory. Copy it again")
    _check_gap(path, file, end, directory, before)
    return bodies


def _local(path: Path, file: IO[bytes], info: zipfile.ZipInfo) -> tuple[int, int]:
    """Return where a member's own header starts, and where its data starts."""
    file.seek(info.header_offset)
    header = file.read(_LOCAL.size)
    magic, name_length, extra_length = _LOCAL.unpack(header) if len(header) == _LOCAL.size else (b"", 0, 0)
    name = file.read(name_length) if magic == _LOCAL_MAGIC else b""
    if name.decode("utf-8" if info.flag_bits & _UTF8 else "cp437", "replace") != info.orig_filename:
        raise SourceError(
            f"{path}: damaged: its directory does not fit its member {info.filename!r}. It may be cut short, or one "
            "part of a split archive: copy it again"
        )
    return info.header_offset, info.header_offset + _LOCAL.size + name_length + extra_length


def _check_gap(path: Path, file: IO[bytes], start: int, end: int, before: str) -> None:
    for chunk in _chunks(file, start, end):
        if _LOCAL_MAGIC in chunk:
            raise SourceError(
                f"{path}: damaged: after {before} comes a member that its directory does not list. Copy it again, or "
                "unpack it and give the folder"
            )


def _chunks(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a range in pieces that overlap by as much as could hide a signature."""
    while start < end:
        file.seek(start)
        yield file.read(min(_CHUNK, end - start))
        start += _CHUNK - len(_LOCAL_MAGIC) + 1
