"""Array files: .npy, mapped into memory, and the images of an .npz, without pickles and within limits."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal

import numpy as np

from ganbench.errors import SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.images.place import Place
from ganbench.images.remade import Remade
from ganbench.system.memory import budget
from ganbench.system.wall import wall

_HEADER_BYTES = 10_000  # as NumPy's own limit; larger ones are no headers of plain arrays
_PREFERRED = ("images", "arr_0")
_ZIP_MAGIC = b"PK"


@dataclass(frozen=True)
class _Header:
    """What an array says of itself, and where its data starts, bytes."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    start: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def order(self) -> Literal["C", "F"]:
        return "F" if self.fortran else "C"


@dataclass(frozen=True)
class _Array:
    """Where an array lies: in a file, in one member of an .npz or, without a name, by itself."""

    file: Place
    member: str
    header: _Header

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return some of its rows.

        Raises:
            SourceError: the file is another one now.
        """
        with wall(lambda why: SourceError(f"{self.file.path}: not a readable array file: {why}. Copy it again")):
            path = self.file.local()
            if not self.member:
                return _mapped(path, self.header)[start:stop]
            with zipfile.ZipFile(path) as file, file.open(self.member) as member:
                return _read_rows(member, self.header, start, stop)


class FileRows:
    """Rows of an array in a file. They pickle as where they are, and another process reads them alone."""

    def __init__(self, place: _Array, start: int, stop: int, array: np.ndarray) -> None:
        self._place, self._start, self._stop = place, start, stop
        self._array = Remade(partial(place.read, start, stop), array)

    def __call__(self) -> np.ndarray:
        """See ``arrays.Rows``."""
        return self._array()

    def part(self, start: int, stop: int) -> FileRows:
        """See ``arrays.Rows``."""
        return FileRows(self._place, self._start + start, self._start + stop, self._array()[start:stop])


def load_array(path: Path, limits: ArchiveLimits) -> tuple[FileRows, list[str]]:
    """Open an .npy (memory-mapped) or the one image array of an .npz, without pickles.

    Args:
        path: of the file.
        limits: what an .npz may hold.

    Returns:
        The array, and what was passed over, one line each.

    Raises:
        SourceError: damaged, pickled, a decompression bomb, or several arrays that could be the images.
    """
    with wall(lambda why: SourceError(f"{path}: not a readable array file: {why}. It may be cut short: copy it again")):
        with path.open("rb") as file:
            if file.read(2) == _ZIP_MAGIC:  # whatever its name ends in
                return _load_npz(path, limits)
            file.seek(0)
            header = _read_header(file, str(path))
        _check_data(str(path), header, path.stat().st_size)
        return _all_rows(Place.of(path), "", header, _mapped(path, header)), []


def _all_rows(file: Place, member: str, header: _Header, array: np.ndarray) -> FileRows:
    place = _Array(file, member, header)
    return FileRows(place, 0, header.shape[0] if header.shape else 0, array)


def _mapped(path: Path, header: _Header) -> np.ndarray:
    if not header.nbytes:
        return np.empty(header.shape, header.dtype)
    return np.memmap(path, header.dtype, "r", header.start, header.shape, header.order)


def _read_rows(file: IO[bytes], header: _Header, start: int, stop: int) -> np.ndarray:
    """Read rows of an array that is read from its start on; in Fortran's order all of it holds some of each row."""
    begin, end = (0, header.shape[0]) if header.fortran else (start, stop)
    each = header.nbytes // header.shape[0]
    file.seek(header.start + begin * each)
    data = file.read((end - begin) * each)
    array = np.frombuffer(data, header.dtype).reshape((end - begin, *header.shape[1:]), order=header.order)
    return array[start:stop] if header.fortran else array


def _read_header(file: IO[bytes], label: str) -> _Header:
    """Read a header; only NumPy's own parser decides what it means.

    Raises:
        SourceError: of no possible shape.
        Exception: whatever the parser trips over.
    """
    magic = file.read(8)
    version = magic[6:8]
    if magic[:6] != b"\x93NUMPY" or version not in (b"\1\0", b"\2\0", b"\3\0"):
        raise SourceError(f"{label}: not a readable array file: it does not begin like one. Copy it again")
    width = 2 if version == b"\1\0" else 4
    field = file.read(width)
    length = struct.unpack("<H" if width == 2 else "<I", field)[0]
    if length > _HEADER_BYTES:
        raise SourceError(f"{label}: not a readable array file: its header is of {length:,} bytes")
    text = io.BytesIO(field + file.read(length))
    # Version 3 differs from 2 by names of fields in UTF-8, which images do not have.
    read = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(text)
    if any(side < 0 for side in shape):
        raise SourceError(f"{label}: not a readable array file: its shape is {shape}")
    return _Header(tuple(map(int, shape)), fortran, dtype, 8 + width + length)


def _check_data(label: str, header: _Header, length: int) -> None:
    """Refuse an array whose data is of Python objects, or more or less than its header says."""
    if header.dtype.hasobject:
        raise SourceError(
            f"{label}: it holds Python objects, which are never loaded: save one uint8 array (N, H, W, 3)"
        )
    held = length - header.start
    if held != header.nbytes:
        raise SourceError(
            f"{label}: not a readable array file: shape {header.shape} of {header.dtype} takes {header.nbytes:,} "
            f"bytes, it holds {held:,}. "
            + ("It is cut short: copy it again" if held < header.nbytes else "Save one array only")
        )


def _load_npz(path: Path, limits: ArchiveLimits) -> tuple[FileRows, list[str]]:
    with zipfile.ZipFile(path) as file:
        members = [info for info in file.infolist() if info.filename.endswith(".npy")]
        limits.check_total(path, sum(info.file_size for info in file.infolist()))
        headers = {}
        for info in members:
            with file.open(info) as member:
                headers[info.filename[:-4]] = info, _read_header(member, f"{path} ({info.filename!r})")
        name = _choose(path, {name: header.shape for name, (_, header) in headers.items()})
        info, header = headers[name]
        label = f"{path} ({name!r})"
        _check_data(label, header, info.file_size)
        if info.file_size > (most := budget() // 2):
            raise SourceError(
                f"{label}: it unpacks to {info.file_size:,} bytes, more than the memory budget allows ({most:,}). "
                "Save it as .npy, which is read piece by piece"
            )
        with file.open(info) as member:
            data = member.read(info.file_size + 1)  # to the end, where the checksum is compared
    array = np.frombuffer(data, header.dtype, offset=header.start).reshape(header.shape, order=header.order)
    others = [repr(other) for other in headers if other != name]
    notes = [f"read the array {name!r}, passed over: {', '.join(others)}"] if others else []
    return _all_rows(Place.of(path), info.filename, header, array), notes


def _choose(path: Path, shapes: dict[str, tuple[int, ...]]) -> str:
    """Return the name of the images: ``images``, ``arr_0``, or the only one; arrays of three channels come first."""
    if not shapes:
        raise SourceError(f"{path}: no array in it")
    pictures = [name for name, shape in shapes.items() if len(shape) == 4 and 3 in (shape[1], shape[3])]
    for name in _PREFERRED:
        if name in (pictures or shapes):  # labels may have been saved first
            return name
    chosen = list(shapes) if len(shapes) == 1 else pictures
    if len(chosen) != 1:
        listed = ", ".join(f"{name!r} {shape}" for name, shape in list(shapes.items())[:8])
        raise SourceError(f"{path}: several arrays ({listed}); name the one with the images 'images'")
    return chosen[0]
