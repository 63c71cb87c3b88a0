"""Results on their way out: to a file, to a URL, each whole or not at all, and looked at before the work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ganbench.errors import CannotWrite, GanbenchError
from ganbench.system.location import Location
from ganbench.system.storage import atomic_write, is_device

Target = str | Path | Location


@contextmanager
def write_file(place: Target, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file to write at a path or a URL; it is there, whole, once the block ends without an error.

    Raises:
        CannotWrite: no permission, no room, no such bucket.
    """
    location = Location.of(place)
    if not location.is_remote:
        with atomic_write(location.path, mode) as f:
            yield f
        return
    from ganbench.system.remote import put_file

    try:
        folder = tempfile.TemporaryDirectory(prefix="ganbench-")
    except OSError as e:
        raise CannotWrite(f"cannot write {location}: no temporary file for it: {e.strerror}. Free space") from e
    with folder as name:
        local = Path(name) / (location.name or "file")
        with atomic_write(local, mode) as f:
            yield f
        put_file(local, location.text)


def write_text(place: Target, text: str) -> None:
    """Write a text to a path or a URL.

    Raises:
        GanbenchError: as ``write_file``.
    """
    with write_file(place, "w") as f:
        f.write(text)


def check_outputs(
    *files: Target | None,
    folders: tuple[Target | None, ...] = (),
    binary: tuple[Target | None, ...] = (),
    taken: bool = False,
) -> None:
    """Check that files can be written, before the work whose results they are for; nothing is left there.

    Args:
        files: texts to write later; None is passed over, and one may be ``-``, standard output.
        folders: folders to write into later, which need not exist yet.
        binary: files that are no texts, and so never ``-``.
        taken: whether something else will be printed on standard output for programs, such as JSON.

    Raises:
        GanbenchError: a folder where a file is to be, a file where a folder is to be, one file named twice, no
            permission, no space, or no such bucket.
    """
    texts = [Location.of(file) for file in files if file is not None]
    all_files = [*texts, *(Location.of(file) for file in binary if file is not None)]
    given = [location.text for location in all_files]
    for location in all_files:
        twice = given.count(location.text) + (taken and location.text == "-") > 1
        if twice and (location.is_remote or not is_device(location.path)):
            what = "standard output (-)" if location.text == "-" else str(location)
            raise GanbenchError(f"two outputs would go to {what}, one over the other. Give each a place of its own.")
    if any(location.text == "-" for location in all_files[len(texts) :]):
        raise GanbenchError("only texts can be written to standard output (-), and this is none. Name a file.")
    for location in all_files:
        if location.is_remote:
            _check_remote(location.text)
        elif location.text != "-":
            _check_place(location.path, location.path.parent, is_file=True)
    for folder in (Location.of(folder) for folder in folders if folder is not None):
        if folder.is_remote:
            _check_remote(f"{folder.text.rstrip('/')}/ganbench")
        else:
            _check_place(folder.path, folder.path, is_file=False)


def _check_remote(url: str) -> None:
    from ganbench.system.remote import check_writable

    check_writable(url)


def _check_place(wanted: Path, folder: Path, *, is_file: bool) -> None:
    try:
        if is_file and wanted.is_dir():
            raise GanbenchError(f"cannot write {wanted}: it is a folder. Name a file in it, such as {wanted / 'out'}")
        # The nearest folder above that exists: the rest will be made in it.
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        usable = there.is_dir()
        if is_file and is_device(wanted):
            _check_device(wanted)
            return
        full = usable and hasattr(os, "statvfs") and not os.statvfs(there).f_bavail
    except OSError as e:
        raise GanbenchError(f"cannot write {wanted}: {e.strerror}. Choose another place.") from e
    except UnicodeEncodeError as e:
        raise GanbenchError(f"cannot write {wanted}: the system does not take such a name. Choose another one.") from e
    if full:
        raise GanbenchError(f"cannot write {wanted}: no space left on device. Free space or choose another place.")
    if not usable:
        raise GanbenchError(f"cannot write {wanted}: {there} is a file, not a folder. Choose another place.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise GanbenchError(f"cannot write {wanted}: no permission to write into {there}. Choose another place.")


def _check_device(path: Path) -> None:
    """Write nothing to a device, which fails where something would. A pipe is left alone: opening one may wait.

    Raises:
        OSError: it cannot be written to.
    """
    if path.is_fifo() or (path.exists() and not os.access(path, os.W_OK)):
        return
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, b"")
    finally:
        os.close(handle)
