"""Archives of image files, read in place: nothing is ever unpacked to a name that the archive chose."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import IO, cast

from ganbench.errors import DecodeError, SourceError
from ganbench.images.encoded import EncodedSource
from ganbench.images.limits import ArchiveLimits
from ganbench.images.names import is_image_name, natural_key
from ganbench.images.resize import Resize

_BLOCK = 512  # unit of the tar format
_CHUNK = 1 << 20
_IN_MEMORY = 64 << 20  # an unpacked tar up to this size stays in memory, a larger one goes to a temporary file
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, NotImplementedError, ValueError)


class ArchiveSource(EncodedSource):
    """The image files of an archive.

    Attributes:
        folders: folders that the archive holds as members of their own.
    """

    folders: list[str]


def open_archive(
    path: Path,
    *,
    resize: Resize | None,
    skip_bad: int,
    background: tuple[int, int, int],
    limits: ArchiveLimits,
) -> ArchiveSource:
    """Open a zip or tar archive; images in its subfolders count too.

    Raises:
        SourceError: damaged, encrypted, hostile (links, devices, paths outside, bombs), or without an image.
    """
    listing = _Listing(path, limits)
    try:
        if path.suffix.lower() == ".zip":
            _list_zip(listing)
        else:
            _list_tar(listing)
    except _DAMAGED as e:
        raise SourceError(f"{path}: not a readable archive ({e}). It may be cut short: copy it again") from e
    except OSError as e:
        if e.strerror is None:  # a decompressor's own complaint, not the system's
            raise SourceError(f"{path}: not a readable archive ({e}). It may be cut short: copy it again") from e
        raise SourceError(f"{path}: cannot be read: {e.strerror}") from e
    names = sorted((name for name in listing.files if is_image_name(name)), key=natural_key)
    if not names:
        raise SourceError(f"{path}: no image in it ({len(listing.files)} other files)")
    reads = [listing.files[name] for name in names]
    source = ArchiveSource(
        str(path), names, lambda i: reads[i](), resize=resize, skip_bad=skip_bad, background=background
    )
    source.ignored = sorted((name for name in listing.files if not is_image_name(name)), key=natural_key)
    source.folders = listing.folders
    return source


class _Listing:
    """The members of an archive, each name checked as it is added."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.path = path
        self.limits = limits
        self.files: dict[str, Callable[[], bytes]] = {}
        self.folders: list[str] = []
        self._count = 0

    def name(self, raw: str) -> str:
        """Return the member's name in its plain form.

        Raises:
            SourceError: it points outside, was there before, or is one too many.
        """
        self._count += 1
        if self._count > self.limits.members:
            raise SourceError(f"{self.path}: refused, it has more than {self.limits.members:,} members")
        pure = PurePosixPath(raw.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts or re.match("[A-Za-z]:", str(pure)):
            raise SourceError(f"{self.path}: refused, its member {raw!r} points outside the archive")
        if str(pure) in self.files:
            raise SourceError(f"{self.path}: refused, two of its members are named {str(pure)!r}")
        return str(pure)

    def add_folder(self, raw: str) -> None:
        name = self.name(raw)
        if name != ".":  # what `tar czf x.tgz .` writes for the folder it packs
            self.folders.append(f"{name}/")


def _list_zip(listing: _Listing) -> None:
    path, limits = listing.path, listing.limits
    archive = zipfile.ZipFile(path)
    lock = threading.Lock()
    total = 0
    for info in archive.infolist():
        if info.is_dir():
            listing.add_folder(info.filename)
            continue
        name = listing.name(info.filename)
        if info.flag_bits & 0x1:
            raise SourceError(f"{path}: {name} is encrypted: unpack the archive and give the folder")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise SourceError(f"{path}: refused, its member {name} is a link or a device")
        total += info.file_size
        limits.check_total(path, total)

        def read(info: zipfile.ZipInfo = info, name: str = name) -> bytes:
            try:
                with lock, archive.open(info) as f:
                    data = f.read(limits.member_bytes + 1)  # whatever size the header claims
            except _DAMAGED as e:
                raise DecodeError(name, f"its archive entry is damaged: {e}") from e
            except OSError as e:
                raise SourceError(f"{path}: cannot be read: {e.strerror or e}") from e
            limits.check_member(path, name, len(data))
            return data

        listing.files[name] = read


def _list_tar(listing: _Listing) -> None:
    """List a tar once; images are read later at their offsets, in any order.

    A compressed tar has no random access, so it is unpacked first, into memory or an unnamed temporary file.
    """
    path, limits = listing.path, listing.limits
    file = _unpacked(path, limits)
    lock = threading.Lock()
    end, last = 0, "its start"
    headers = cast(IO[bytes], _Headers(file, path, limits))  # has the three methods that reading needs
    with tarfile.open(fileobj=headers, mode="r:") as archive:
        while (info := archive.next()) is not None:
            # Or tarfile would keep all headers of a large archive.
            archive.members.clear()  # type: ignore[attr-defined]  # there since Python 2, unknown to typeshed
            end = info.offset_data + -(-info.size // _BLOCK) * _BLOCK
            last = info.name
            if info.isdir():
                listing.add_folder(info.name)
                continue
            name = listing.name(info.name)
            if not info.isfile() or info.issparse():
                raise SourceError(f"{path}: refused, its member {name} is a link, a device or a sparse file")
            if is_image_name(name):
                limits.check_member(path, name, info.size)

            def read(start: int = info.offset_data, size: int = info.size) -> bytes:
                with lock:
                    file.seek(start)
                    data = file.read(size)
                if len(data) != size:
                    raise SourceError(f"{path}: it changed while it was read")
                return data

            listing.files[name] = read
    # tarfile takes a damaged header for the end, and so would lose images without a word: insist on the end mark.
    file.seek(end)
    if file.read(_BLOCK) != bytes(_BLOCK):
        raise SourceError(f"{path}: damaged or cut short after {last}: copy it again")


class _Headers:
    """What tarfile needs of a file to read headers, without letting one header claim all the memory."""

    def __init__(self, file: IO[bytes], path: Path, limits: ArchiveLimits) -> None:
        self._file = file
        self._path = path
        self._limits = limits
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        self._limits.check_member(self._path, "header", size)
        return self._file.read(size)


def _unpacked(path: Path, limits: ArchiveLimits) -> IO[bytes]:
    """Return the plain tar as a file that can seek; it lives as long as the source does."""
    with path.open("rb") as f:
        magic = f.read(6)
    openers: dict[bytes, Callable[[Path], BufferedIOBase]]
    openers = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\0": lzma.LZMAFile}
    opener = next((opener for start, opener in openers.items() if magic.startswith(start)), None)
    if opener is None:
        return path.open("rb")
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
    count = 0
    with opener(path) as packed:
        while chunk := packed.read(_CHUNK):
            count += len(chunk)
            limits.check_total(path, count)
            try:
                spool.write(chunk)
            except OSError as e:
                raise SourceError(f"{path}: cannot be unpacked to {tempfile.gettempdir()}: {e.strerror}") from e
    spool.seek(0)
    return spool
