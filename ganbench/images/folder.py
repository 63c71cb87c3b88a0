"""A folder of image files."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from ganbench.errors import SourceError
from ganbench.images.encoded import EncodedSource
from ganbench.images.files import read_file
from ganbench.images.limits import ArchiveLimits
from ganbench.images.names import is_archive_name, is_image_name, natural_key, no_image_in
from ganbench.images.passed import passed_over
from ganbench.images.resize import Resize

_HINT_FOLDERS, _HINT_FILES = 1000, 20_000  # what is looked at for the sake of a note


def open_folder(
    folder: Path,
    *,
    recursive: bool,
    resize: Resize | None,
    skip_bad: int,
    background: tuple[int, int, int],
    limits: ArchiveLimits,
) -> EncodedSource:
    """Open a folder of image files.

    Raises:
        SourceError: unreadable, or without an image.
    """
    try:
        walk = _Walk(folder, recursive)
    except OSError as e:
        raise SourceError(f"{e.filename or folder}: cannot be read: {e.strerror}. Check its permissions") from e
    images = [name for name in walk.files if is_image_name(name)]
    ignored = [name for name in walk.files if not is_image_name(name)]
    below = _images_below(walk.unentered)
    if not images:
        raise SourceError(_no_image(walk, ignored, below))

    files = _InFolder(folder.absolute(), limits)
    source = EncodedSource(str(folder), images, files, resize=resize, skip_bad=skip_bad, background=background)
    source.ignored = ignored
    subfolders = sorted({name.split("/")[0] for name in below}, key=natural_key)
    source.notes += passed_over(ignored, special=len(walk.special), below=len(below), folders=subfolders)
    return source


@dataclass(frozen=True)
class _InFolder:
    """Files of a folder."""

    folder: Path
    limits: ArchiveLimits

    def read(self, index: int, name: str) -> bytes:
        del index
        return read_file(self.folder / name, name, self.limits)

    def part(self, start: int, stop: int) -> _InFolder:
        del start, stop
        return self


class _Walk:
    """The files below a folder as POSIX names in natural order; links are followed, and no folder is entered twice.

    Attributes:
        files: regular files, and links to nowhere, which fail when they are read.
        special: pipes and devices.
        unentered: subfolders that were not looked into.
        label: the folder.
    """

    def __init__(self, folder: Path, recursive: bool, most: int | None = None) -> None:
        """Walk, over at most so many entries.

        Raises:
            OSError: a folder cannot be read.
        """
        self.label = folder
        self.files: list[str] = []
        self.special: list[str] = []
        self.unentered: list[Path] = []
        pending = [(folder, "")]
        seen: set[Path] = set()
        while pending:
            parent, prefix = pending.pop()
            if parent.resolve() in seen:
                continue
            seen.add(parent.resolve())
            with os.scandir(parent) as entries:
                for entry in islice(entries, most):
                    if entry.is_dir() and recursive:
                        pending.append((Path(entry.path), f"{prefix}{entry.name}/"))
                    elif entry.is_dir():
                        self.unentered.append(Path(entry.path))
                    else:
                        ordinary = entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())
                        (self.files if ordinary else self.special).append(prefix + entry.name)
            if most is not None and len(self.files) >= most:
                break
        self.files.sort(key=natural_key)


def _images_below(folders: list[Path]) -> list[str]:
    """Return the images in subfolders, for a note only: an unreadable subfolder gives none, an endless one not all."""
    found: list[str] = []
    for folder in sorted(folders)[:_HINT_FOLDERS]:
        with suppress(OSError):
            names = [f"{folder.name}/{name}" for name in _Walk(folder, True, _HINT_FILES).files]
            found += [name for name in names if is_image_name(name)]
    return found


def _no_image(walk: _Walk, ignored: list[str], below: list[str]) -> str:
    if below:
        return f"{walk.label}: no image in it, but there are images in its subfolders: add --recursive"
    held = no_image_in(ignored) if ignored else "it is empty"
    if archives := [name for name in ignored if is_archive_name(name)]:
        ending = PurePosixPath(archives[0]).suffix
        held += f"; if its archives are the shards of one source, say so: '{walk.label}/*{ending}'"
    if walk.unentered and not ignored:
        held = "only subfolders without images"
    return f"{walk.label}: no image in it ({held})"
