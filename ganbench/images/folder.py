"""A folder of image files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ganbench.errors import SourceError
from ganbench.images.encoded import EncodedSource
from ganbench.images.names import is_image_name, natural_key
from ganbench.images.resize import Resize


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
        raise SourceError(f"{e.filename or folder}: cannot be read: {e.strerror}. Check its permissions") from e
    images = [name for name in names if is_image_name(name)]
    ignored = [name for name in names if not is_image_name(name)]
    if not images:
        raise SourceError(_no_image(folder, ignored, recursive))

    def read(index: int) -> bytes:
        path = folder / images[index]
        try:
            return path.read_bytes()
        except OSError as e:
            raise SourceError(f"{path}: cannot be read: {e.strerror}. Check that it is there and readable") from e

    source = EncodedSource(str(folder), images, read, resize=resize, skip_bad=skip_bad, background=background)
    source.ignored = ignored
    return source


def _walk(folder: Path, recursive: bool) -> Iterator[str]:
    """Yield the files below a folder as POSIX names; links are followed, and no folder is entered twice."""
    pending = [(folder, "")]
    seen: set[Path] = set()
    while pending:
        parent, prefix = pending.pop()
        if parent.resolve() in seen:
            continue
        seen.add(parent.resolve())
        with os.scandir(parent) as entries:
            for entry in entries:
                if entry.is_dir():
                    if recursive:
                        pending.append((Path(entry.path), f"{prefix}{entry.name}/"))
                elif entry.is_file() or entry.is_symlink():  # no pipes or devices; a dangling link fails when read
                    yield prefix + entry.name


def _no_image(folder: Path, ignored: list[str], recursive: bool) -> str:
    held = f"{len(ignored)} other files, such as {ignored[0]}" if ignored else "it is empty"
    if not recursive:
        with suppress(OSError):  # only a hint: an unreadable subfolder gives none
            if any(is_image_name(name) for name in _walk(folder, True)):
                return f"{folder}: no image in it, but there are images in its subfolders: add --recursive"
            if not ignored and any(folder.iterdir()):
                held = "only subfolders without images"
    return f"{folder}: no image in it ({held})"
