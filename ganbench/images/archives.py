"""Archives of image files, read in place: nothing is ever unpacked to a name that the archive chose."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from ganbench.errors import SourceError
from ganbench.images.encoded import EncodedSource, Files
from ganbench.images.limits import ArchiveLimits
from ganbench.images.listing import Listing
from ganbench.images.names import is_archive_name, is_image_name, natural_key, no_image_in
from ganbench.images.packed import compression
from ganbench.images.passed import passed_over
from ganbench.images.resize import Resize
from ganbench.images.tar import BLOCK, is_tar
from ganbench.images.tar_files import list_tar
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

    Args:
        path: of the archive.
        resize: rule that brings every image to one size.
        skip_bad: how many unreadable images may be left out.
        background: RGB under transparent pixels.
        limits: what it may hold.

    Raises:
        SourceError: damaged, encrypted, hostile (links, devices, paths outside, bombs), or without an image.
    """
    with wall(lambda why: SourceError(f"{path}: not a readable archive: {why}. It may be cut short: copy it again")):
        listing = Listing(path, limits)
        files_of = _list(listing)
    names = sorted((name for name in listing.files if is_image_name(name)), key=natural_key)
    if not names:
        raise SourceError(_no_image(path, list(listing.files)))
    source = ArchiveSource(str(path), names, files_of(names), resize=resize, skip_bad=skip_bad, background=background)
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


def _list(listing: Listing) -> Callable[[list[str]], Files]:
    """List an archive; returns what makes its files of some of their names."""
    path = listing.path
    kind = kind_of_archive(path)
    if kind in _OTHERS.values():
        raise SourceError(
            f"{path}: {kind} archives are not read: unpack it, and give the folder or a .zip or .tgz of it"
        )
    if kind == "zip":
        return list_zip(listing)
    if kind == "tar" or (not kind and path.name.lower().endswith(".tar")):
        return list_tar(listing, packed=False)
    if kind:
        return list_tar(listing, packed=True)
    raise SourceError(f"{path}: not a readable archive, neither zip nor tar. It may be cut short: copy it again")


def _no_image(path: Path, names: list[str]) -> str:
    held = no_image_in(names)
    if any(is_archive_name(name) for name in names):
        return f"{path}: no image in it, but archives ({held}): unpack it once, and give what comes out"
    return f"{path}: no image in it ({held})"
