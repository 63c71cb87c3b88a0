"""Toy faces in the cache: what commands use where no images are given. Drawn once, checked whenever they are used."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.errors import CannotWrite
from ganbench.system.container import Damaged, Writer, read
from ganbench.system.leftovers import temporary_folder
from ganbench.system.storage import cache_dir
from ganbench.system.wall import reason
from ganbench.toyfaces import ATTRIBUTES, RECORD, check_request, draw_face, sample_attributes, write_toyfaces

COUNT = 2000  # about 29 of each mode, 62 batches of 32; drawn in half a minute on a slow core
_KIND = "toyfaces"


def cached_toyfaces(
    size: int = 64, count: int = COUNT, seed: int = 0, *, say: Callable[[str], None] = lambda text: None
) -> Path:
    """Return a folder of toy faces as ``write_toyfaces`` makes it, from the cache if it is there and whole.

    The faces are drawn into a folder of another name, which gets this one once all of them and their digest are in it:
    a drawing that was killed is never used. A folder whose files are not what was drawn, or not what would be drawn
    today, is drawn anew. Where the cache cannot be written, the folder goes with the process.

    Args:
        size: side of an image, pixels, at least 16.
        count: how many faces.
        seed: of the faces.
        say: is told in one line what is used, before the drawing.

    Returns:
        The folder, with ``1.png`` ... and ``attributes.csv`` in it.

    Raises:
        GanbenchError: as ``check_request``, or there is no place for a folder at all.
    """
    check_request(count, size, seed)
    name = f"toyfaces-{count}-{size}px-seed{seed}"
    try:
        return _cached(cache_dir() / _KIND / name, size, count, seed, say)
    except CannotWrite as e:
        say(f"the toy faces cannot be kept for the next time: {e}")
    try:
        stack = ExitStack()
        folder = stack.enter_context(temporary_folder(Path(tempfile.gettempdir()) / f"ganbench-{name}"))
        atexit.register(stack.close)
        write_toyfaces(folder, count, size, seed)
    except (CannotWrite, OSError) as e:
        raise CannotWrite(f"no place for toy faces: {reason(e)} Give images with --data") from e
    return folder


def _cached(folder: Path, size: int, count: int, seed: int, say: Callable[[str], None]) -> Path:
    if _is_whole(folder, size, count, seed):
        say(f"{count:,} toy faces of {size}x{size} pixels, drawn before, in {folder}")
        return folder
    if folder.exists():
        say(f"{folder} is not what was drawn, or would be drawn today")
    with temporary_folder(folder) as temporary:
        say(f"{count:,} toy faces of {size}x{size} pixels, drawn now, once, into {folder}")
        write_toyfaces(temporary, count, size, seed)
        try:
            _record(temporary, folder.name, count)
            if not _is_whole(folder, size, count, seed):  # another process may have been faster
                shutil.rmtree(folder, ignore_errors=True)
                temporary.rename(folder)
        except OSError as e:
            raise CannotWrite(f"cannot write {folder}: {reason(e)}.") from e
    return folder


def _record(folder: Path, name: str, count: int) -> None:
    """Write down what the files of a folder are, under the name that it will have."""
    with (folder / RECORD).open("wb") as file:
        writer = Writer(file, _KIND, name)
        writer.write(_digest(folder, count))
        writer.finish({})


def _is_whole(folder: Path, size: int, count: int, seed: int) -> bool:
    """Tell whether the files are those that were drawn, and the first face is still drawn like that."""
    try:
        if bytes(read(folder / RECORD, _KIND, folder.name).payload) != _digest(folder, count):
            return False
        with Image.open(folder / "1.png") as image:
            first = np.asarray(image)
    except (OSError, Damaged):
        return False
    return np.array_equal(first, draw_face(sample_attributes(seed, 0), size))


def _digest(folder: Path, count: int) -> bytes:
    """Return the SHA-256 of the names of all files, of the attributes and of all images."""
    images = [f"{number}.png" for number in range(1, count + 1)]
    there = sorted({path.name for path in folder.iterdir()} - {RECORD})
    total = hashlib.sha256("\n".join(there).encode("utf-8", "surrogateescape"))
    for name in (ATTRIBUTES, *images):
        total.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return total.digest()
