"""The members of a zip, whose directory at the end is held against the headers in front of the members.

Format: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", sections 4.3 and 4.5.
"""

from __future__ import annotations

import stat
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ganbench.errors import DecodeError, SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.images.listing import Listing
from ganbench.system.wall import wall

_END = struct.Struct("<4sHHHHIIH")  # "end of central directory record"
_END_MAGIC, _LOCAL_MAGIC = b"PK\x05\x06", b"PK\x03\x04"
_LOCAL = struct.Struct("<4s22xHH")  # signature, length of the name, length of the extra field
_FULL = 0xFFFF  # "see the zip64 record"
_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENCRYPTED, _UTF8 = 0x1, 0x800


def list_zip(listing: Listing) -> None:
    """Add the members of a zip.

    Raises:
        SourceError: hostile, encrypted, one part of several, or its directory does not fit what it holds.
    """
    path, limits = listing.path, listing.limits
    declared = _declared(path)
    if declared is not None:
        limits.check_members(path, declared)
    archive = zipfile.ZipFile(path)
    members = archive.infolist()
    if declared is not None and len(members) % (_FULL + 1) != declared:
        raise SourceError(f"{path}: damaged: its directory lists {len(members)} members and counts {declared}")
    with path.open("rb") as file:
        _check_headers(path, file, members, archive.start_dir)
    lock = threading.Lock()
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
        listing.add_file(info.filename, _reader(archive, info, lock, limits))


def _is_folder(info: zipfile.ZipInfo, path: Path) -> bool:
    named = info.is_dir() or info.filename.endswith("\\")
    if (named or stat.S_ISDIR(info.external_attr >> 16)) and not info.file_size:
        return True
    if named:
        raise SourceError(f"{path}: damaged: its folder {info.filename!r} holds data of its own")
    return False


def _reader(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, lock: threading.Lock, limits: ArchiveLimits
) -> Callable[[], bytes]:
    name = info.filename

    def read() -> bytes:
        limits.check_member(name, info.file_size)
        if info.compress_type not in _METHODS:
            raise DecodeError(
                name, f"compressed by method {info.compress_type}, which is not read: unpack it and give the folder"
            )
        with (
            wall(lambda why: DecodeError(name, f"its archive entry is damaged: {why}")),
            lock,
            archive.open(info) as file,
        ):
            data = file.read(limits.member_bytes + 1)  # whatever size the header claims
        limits.check_member(name, len(data))
        return data

    return read


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


def _check_headers(path: Path, file: IO[bytes], members: list[zipfile.ZipInfo], directory: int) -> None:
    """Hold the directory against the headers: same names, none on top of another, and none that it does not list.

    A damaged directory would lose images without a word: of a name that no longer ends in .png, or left out.

    Raises:
        SourceError: they do not fit.
    """
    end, before = 0, "its start"
    for info in sorted(members, key=lambda one: one.header_offset):
        start, body = _local(path, file, info)
        if start < end:
            raise SourceError(f"{path}: refused, its members {before} and {info.filename!r} overlap")
        _check_gap(path, file, end, start, before)
        end, before = body + info.compress_size, repr(info.filename)
    if end > directory:
        raise SourceError(f"{path}: damaged: its member {before} reaches into the directory. Copy it again")
    _check_gap(path, file, end, directory, before)


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
