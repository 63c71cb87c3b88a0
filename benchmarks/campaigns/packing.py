"""Packing that no library offers: gigabytes of nothing in kilobytes, and headers that say what one likes."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

PIECE = 1 << 26  # bytes of zeros that are packed once and repeated


def flat_png(side: int) -> bytes:
    """Return a huge PNG of one colour, of some kilobytes."""
    row = zlib.compress(bytes(1 + 3 * side) * side, 9)
    ihdr = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack(path: Path, files: list[tuple[str, bytes]]) -> Path:
    """Write a .tgz."""
    with tarfile.open(path, "w:gz", compresslevel=9) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def packed_tar(folder: Path, extension: str, pack_piece: Callable[[bytes], bytes], pieces: int) -> Path:
    """A tar of one member of gigabytes of zeros, packed to little; the piece is packed once and repeated."""
    path = folder / f"bomb{extension}"
    piece = pack_piece(bytes(PIECE))
    with path.open("wb") as f:
        f.write(pack_piece(header("1.png", pieces * PIECE)))
        for _ in range(pieces):
            f.write(piece)
        f.write(pack_piece(bytes(1024)))
    return path


def deflated_zeros(head: bytes, pieces: int) -> tuple[bytes, int, int]:
    """Return a deflate stream of ``head`` and pieces of zeros, with its checksum and its unpacked size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(PIECE)) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros, crc = bytes(PIECE), zlib.crc32(head)
    for _ in range(pieces):
        crc = zlib.crc32(zeros, crc)
    return begin + piece * pieces + packer.flush(), crc, len(head) + pieces * PIECE


def zip_with(path: Path, name: str, head: bytes, pieces: int, claimed: int | None = None) -> Path:
    """Write a zip of one member that is ``head`` and zeros; it may claim another unpacked size than it has."""
    data, crc, size = deflated_zeros(head, pieces)
    size = size if claimed is None else claimed
    raw = name.encode()
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 33, crc, len(data), size, len(raw), 0) + raw
    entry = struct.pack(
        "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, crc, len(data), size, len(raw), 0, 0, 0, 0, 0, 0
    )
    entry += raw
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local) + len(data), 0)
    path.write_bytes(local + data + entry + tail)
    return path


def npy_header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": kind, "fortran_order": False, "shape": shape})
    return buffer.getvalue()
