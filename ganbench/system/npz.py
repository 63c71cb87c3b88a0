"""NumPy's ``.npz`` of unknown origin: what an array would take is known, and bounded, before a byte of it is unpacked.

Headers are read by their one regular form: ``numpy.load`` evaluates them as Python literals, which nest.
Call these inside a ``wall``.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_MOST_HEADER = 4096
_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[biufcOSUMm][0-9]*[^']{0,16})', 'fortran_order': (False|True), "
    rb"'shape': \(([0-9L, ]*)\), *\} *\n?"
)
_LARGE = 64 << 20  # bytes from which on an array is taken for what it is said to be only ...
_MOST_PACKED = 100  # ... where it is not packed tighter than so many times: statistics of images are noise to a packer


@dataclass(frozen=True)
class Header:
    """What an ``.npz`` says of one array.

    Attributes:
        dtype: its type.
        shape: its shape.
        fortran: whether its first axis runs fastest.
        start: bytes of the header before its numbers.
        packed: bytes that it takes in the file.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    start: int
    packed: int

    @property
    def nbytes(self) -> int:
        """Bytes that the array will take in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


def headers(path: Path) -> dict[str, Header]:
    """Return what the file says of its arrays, by their names; what is no array of plain numbers or texts is left out.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no ``.npz``, or its directory contradicts itself.
    """
    with zipfile.ZipFile(path) as archive:
        names = [entry.filename for entry in archive.infolist()]
        if len(set(names)) < len(names):
            raise ValueError("two arrays of one name")
        found = {}
        for entry in archive.infolist():
            if entry.filename.endswith(".npy"):
                header = _header(archive, entry)
                if header is not None:
                    found[entry.filename.removesuffix(".npy")] = header
        return found


def load(path: Path, names: Iterable[str], most_bytes: int) -> dict[str, np.ndarray]:
    """Return some of the arrays.

    Args:
        path: the file.
        names: which of ``headers``.
        most_bytes: that all of them together may take.

    Raises:
        OSError: it cannot be read.
        KeyError: there is no such array.
        ValueError: they would take more, or the file holds other than what it says.
    """
    known = headers(path)
    chosen = {name: known[name] for name in names}
    if (total := sum(header.nbytes for header in chosen.values())) > most_bytes:
        raise ValueError(f"its arrays would take {total >> 20:,} MiB, and {most_bytes >> 20:,} are allowed")
    for name, header in chosen.items():
        if header.nbytes > _LARGE and header.nbytes > _MOST_PACKED * header.packed:
            raise ValueError(f"{name} is {header.nbytes >> 20:,} MiB out of {header.packed >> 10:,} KiB")
    with zipfile.ZipFile(path) as archive:
        return {name: _array(archive, name, header) for name, header in chosen.items()}


def _header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Header | None:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("packed in a way that NumPy has not")
    with archive.open(entry) as file:
        magic = file.read(8)
        if magic[:6] != b"\x93NUMPY" or magic[6] not in (1, 2, 3):
            return None
        digits = 2 if magic[6] == 1 else 4
        length = int.from_bytes(file.read(digits), "little")
        match = _HEADER.fullmatch(file.read(length)) if length <= _MOST_HEADER else None
    if match is None:
        return None
    descr, order, shape = (part.decode("ascii") for part in match.groups())
    dtype = np.dtype(descr)
    dimensions = tuple(int(part.rstrip("L")) for part in shape.replace(" ", "").split(",") if part)
    header = Header(dtype, dimensions, order == "True", 8 + digits + length, entry.compress_size)
    if dtype.hasobject or header.nbytes + header.start != entry.file_size:
        return None
    return header


def _array(archive: zipfile.ZipFile, name: str, header: Header) -> np.ndarray:
    flat = np.empty(math.prod(header.shape), header.dtype)
    data = flat.view(np.uint8) if flat.nbytes else np.empty(0, np.uint8)
    with archive.open(f"{name}.npy") as file:
        file.read(header.start)
        done = 0
        while done < header.nbytes:
            part = file.read(min(1 << 20, header.nbytes - done))
            if not part:
                raise EOFError("cut short")
            data[done : done + len(part)] = np.frombuffer(part, np.uint8)
            done += len(part)
        if file.read(1):  # at the end the checksum is checked
            raise ValueError(f"{name} is longer than it says")
    return flat.reshape(header.shape, order="F" if header.fortran else "C")
