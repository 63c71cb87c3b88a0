"""The files of a tar: listed once, and read at their offsets, in any order and by any process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from ganbench.errors import DecodeError, SourceError
from ganbench.images.handles import Handles
from ganbench.images.limits import ArchiveLimits
from ganbench.images.listing import Listing, plain_name
from ganbench.images.offsets import Offsets, Span, open_plain
from ganbench.images.packed import compression, unpack
from ganbench.images.tar import BLOCK, FOLDER, HARD_LINK, tar_members
from ganbench.system.wall import wall

_ROW = np.dtype([("start", np.uint64), ("size", np.uint64)])


def list_tar(listing: Listing, *, packed: bool, handles: Handles | None = None) -> Callable[[list[str]], TarFiles]:
    """Add the members of a tar.

    Args:
        listing: of the archive.
        packed: whether it is compressed.
        handles: who decides how long it stays open; default: as long as anybody reads it.

    Returns:
        What makes the files of some of their names.

    Raises:
        SourceError: damaged or hostile.
    """
    path, limits = listing.path, listing.limits
    open_file = partial(_open_packed, limits=limits) if packed else open_plain
    file, unpacked = unpack(path, limits) if packed else (path.open("rb"), listing.place.length)
    start = file.read(BLOCK)
    if compression(start) or start.startswith(b"PK\x03\x04"):
        raise SourceError(f"{path}: it is packed twice: unpack it once, and give what comes out")
    for member in tar_members(file, path, unpacked, limits):
        if member.kind == FOLDER:
            listing.add_folder(member.name)
        elif member.kind == HARD_LINK:  # how tar stores a second name of a file that it holds already
            where = listing.files.get(plain_name(member.link) or "")
            if where is None:
                raise SourceError(
                    f"{path}: refused, its member {member.name!r} is a link, a device or a sparse file, or the second "
                    "name of a file that it does not hold"
                )
            listing.add_file(member.name, where)
        else:
            listing.add_file(member.name, (member.start, member.size))
    offsets = Offsets(listing.place, open_file, file=file, handles=handles)
    if handles is not None:
        offsets.close()

    def files_of(names: list[str]) -> TarFiles:
        return TarFiles(offsets, np.array([listing.files[name] for name in names], _ROW), limits)

    return files_of


class TarFiles:
    """Files at offsets of a tar."""

    def __init__(self, offsets: Offsets, rows: np.ndarray, limits: ArchiveLimits) -> None:
        self._offsets, self._rows, self._limits = offsets, rows, limits

    def read(self, index: int, name: str) -> bytes:
        """See ``Files.read``."""
        start, size = map(int, self._rows[index].tolist())
        self._limits.check_member(name, size)
        with wall(lambda why: DecodeError(name, f"cannot be read: {why}")):
            data = self._offsets.read(start, size)
        if len(data) != size:
            raise SourceError(f"{self._offsets.place.path}: it changed while it was read")
        return data

    def part(self, start: int, stop: int) -> TarFiles:
        """See ``Files.part``."""
        return TarFiles(self._offsets, self._rows[start:stop], self._limits)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as these files alone: of a compressed tar no more than they need is unpacked again."""
        ends = self._rows["start"] + self._rows["size"]
        span = int(self._rows["start"].min(initial=0)), int(ends.max(initial=0))
        return TarFiles, (self._offsets.within(span), self._rows, self._limits)


def _open_packed(path: Path, span: Span | None, limits: ArchiveLimits) -> tuple[IO[bytes], int]:
    file, _ = unpack(path, limits, span)
    return file, span[0] if span else 0
