"""Sources of encoded image files: folders and archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from ganbench.errors import SourceError
from ganbench.images.decode import decode
from ganbench.images.resize import Resize
from ganbench.images.sources import Source, is_image_name, natural_key


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold before it is taken for hostile.

    Attributes:
        members: number of members.
        member_bytes: unpacked size of one image file.
        total_bytes: unpacked size of everything.
        ratio: unpacked size over the archive's size, looked at above 256 MiB only: images hardly compress.
    """

    members: int = 500_000
    member_bytes: int = 256 << 20
    total_bytes: int = 64 << 30
    ratio: int = 100


LIMITS = ArchiveLimits()
_RATIO_FLOOR = 256 << 20
_CHUNK = 1 << 20


class EncodedSource(Source):
    """Encoded files behind a function that returns the bytes of one."""

    def __init__(
        self,
        label: str,
        names: list[str],
        read: Callable[[int], bytes],
        *,
        resize: Resize | None,
        skip_bad: int,
        background: tuple[int, int, int],
    ) -> None:
        super().__init__(label, names, resize=resize, skip_bad=skip_bad, salt=f"background {background}")
        self._read = read
        self._background = background

    def content(self, index: int) -> bytes:
        """Return the encoded file."""
        return self._read(index)

    def load(self, index: int) -> np.ndarray:
        """Return the decoded image; see ``Source.load``."""
        return decode(self._read(index), self.names[index], self._background)


def open_folder(
    folder: Path, *, recursive: bool, resize: Resize | None, skip_bad: int, background: tuple[int, int, int]
) -> EncodedSource:
    """Open a folder of image files.

    Raises:
        SourceError: unreadable, or without an image.
    """
    try:
        names = sorted(_walk(folder, recursive), key=natural_key)
    except OSError as e:
        raise SourceError(f"{folder}: cannot be read: {e.strerror}. Check its permissions.") from e
    images = [name for name in names if is_image_name(name)]
    if not images:
        nested = not recursive and any(is_image_name(name) for name in _walk(folder, True))
        hint = " There are images in subfolders: add --recursive." if nested else ""
        raise SourceError(f"{folder}: no image in it ({len(names)} other files).{hint}")

    def read(index: int) -> bytes:
        try:
            return (folder / images[index]).read_bytes()
        except OSError as e:
            raise SourceError(f"{folder / images[index]}: cannot be read: {e.strerror}") from e

    source = EncodedSource(str(folder), images, read, resize=resize, skip_bad=skip_bad, background=background)
    source.ignored = [name for name in names if not is_image_name(name)]
    return source


def _walk(folder: Path, recursive: bool) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise error

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(folders) if recursive else []
        for name in files:
            yield (Path(parent) / name).relative_to(folder).as_posix()


def open_archive(
    path: Path,
    *,
    resize: Resize | None,
    skip_bad: int,
    background: tuple[int, int, int],
    limits: ArchiveLimits = LIMITS,
) -> EncodedSource:
    """Open a zip or tar archive; nothing is ever unpacked to a name that the archive chose.

    Raises:
        SourceError: damaged, encrypted, hostile (links, devices, paths outside, bombs), or without an image.
    """
    try:
        members = _zip_members(path, limits) if path.suffix.lower() == ".zip" else _tar_members(path, limits)
    except OSError as e:
        if isinstance(e, gzip.BadGzipFile) or e.strerror is None:
            raise SourceError(f"{path}: not a readable archive ({e}). It may be cut short; copy it again.") from e
        raise SourceError(f"{path}: cannot be read: {e.strerror}") from e
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, NotImplementedError) as e:
        raise SourceError(f"{path}: not a readable archive ({e}). It may be cut short; copy it again.") from e
    names = sorted((name for name in members if is_image_name(name)), key=natural_key)
    if not names:
        raise SourceError(f"{path}: no image in it ({len(members)} other files)")
    source = EncodedSource(
        str(path), names, lambda i: members[names[i]](), resize=resize, skip_bad=skip_bad, background=background
    )
    source.ignored = sorted((name for name in members if not is_image_name(name)), key=natural_key)
    return source


Members = dict[str, Callable[[], bytes]]


def _safe_name(path: Path, name: str, members: Members) -> str:
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[0]:
        raise SourceError(f"{path}: refused, its member {name!r} points outside the archive")
    if str(pure) in members:
        raise SourceError(f"{path}: refused, two members are named {name!r}")
    if len(members) >= LIMITS.members:
        raise SourceError(f"{path}: refused, more than {LIMITS.members:,} members")
    return str(pure)


def _check_size(path: Path, unpacked: int, limits: ArchiveLimits) -> None:
    if unpacked > limits.total_bytes or unpacked > max(_RATIO_FLOOR, limits.ratio * path.stat().st_size):
        raise SourceError(
            f"{path}: refused, it unpacks to more than {unpacked >> 20:,} MiB from {path.stat().st_size >> 10:,} KiB: "
            "a decompression bomb, not images"
        )


def _zip_members(path: Path, limits: ArchiveLimits) -> Members:
    archive = zipfile.ZipFile(path)
    lock = threading.Lock()
    members: Members = {}
    total = 0
    for info in archive.infolist():
        if info.is_dir():
            continue
        name = _safe_name(path, info.filename, members)
        if info.flag_bits & 0x1:
            raise SourceError(f"{path}: {name} is encrypted; unpack the archive and give the folder")
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            raise SourceError(f"{path}: refused, its member {name} is a link")
        total += info.file_size
        _check_size(path, total, limits)

        def read(info: zipfile.ZipInfo = info) -> bytes:
            # The header's size is only a claim: never read past the limit, whatever it says.
            with lock, archive.open(info) as f:
                data = f.read(limits.member_bytes + 1)
            if len(data) > limits.member_bytes:
                raise SourceError(f"{path}: refused, {info.filename} unpacks to over {limits.member_bytes >> 20} MiB")
            return data

        members[name] = read
    return members


def _tar_members(path: Path, limits: ArchiveLimits) -> Members:
    """Read a tar once, from front to back, and keep its image files, still encoded, in a spooled temporary file.

    A compressed tar has no random access: reading members in natural order would unpack it from the start for each.
    """
    spool = tempfile.SpooledTemporaryFile(max_size=64 << 20)  # noqa: SIM115 - lives as long as the source
    lock = threading.Lock()
    members: Members = {}
    with _Unpacked(path, limits) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for info in archive:
            if info.isdir():
                continue
            name = _safe_name(path, info.name, members)
            if not info.isfile():
                raise SourceError(f"{path}: refused, its member {name} is a link or a device")
            if not is_image_name(name):
                members[name] = bytes
                continue
            if info.size > limits.member_bytes:
                raise SourceError(f"{path}: refused, {name} unpacks to over {limits.member_bytes >> 20} MiB")
            data = archive.extractfile(info).read()
            if len(data) != info.size:
                raise SourceError(f"{path}: cut short inside {name}; copy it again")
            start = spool.tell()
            spool.write(data)

            def read(start: int = start, size: int = len(data)) -> bytes:
                with lock:
                    spool.seek(start)
                    return spool.read(size)

            members[name] = read
    return members


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a compressed tar, counted against the limits as they come."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self._path = path
        self._limits = limits
        self._count = 0
        self._file = _decompressor(path)

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, and at most a megabyte: a bomb is noticed before it fills the memory."""
        data = self._file.read(min(size, _CHUNK) if size >= 0 else _CHUNK)
        self._count += len(data)
        _check_size(self._path, self._count, self._limits)
        return data

    def close(self) -> None:
        """Close the file underneath."""
        self._file.close()
        super().close()


def _decompressor(path: Path) -> IO[bytes]:
    with path.open("rb") as f:
        magic = f.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(path)
    if magic.startswith(b"BZh"):
        return bz2.open(path)
    if magic.startswith(b"\xfd7zXZ"):
        return lzma.open(path)
    return path.open("rb")
