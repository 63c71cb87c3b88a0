"""The members of a tar, listed by a reader that takes nothing damaged for the end.

``tarfile`` stops without a word at a header that is damaged or zeroed, and so loses what follows. Formats: POSIX.1-1988
(ustar) and POSIX.1-2001 (pax), IEEE Std 1003.1, "pax - portable archive interchange"; GNU tar, "Basic Tar Format".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ganbench.errors import SourceError
from ganbench.images.limits import ArchiveLimits

BLOCK = 512
FILE, FOLDER, HARD_LINK = "file", "folder", "hard link"
_TEXT_BYTES = 1 << 20  # of a long name, or of the records in front of a member
_CHUNK = 1 << 20
_REGULAR, _NO_DATA = b"\0" + b"07", b"123456"
_REFUSED = {
    b"2": "a link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
    b"M": "the rest of a file in another volume",
}
_LABEL = b"V"  # the volume's name, no file


@dataclass(frozen=True)
class Member:
    """One member.

    Attributes:
        name: as the archive has it.
        kind: ``FILE``, ``FOLDER`` or ``HARD_LINK``.
        start: where its data is, bytes from the start of the tar.
        size: of its data, bytes.
        link: name of the member that a hard link stands for.
    """

    name: str
    kind: str
    start: int
    size: int
    link: str = ""


@dataclass
class _Records:
    """What extended headers say of the member after them."""

    once: dict[str, bytes] = field(default_factory=dict)
    always: dict[str, bytes] = field(default_factory=dict)

    def take(self) -> dict[str, bytes]:
        """Return what holds for this member."""
        found = self.always | self.once
        self.once = {}
        return found


def tar_members(file: IO[bytes], path: Path, length: int, limits: ArchiveLimits) -> Iterator[Member]:
    """Yield the members of a plain tar, in order, and check at the end that nothing comes after its end mark.

    Args:
        file: the tar, which can seek; it may be used for something else between two members.
        path: for messages.
        length: of the tar, bytes.
        limits: what it may hold.

    Raises:
        SourceError: damaged, cut short, without its end mark, with more after it, or with members that are no files.
    """
    at, last, count = 0, "its start", 0
    records = _Records()
    while True:
        file.seek(at)
        header = file.read(BLOCK)
        if len(header) < BLOCK:
            raise SourceError(
                f"{path}: damaged or cut short after {last}: it has no end mark. Copy it again; if it was written so, "
                "unpack it and give the folder"
            )
        if header.count(0) == BLOCK:
            if records.once:
                raise SourceError(f"{path}: damaged: a name without its member after {last}. Copy it again")
            _check_end(file, path, at, last)
            return
        count += 1
        limits.check_members(path, count)
        _check_sum(header, path, at, last)
        kind, size = header[156:157], _number(header[124:136], path, last)
        text = kind in b"LKxXg"
        if not text:
            known = records.take()
            size = _stated_size(known, size, path, last)
        data = at + BLOCK
        at = data if kind in _NO_DATA else data + -(-size // BLOCK) * BLOCK
        if data + size > length and kind not in _NO_DATA:
            raise SourceError(f"{path}: damaged or cut short in the member after {last}: copy it again")
        if text:
            _take_text(records, kind, _read_text(file, data, size, path), path)
        elif kind != _LABEL:
            member = _member(header, kind, known, data, size, path)
            last = repr(member.name)
            yield member


def is_tar(header: bytes) -> bool:
    """Tell whether a file begins like a tar: with a header whose checksum is right, or with an end mark."""
    if len(header) < BLOCK:
        return False
    return header.count(0) == BLOCK or _sum_is_right(header)


def _sum_is_right(header: bytes) -> bool:
    try:
        stated = int(header[148:156].split(b"\0")[0].strip() or b"x", 8)
    except ValueError:
        return False
    counted = header[:148] + b" " * 8 + header[156:]
    # Some old systems add bytes as signed numbers.
    return stated == sum(counted) or stated == sum(counted) - 256 * sum(byte > 127 for byte in counted)


def _check_sum(header: bytes, path: Path, at: int, last: str) -> None:
    if _sum_is_right(header):
        return
    if at == 0:
        raise SourceError(
            f"{path}: not a readable archive: what it holds is no tar, or damaged at its start. "
            "Copy it again, or unpack it and give the folder"
        )
    raise SourceError(f"{path}: damaged or cut short after {last}: copy it again")


def _check_end(file: IO[bytes], path: Path, at: int, last: str) -> None:
    """Insist that only zeros follow: to readers, a header that was zeroed is the end of the archive."""
    while chunk := file.read(_CHUNK):
        if chunk.count(0) != len(chunk):
            raise SourceError(
                f"{path}: damaged after {last}: more follows its end mark at byte {at:,}, and would be lost. Copy it "
                "again; if it is several archives in one, unpack it (tar -i -xf) and give the folder"
            )


def _number(field_: bytes, path: Path, last: str) -> int:
    """Return a number field: octal digits, or base 256 where the first bit is set."""
    try:
        number = int.from_bytes(field_[1:], "big") if field_[0] == 0x80 else int(field_.strip(b"\0 ") or b"0", 8)
    except ValueError:
        number = -1
    if number < 0:
        raise SourceError(f"{path}: damaged after {last}: a member of no possible size. Copy it again")
    return number


def _stated_size(records: dict[str, bytes], size: int, path: Path, last: str) -> int:
    if "size" not in records:
        return size
    if not records["size"].isdigit() or len(records["size"]) > 18:
        raise SourceError(f"{path}: damaged after {last}: a member of no possible size. Copy it again")
    return int(records["size"])


def _read_text(file: IO[bytes], start: int, size: int, path: Path) -> bytes:
    if size > _TEXT_BYTES:
        raise SourceError(f"{path}: refused, one of its names or headers is of more than {_TEXT_BYTES:,} bytes")
    file.seek(start)
    return file.read(size)


def _take_text(records: _Records, kind: bytes, text: bytes, path: Path) -> None:
    if kind in b"LK":
        name = text[:-1] if text.endswith(b"\0") else text
        _check_name(name, path)
        records.once["path" if kind == b"L" else "linkpath"] = name
    else:
        (records.always if kind == b"g" else records.once).update(_pax(text, path))


def _check_name(name: bytes, path: Path) -> None:
    if not name or b"\0" in name:
        raise SourceError(f"{path}: damaged: one of its long names is not whole. Copy it again")


def _pax(text: bytes, path: Path) -> dict[str, bytes]:
    """Return pax records: lines of ``LENGTH KEY=VALUE``, the length counting all of its line."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(text):
        digits = text[at : at + 10].split(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        key, equals, value = text[at + len(digits) + 1 : at + length - 1].partition(b"=")
        if not equals or at + length > len(text) or text[at + length - 1 : at + length] != b"\n":
            raise SourceError(f"{path}: damaged: a pax header that makes no sense. Copy it again")
        if key in (b"path", b"linkpath"):
            _check_name(value, path)
        found[key.decode("utf-8", "surrogateescape")] = value
        at += length
    return found


def _member(header: bytes, kind: bytes, records: dict[str, bytes], start: int, size: int, path: Path) -> Member:
    raw = records.get("path") or _short_name(header)
    name = raw.decode("utf-8", "surrogateescape")
    if kind in _REFUSED or any(key.startswith("GNU.sparse") for key in records):
        what = _REFUSED.get(kind, "a sparse file")
        raise SourceError(
            f"{path}: refused, its member {name!r} is {what}; a link, a device or a sparse file is no image. "
            "Pack it again without it"
        )
    if kind in _REGULAR and name.endswith("/") and size:
        raise SourceError(f"{path}: damaged: its folder {name!r} holds data of its own. Copy it again")
    if kind == b"5" or (kind in _REGULAR and name.endswith("/")):
        return Member(name, FOLDER, start, 0)
    if kind == b"1":
        link = records.get("linkpath") or header[157:257].split(b"\0")[0]
        return Member(name, HARD_LINK, start, 0, link.decode("utf-8", "surrogateescape"))
    if kind not in _REGULAR:
        raise SourceError(f"{path}: refused, its member {name!r} is of an unknown kind, {kind!r}")
    return Member(name, FILE, start, size)


def _short_name(header: bytes) -> bytes:
    name = header[:100].split(b"\0")[0]
    if header[257:263] != b"ustar\0":  # GNU's and older headers use the prefix's place for something else
        return name
    prefix = header[345:500].split(b"\0")[0]
    return prefix + b"/" + name if prefix else name
