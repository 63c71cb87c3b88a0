"""Small files that want much memory or time: each maker writes one into a folder and returns its path."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from campaigns.images import encode, smooth
from campaigns.packing import PIECE, chunk, deflated_zeros, flat_png, header, npy_header, pack, packed_tar, zip_with

_BIG = 7900  # side of a huge image, pixels: just under what is decoded at all


def small(count: int = 40) -> list[tuple[str, bytes]]:
    """Return honest little images."""
    rng = np.random.default_rng(9)
    return [(f"{i}.png", encode(smooth(rng), "PNG")) for i in range(count)]


def huge_among_small(folder: Path) -> Path:
    """A submission of a few huge images among small ones, some tens of kilobytes."""
    png = flat_png(_BIG)
    return pack(folder / "huge.tgz", [*((f"huge{i}.png", png) for i in range(8)), *small()])


def gifs(folder: Path) -> Path:
    """Huge GIFs of one colour among small images."""
    gif = encode(Image.new("P", (_BIG, _BIG)), "GIF")
    return pack(folder / "gifs.tgz", [*((f"huge{i}.gif", gif) for i in range(6)), *small()])


def films(folder: Path) -> Path:
    """Animated images of many frames, in every format that has frames."""
    files = []
    for kind, extension, side, count in (
        ("GIF", "gif", 1000, 300),
        ("PNG", "png", 1000, 40),
        ("WEBP", "webp", 400, 60),
    ):
        mode = "P" if kind == "GIF" else "RGB"
        frames = [Image.new(mode, (side, side), i % 200 if mode == "P" else (i, 0, 0)) for i in range(count)]
        files.append((f"film.{extension}", encode(frames[0], kind, append_images=frames[1:], save_all=True)))
    return pack(folder / "films.tgz", [*files, *small(4)])


def tgz(folder: Path) -> Path:
    """Six gigabytes in a .tgz."""
    return packed_tar(folder, ".tgz", lambda raw: gzip.compress(raw, 9), 96)


def xz(folder: Path) -> Path:
    """Six gigabytes in a .tar.xz."""
    return packed_tar(folder, ".tar.xz", lambda raw: lzma.compress(raw, preset=0), 96)


def bz2_tar(folder: Path) -> Path:
    """Four gigabytes in a .tar.bz2."""
    return packed_tar(folder, ".tar.bz2", lambda raw: bz2.compress(raw, 9), 64)


def zipped(folder: Path) -> Path:
    """One gigabyte in a zip, as one image."""
    return zip_with(folder / "bomb.zip", "1.png", b"", 16)


def liar(folder: Path) -> Path:
    """One gigabyte in a zip that claims a thousand bytes."""
    return zip_with(folder / "liar.zip", "1.png", b"", 16, claimed=1000)


def npy(folder: Path) -> Path:
    """An array file that claims terabytes and has none."""
    path = folder / "claims.npy"
    path.write_bytes(npy_header((10**6, 1024, 1024, 3)) + bytes(3 << 20))
    return path


def npy_sparse(folder: Path) -> Path:
    """An array file of images of 300 megapixels each, a hole on the disk."""
    path = folder / "hole.npy"
    head = npy_header((4, 16384, 18000, 3))
    with path.open("wb") as f:
        f.write(head)
        f.truncate(len(head) + 4 * 16384 * 18000 * 3)
    return path


def npz(folder: Path) -> Path:
    """Two gigabytes of images in an .npz."""
    count = 32 * PIECE // (64 * 64 * 3)
    head = npy_header((count, 64, 64, 3))
    return zip_with(folder / "bomb.npz", "images.npy", head, 32)


def npz_claims(folder: Path) -> Path:
    """An .npz whose array claims terabytes."""
    path = folder / "claims.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", npy_header((10**6, 1024, 1024, 3)) + bytes(1000))
    return path


def reference(folder: Path) -> Path:
    """A statistics file whose covariance unpacks to three gigabytes."""
    side = 20_000
    path = zip_with(folder / "reference.npz", "sigma.npy", npy_header((side, side), "<f8"), 48)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("mu.npy", npy_header((side,), "<f8") + bytes(8 * side))
    return path


def generator(folder: Path) -> Path:
    """Weights of some kilobytes that unpack to two gigabytes."""
    import torch

    whole = folder / "whole.pth"
    torch.save({"0.weight": torch.zeros(1), "1.weight": torch.zeros(1)}, whole)
    path = folder / "generator.pth"
    count = 1 << 29
    torch.save({"0.weight": torch.zeros(1).expand(count)}, whole)
    with zipfile.ZipFile(whole) as old:
        files = {name: old.read(name) for name in old.namelist()}
    storage = next(name for name in files if "/data/" in name)
    files.pop(storage)
    pickled = next(name for name in files if name.endswith("data.pkl"))
    # The storage holds one number; let the pickle say that it holds as many as the tensor shows.
    files[pickled] = files[pickled].replace(b"cpuq\x06K\x01t", b"cpuq\x06J" + struct.pack("<i", count) + b"t")
    zip_with(path, storage, b"", 32)
    with zipfile.ZipFile(path, "a") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    whole.unlink()
    return path


def chunks(folder: Path) -> Path:
    """PNGs with compressed texts and profiles of a gigabyte, and with a million chunks."""
    zeros, _, _ = deflated_zeros(b"", 8)
    stream = b"\x78\x9c" + zeros + b"\0\0\0\0"
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1 + 3 * 64) * 64)) + chunk(b"IEND", b"")
    kinds = {
        "ztxt": chunk(b"zTXt", b"a\0\0" + stream),
        "itxt": chunk(b"iTXt", b"a\0\1\0\0\0" + stream),
        "iccp": chunk(b"iCCP", b"a\0\0" + stream),
        "many": chunk(b"tEXt", b"a\0b") * 1_000_000,
    }
    return pack(folder / "chunks.tgz", [*((f"{n}.png", head + one + body) for n, one in kinds.items()), *small(4)])


def scans(folder: Path) -> Path:
    """A progressive JPEG of 16 megapixels with two thousand scans."""
    jpeg = encode(Image.new("RGB", (4000, 4000)), "JPEG", progressive=True, quality=30)
    last = jpeg.rindex(b"\xff\xda")
    body, scan = jpeg[:-2], jpeg[last:-2]
    return pack(folder / "scans.tgz", [("scans.jpg", body + scan * 2000 + b"\xff\xd9"), *small(4)])


def members(folder: Path) -> Path:
    """A tar of 600,000 empty members."""
    path = folder / "members.tgz"
    head = bytearray(header("0000000.png", 0))
    rest = sum(head[7:148]) + 8 * ord(" ") + sum(head[156:])
    with gzip.open(path, "wb", compresslevel=1) as f:
        for number in range(600_000):
            head[:7] = digits = b"%07d" % number
            head[148:156] = b"%06o\0 " % (rest + sum(digits))
            f.write(head)
        f.write(bytes(1024))
    return path


def long_names(folder: Path) -> Path:
    """A tar whose headers announce longer names of longer names, five thousand deep, and one of 200 MB."""

    def nested() -> Iterator[bytes]:
        for _ in range(5000):
            info = tarfile.TarInfo("././@LongLink")
            info.type, info.size = tarfile.GNUTYPE_LONGNAME, 5
            yield info.tobuf(tarfile.GNU_FORMAT) + b"a.png".ljust(512, b"\0")

    path = folder / "names.tgz"
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 200 << 20
    with gzip.open(path, "wb", compresslevel=1) as f:
        f.writelines(nested())
        f.write(header("a.png", 0) + info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(200):
            f.write(b"1" * (1 << 20))
        f.write(bytes(1024))
    return path


def deep_json(folder: Path) -> Path:
    """A scorecard of a hundred thousand lists in each other."""
    path = folder / "deep.json"
    path.write_text('{"schema": 1, "results": ' + "[" * 100_000 + "]" * 100_000 + "}", "utf-8")
    return path


def wide_json(folder: Path) -> Path:
    """A scorecard of a million warnings."""
    path = folder / "wide.json"
    content = {"schema": 1, "results": [], "source": {}, "reference": {}, "versions": {}}
    path.write_text(json.dumps(content | {"warnings": ["x" * 20] * 1_000_000}), "utf-8")
    return path


def deep_toml(folder: Path) -> Path:
    """A recipe of arrays in each other, and of a name of a hundred thousand parts."""
    path = folder / "deep.toml"
    path.write_text("a = " + "[" * 50_000 + "]" * 50_000 + "\n", "utf-8")
    return path


def wide_toml(folder: Path) -> Path:
    """A recipe of twenty megabytes."""
    path = folder / "wide.toml"
    path.write_text("".join(f"key{i} = {i}\n" for i in range(1_500_000)), "utf-8")
    return path


def sheet(folder: Path) -> Path:
    """A sheet of 62 megapixels of one colour, of some kilobytes."""
    path = folder / "sheet.png"
    path.write_bytes(flat_png(_BIG))
    return path


def faces(folder: Path) -> Path:
    """A few honest images, for commands whose options are the bomb."""
    path = folder / "faces"
    path.mkdir(exist_ok=True)
    for name, data in small(4):
        (path / name).write_bytes(data)
    return path
