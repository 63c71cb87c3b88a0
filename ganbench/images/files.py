"""One image file of the file system, read within limits."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ganbench.errors import DecodeError
from ganbench.images.limits import ArchiveLimits
from ganbench.system.wall import wall


def read_file(path: Path, name: str, limits: ArchiveLimits) -> bytes:
    """Return the bytes of an image file.

    Args:
        path: where it is; links are followed.
        name: for messages.
        limits: how large it may be.

    Raises:
        DecodeError: it cannot be read, is no regular file, or is too large.
    """
    with wall(lambda why: DecodeError(name, f"cannot be read: {why}. Check that it is there and readable")):
        # Asked before it is opened: to open a pipe waits for ever, and a device never ends.
        if not stat.S_ISREG(path.stat().st_mode):
            raise DecodeError(name, "not a file, but a pipe, a device or a folder")
        with path.open("rb") as f:
            limits.check_member(name, os.fstat(f.fileno()).st_size)
            data = f.read(limits.member_bytes + 1)
    limits.check_member(name, len(data))  # it may have grown, or be of a file system that does not know sizes
    return data
