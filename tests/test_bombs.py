"""Small files that would unpack to gigabytes, or keep a processor busy for ever: each ends early, in little memory."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganbench.errors import SourceError
from ganbench.images.decode import LARGE_PIXELS, decode
from ganbench.images.sources import open_source

LIMIT_MIB = 512


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def noise(seed: int, side: int = 64) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    return encoded(Image.fromarray(pixels), "JPEG")


def tar_of(path: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def mixed(path: Path, large: bytes, ending: str, count: int = 4) -> None:
    """A few large images among small ones."""
    small = [(f"{i}.jpg", noise(i)) for i in range(4)]
    tar_of(path, small + [(f"{10 + i}.{ending}", large) for i in range(count)])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(*chunks: bytes) -> bytes:
    plain = encoded(Image.new("RGB", (64, 64)), "PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


def scans(side: int, count: int) -> bytes:
    data = encoded(Image.new("L", (side, side)), "JPEG", progressive=True)
    last = data.rfind(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + b"\xff\xd9"


def zeros_as_tar(path: Path, opener: Callable[..., io.BufferedIOBase]) -> None:
    header = tarfile.TarInfo("1.png")
    header.size = 300 << 20
    with opener(path, "wb") as packed:
        packed.write(header.tobuf())
        for _ in range(300):
            packed.write(bytes(1 << 20))


def zip_of_zeros(path: Path, members: int, each: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for i in range(members):
            with archive.open(f"{i}.png", "w") as member:
                for _ in range(each):
                    member.write(bytes(1 << 20))


def huge_npy(path: Path, shape: tuple[int, ...]) -> None:
    with path.open("wb") as f:
        np.lib.format.write_array_header_1_0(f, {"descr": "|u1", "fortran_order": False, "shape": shape})


def sparse_folder(path: Path) -> None:
    path.mkdir()
    (path / "1.jpg").write_bytes(noise(1))
    with (path / "2.png").open("wb") as f:
        f.truncate(50 << 30)
    (path / "3.png").symlink_to("/dev/zero")


FLAT = Image.new("L", (6000, 6000))
FRAMES = [Image.new("P", (900, 900), i) for i in range(40)]
TEXT = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1 << 20), 9))
MAKERS: dict[str, Callable[[Path], object]] = {
    "png.tgz": lambda path: mixed(path, encoded(FLAT, "PNG"), "png"),
    "one_bit.tgz": lambda path: mixed(path, encoded(FLAT.convert("1"), "PNG"), "png"),
    "jpeg.tgz": lambda path: mixed(path, encoded(FLAT, "JPEG"), "jpg"),
    "gif.tgz": lambda path: mixed(path, encoded(FLAT, "GIF"), "gif"),
    "tiff.tgz": lambda path: mixed(path, encoded(FLAT, "TIFF", compression="tiff_deflate"), "tif"),
    "webp.tgz": lambda path: mixed(path, encoded(Image.new("RGB", (3000, 3000)), "WEBP", lossless=True), "webp"),
    "many_large.tgz": lambda path: mixed(path, encoded(Image.new("RGB", (2000, 2000)), "PNG"), "png", 60),
    "frames.tgz": lambda path: mixed(path, encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "gif"),
    "frames_png.tgz": lambda path: mixed(
        path, encoded(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), "png"
    ),
    "texts.tgz": lambda path: mixed(path, png_with(*[TEXT] * 60), "png", 40),
    "profile.tgz": lambda path: mixed(
        path, png_with(chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(20 << 20), 9))), "png"
    ),
    "scans.tgz": lambda path: mixed(path, scans(1000, 3000), "jpg"),
    "zeros.tgz": lambda path: zeros_as_tar(path, gzip.open),
    "zeros.tar.bz2": lambda path: zeros_as_tar(path, bz2.open),
    "zeros.tar.xz": lambda path: zeros_as_tar(path, lzma.open),
    "zeros.zip": lambda path: zip_of_zeros(path, 4, 60),
    "large_members.zip": lambda path: zip_of_zeros(path, 2, 63),
    "shape.npy": lambda path: huge_npy(path, (10**7, 4096, 4096, 3)),
    "overflow.npy": lambda path: huge_npy(path, (2**63 - 1, 2, 2, 3)),
    "ones.npz": lambda path: np.savez_compressed(path, images=np.zeros((12_000_000, 1, 1, 3), np.uint8)),
    "sparse": sparse_folder,
}
HANDLED = {"many_large.tgz", "frames.tgz", "frames_png.tgz", "zeros.tgz"}  # may be read, if within the limits

READ = r"""
import json, re, sys
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
found = {}
for path in sys.argv[1:]:
    for resize in (None, "64"):
        try:
            source = open_source(path, resize=resize)
            found[f"{path} {resize}"] = sum(len(batch.names) for batch in source.batches(32))
            source.digest()
        except GanbenchError as e:
            found[f"{path} {resize}"] = str(e)
# Not ru_maxrss: that is never less than what the process had that started this one.
print(json.dumps([found, int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1])]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="only Linux says how large a process was")
def test_bombs_are_refused_or_read_in_little_memory(tmp_path: Path) -> None:
    for name, make in MAKERS.items():
        make(tmp_path / name)
    paths = [str(tmp_path / name) for name in MAKERS]
    done = subprocess.run([sys.executable, "-c", READ, *paths], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found, peak = json.loads(done.stdout)
    assert peak >> 10 < LIMIT_MIB
    for key, outcome in found.items():
        name = Path(key.rsplit(" ", 1)[0]).name
        assert isinstance(outcome, str) or name in HANDLED, (key, outcome)
        assert isinstance(outcome, int) or "\n" not in outcome


def test_a_submission_of_bombs_and_good_images_is_scored_without_the_bombs(tmp_path: Path) -> None:
    MAKERS["png.tgz"](tmp_path / "a.tgz")
    source = open_source(tmp_path / "a.tgz", skip_bad=4)
    assert [name for batch in source.batches(8) for name in batch.names] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert all("decompression bomb" in bad.why for bad in source.bad)


def test_endless_flat_images_are_refused_although_each_is_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.images.flood._FREE_PIXELS", 1 << 20)
    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(encoded(Image.new("RGB", (1000, 1000)), "PNG"))
    with pytest.raises(SourceError, match="pixels so far"):
        list(open_source(tmp_path, resize="64").batches(2))


def test_batches_are_sized_by_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.images.source._BATCH_BYTES", 5 * 100 * 100 * 3)
    small = np.zeros((40, 16, 16, 3), np.uint8)
    assert [len(batch.names) for batch in open_source(small).batches(32)] == [32, 8]
    large = np.zeros((12, 100, 100, 3), np.uint8)
    assert [len(batch.names) for batch in open_source(large).batches(32)] == [5, 5, 2]
    huge = np.zeros((3, 400, 400, 3), np.uint8)
    assert [len(batch.names) for batch in open_source(huge).batches(32)] == [1, 1, 1]


def test_large_images_in_strips_are_those_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    colours = Image.fromarray(rng.integers(0, 256, (90, 70, 4), np.uint8))
    for mode, form in (("RGBA", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("L", "PNG"), ("RGB", "BMP")):
        data = encoded(colours.convert(mode), form)
        whole = decode(data, "x")
        monkeypatch.setattr("ganbench.images.decode.LARGE_PIXELS", 1000)
        np.testing.assert_array_equal(decode(data, "x"), whole)
        monkeypatch.setattr("ganbench.images.decode.LARGE_PIXELS", LARGE_PIXELS)


def test_very_many_unreadable_images_are_not_all_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.images.source._MOST_BAD", 10)
    for i in range(100):
        (tmp_path / f"{i}.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"at least 11 of 100 images cannot be read: 0\.png \(the file is empty\)"):
        list(open_source(tmp_path).batches(4))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_link_to_a_pipe_is_passed_over_and_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "1.jpg").write_bytes(noise(1))
    (tmp_path / "2.jpg").symlink_to(tmp_path / "pipe")
    assert open_source(tmp_path).notes == ["passed over: 2 pipes or devices"]
