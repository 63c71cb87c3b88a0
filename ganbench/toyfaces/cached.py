"""Toy faces in the cache: what commands use where no images are given. Drawn once, checked whenever they are used."""

from __future__ import annotations

import hashlib
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.errors import GanbenchError
from ganbench.system.storage import cache_dir
from ganbench.toyfaces import check_request, draw_face, sample_attributes, write_toyfaces

COUNT = 2000  # about 29 of each mode, 62 batches of 32; drawn in half a minute on a slow core
_DIGEST = "SHA256"
_ABANDONED = 600.0  # seconds without a new face after which the drawing of another process is taken for killed


def cached_toyfaces(
    size: int = 64, count: int = COUNT, seed: int = 0, *, say: Callable[[str], None] = lambda text: None
) -> Path:
    """Return a folder of toy faces as ``write_toyfaces`` makes it, from the cache if it is there and whole.

    The faces are drawn into a folder of another name, which gets this one once all of them and their digest are in it:
    a drawing that was killed is never used. A folder whose files are not what was drawn, or not what would be drawn
    today, is drawn anew.

    Args:
        size: side of an image, pixels, at least 16.
        count: how many faces.
        seed: of the faces.
        say: is told in one line what is used, before the drawing.

    Returns:
        The folder, with ``1.png`` ... and ``attributes.csv`` in it.

    Raises:
        GanbenchError: as ``check_request``, or the cache folder cannot be written.
    """
    check_request(count, size, seed)
    folder = cache_dir() / "toyfaces" / f"toyfaces-{count}-{size}px-seed{seed}"
    if _is_whole(folder, size, count, seed):
        say(f"{count:,} toy faces of {size}x{size} pixels, drawn before, in {folder}")
        return folder
    say(f"{count:,} toy faces of {size}x{size} pixels, drawn now, once, into {folder}")
    temporary = _make_temporary(folder)
    try:
        write_toyfaces(temporary, count, size, seed)
        (temporary / _DIGEST).write_text(_digest(temporary, count) + "\n", "utf-8")
        if not _is_whole(folder, size, count, seed):  # another process may have been faster
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
    except OSError as e:
        raise GanbenchError(f"cannot keep toy faces in {folder}: {e.strerror or e}. Give images with --data") from e
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _make_temporary(folder: Path) -> Path:
    """Make an empty folder beside ``folder``, and remove those that killed drawings left there."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for leftover in folder.parent.glob(".*.tmp"):
            if time.time() - leftover.stat().st_mtime > _ABANDONED:
                shutil.rmtree(leftover, ignore_errors=True)
        temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex}.tmp"
        temporary.mkdir()
    except OSError as e:
        raise GanbenchError(f"cannot keep toy faces in {folder}: {e.strerror or e}. Give images with --data") from e
    return temporary


def _is_whole(folder: Path, size: int, count: int, seed: int) -> bool:
    """Tell whether the files are those that were drawn, and the first face is still drawn like that."""
    try:
        if (folder / _DIGEST).read_text("utf-8").strip() != _digest(folder, count):
            return False
        with Image.open(folder / "1.png") as image:
            first = np.asarray(image)
    except (OSError, ValueError):
        return False
    return np.array_equal(first, draw_face(sample_attributes(seed, 0), size))


def _digest(folder: Path, count: int) -> str:
    """Return the SHA-256 of the attributes and all images, hex."""
    total = hashlib.sha256((folder / "attributes.csv").read_bytes())
    for number in range(1, count + 1):
        total.update(hashlib.sha256((folder / f"{number}.png").read_bytes()).digest())
    return total.hexdigest()
