"""Archives of image files, read in place: nothing is ever unpacked to a name that the archive chose."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ganbench.errors import DecodeError, SourceError
from ganbench.images.encoded import EncodedSource
from ganbench.images.limits import ArchiveLimits
from ganbench.images.listing import Listing, plain_name
from ganbench.images.names import is_archive_name, is_image_name, natural_key, no_image_in
from ganbench.images.packed import compression, unpack
from ganbench.images.passed import passed_over
from ganbench.images.resize import Resize
from ganbench.images.tar import BLOCK, FOLDER, HARD_LINK, is_tar, tar_members
from ganbench.images.zips import list_zip
from ganbench.system.wall import wall

_OTHERS = {
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\x04\x22\x4d\x18": "LZ4",
}


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
    """Open a zip or tar archive, whatever its name ends in; images in its subfolders count too.

    Raises:
        SourceError: damaged, encrypted, hostile (links, devices, paths outside, bombs), or without an image.
    """
    listing = Listing(path, limits)
    with wall(lambda why: SourceError(f"{path}: not a readable archive: {why}. It may be cut short: copy it again")):
        _list(listing)
    names = sorted((name for name in listing.files if is_image_name(name)), key=natural_key)
    if not names:
        raise SourceError(_no_image(path, list(listing.files)))
    reads = [listing.files[name] for name in names]
    source = ArchiveSource(
        str(path), names, lambda i: reads[i](), resize=resize, skip_bad=skip_bad, background=background
    )
    source.ignored = sorted((name for name in listing.files if not is_image_name(name)), key=natural_key)
    source.notes += passed_over(source.ignored) + listing.notes()
    source.folders = listing.folders
    return source


def kind_of_archive(path: Path) -> str:
    """Return by its content what a file is: ``zip``, ``tar``, a compression, a format that is not read, or nothing."""
    with path.open("rb") as file:
        start = file.read(BLOCK)
    if packed := compression(start):
        return packed
    if other := next((name for magic, name in _OTHERS.items() if start.startswith(magic)), ""):
        return other
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if is_tar(start):
        return "tar"
    return "zip" if zipfile.is_zipfile(path) else ""  # a program that unpacks itself is a zip too


def _list(listing: Listing) -> None:
    path = listing.path
    kind = kind_of_archive(path)
    if kind in _OTHERS.values():
        raise SourceError(
            f"{path}: {kind} archives are not read: unpack it, and give the folder or a .zip or .tgz of it"
        )
    if kind == "zip":
        list_zip(listing)
    elif kind == "tar" or (not kind and path.name.lower().endswith(".tar")):
        _list_tar(listing, path.open("rb"), path.stat().st_size)
    elif kind:
        _list_tar(listing, *unpack(path, listing.limits))
    else:
        raise SourceError(f"{path}: not a readable archive, neither zip nor tar. It may be cut short: copy it again")


def _list_tar(listing: Listing, file: IO[bytes], length: int) -> None:
    """List a tar once; images are read later at their offsets, in any order."""
    path = listing.path
    start = file.read(BLOCK)
    if compression(start) or start.startswith(b"PK\x03\x04"):
        raise SourceError(f"{path}: it is packed twice: unpack it once, and give what comes out")
    lock = threading.Lock()
    for member in tar_members(file, path, length, listing.limits):
        if member.kind == FOLDER:
            listing.add_folder(member.name)
        elif member.kind == HARD_LINK:  # how tar stores a second name of a file that it holds already
            read = listing.files.get(plain_name(member.link) or "")
            if read is None:
                raise SourceError(
                    f"{path}: refused, its member {member.name!r} is a link, a device or a sparse file, or the second "
                    "name of a file that it does not hold"
                )
            listing.add_file(member.name, read)
        else:
            listing.add_file(member.name, _reader(listing, file, lock, member.name, member.start, member.size))


def _reader(
    listing: Listing, file: IO[bytes], lock: threading.Lock, name: str, start: int, size: int
) -> Callable[[], bytes]:
    path, limits = listing.path, listing.limits

    def read() -> bytes:
        limits.check_member(name, size)
        with wall(lambda why: DecodeError(name, f"cannot be read: {why}")), lock:
            file.seek(start)
            data = file.read(size)
        if len(data) != size:
            raise SourceError(f"{path}: it changed while it was read")
        return data

    return read


def _no_image(path: Path, names: list[str]) -> str:
    held = no_image_in(names)
    if any(is_archive_name(name) for name in names):
        return f"{path}: no image in it, but archives ({held}): unpack it once, and give what comes out"
    return f"{path}: no image in it ({held})"
