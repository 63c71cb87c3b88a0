"""Archives that are damaged, or written or named oddly: read whole, or refused; nothing is lost without a word."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganbench.errors import GanbenchError, SourceError
from ganbench.images.sources import open_source

COUNT = 6


def image(index: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


IMAGES = {f"{i}.png": image(i) for i in range(COUNT)}
LONG = {f"{'long' * 40}/{name}": data for name, data in IMAGES.items()}


def tar_of(members: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def read(path: Path, data: bytes, **options: int) -> tuple[list[str], list[str]]:
    """Return the names of what was read, and the notes."""
    path.write_bytes(data)
    source = open_source(path, **options)
    return [name for batch in source.batches(4) for name in batch.names], source.notes


PLAIN = tar_of(IMAGES)
SOUND = {
    "a.tar": PLAIN,
    "gnu.tar": tar_of(LONG, tarfile.GNU_FORMAT),
    "pax.tar": tar_of(LONG, tarfile.PAX_FORMAT),
    "ustar.tar": tar_of({f"{'d' * 90}/{'e' * 90}/{name}": data for name, data in IMAGES.items()}, tarfile.USTAR_FORMAT),
    "a.tgz": gzip.compress(PLAIN),
    "two.tgz": gzip.compress(PLAIN[:2048]) + gzip.compress(PLAIN[2048:]),
    "padded.tgz": gzip.compress(PLAIN) + bytes(512),
    "a.tar.bz2": bz2.compress(PLAIN),
    "a.tar.xz": lzma.compress(PLAIN),
    "plain.tgz": PLAIN,
    "packed.tar": gzip.compress(PLAIN),
    "zip.tgz": zip_of(IMAGES),
    "tgz.zip": gzip.compress(PLAIN),
    "no_ending": zip_of(IMAGES),
    "stub.zip": b"MZ stub " * 100 + zip_of(IMAGES),
    "deflated.zip": zip_of(IMAGES, zipfile.ZIP_DEFLATED),
    "bzip2.zip": zip_of(IMAGES, zipfile.ZIP_BZIP2),
    "lzma.zip": zip_of(IMAGES, zipfile.ZIP_LZMA),
    "one_zero_block.tar": PLAIN.rstrip(b"\0") + bytes(-len(PLAIN.rstrip(b"\0")) % 512 + 512),
}


@pytest.mark.parametrize("name", SOUND)
def test_the_content_decides_what_an_archive_is(tmp_path: Path, name: str) -> None:
    names, notes = read(tmp_path / name, SOUND[name])
    assert [Path(one).name for one in names] == list(IMAGES)
    assert notes == []


def test_folders_with_backslashes_and_hard_links(tmp_path: Path) -> None:
    data = zip_of({"faces/": b"", **{f"faces/{name}": one for name, one in IMAGES.items()}})
    assert len(read(tmp_path / "a.zip", data.replace(b"faces/", b"faces\\"))[0]) == COUNT
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        info = tarfile.TarInfo("0.png")
        info.size = len(IMAGES["0.png"])
        archive.addfile(info, io.BytesIO(IMAGES["0.png"]))
        link = tarfile.TarInfo("1.png")
        link.type, link.linkname = tarfile.LNKTYPE, "./0.png"
        archive.addfile(link)
    source = open_source(tmp_path / "b.tar")
    assert source.content(0) == source.content(1) == IMAGES["0.png"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("no_end.tar", PLAIN.rstrip(b"\0") + bytes(-len(PLAIN.rstrip(b"\0")) % 512), "no end mark"),
        ("joined.tar", PLAIN + PLAIN, "more follows its end mark"),
        ("garbage.tgz", gzip.compress(PLAIN) + b"text", "come other bytes"),
        ("garbage.tar.bz2", bz2.compress(PLAIN) + b"text", "come other bytes"),
        ("garbage.tar.xz", lzma.compress(PLAIN) + b"text", "come other bytes"),
        ("nested.zip", zip_of({"inner.zip": zip_of(IMAGES)}), "archives .*unpack it once"),
        ("twice.tgz", gzip.compress(gzip.compress(PLAIN)), "packed twice"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(90), "7z archives are not read"),
        ("a.tgz", b"Rar!\x1a\x07\x01\0" + bytes(90), "RAR archives are not read"),
        ("a.tar.zst", b"\x28\xb5\x2f\xfd" + bytes(90), "Zstandard archives are not read"),
        ("half.zip", zip_of(IMAGES)[len(zip_of(IMAGES)) // 2 :], "not a readable archive|split archive"),
        ("empty.zip", zip_of({}), "no image in it"),
        ("empty.tar", tar_of({}), "no image in it"),
        ("nothing.tgz", b"", "neither zip nor tar"),
    ],
)
def test_what_cannot_be_read_whole_is_refused_with_advice(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(tmp_path / name, data)


@pytest.mark.parametrize("kind", ["a.tar", "gnu.tar", "pax.tar", "ustar.tar"])
def test_no_block_of_a_tar_can_be_zeroed_unnoticed(tmp_path: Path, kind: str) -> None:
    """A zeroed header looks like the end of the archive, a zeroed name like another file."""
    sound = SOUND[kind]
    for at in range(0, len(sound.rstrip(b"\0")), 512):
        data = sound[:at] + bytes(512) + sound[at + 512 :]
        try:
            names, _ = read(tmp_path / kind, data, skip_bad=COUNT)
        except SourceError:
            continue
        assert len(names) >= COUNT - 1  # pixels of one image were hit, and its own format could see it


@pytest.mark.parametrize("kind", [kind for kind in SOUND if not kind.endswith("zip") and kind != "padded.tgz"])
def test_no_cut_goes_unnoticed(tmp_path: Path, kind: str) -> None:
    sound = SOUND[kind]
    used = len(sound.rstrip(b"\0"))
    for length in range(0, used, max(1, used // 40)):
        with pytest.raises(SourceError):
            read(tmp_path / kind, sound[:length])


@pytest.mark.parametrize("record", [b"PK\x01\x02", b"PK\x03\x04"])
def test_a_directory_that_does_not_fit_its_members_is_refused(tmp_path: Path, record: bytes) -> None:
    """A name that no longer ends in .png would be passed over."""
    sound = zip_of(IMAGES)
    at = sound.index(b"2.png", sound.index(record))
    with pytest.raises(SourceError, match="does not fit its member"):
        read(tmp_path / "a.zip", sound[: at + 3] + b"q" + sound[at + 4 :])


def test_members_that_a_directory_leaves_out_are_found(tmp_path: Path) -> None:
    sound = zip_of(IMAGES)
    first = sound.index(b"PK\x01\x02")
    second = sound.index(b"PK\x01\x02", first + 1)
    end = bytearray(sound[sound.index(b"PK\x05\x06") :])
    for at in (8, 10):  # the two counts of members
        end[at] -= 1
    end[12:16] = (int.from_bytes(end[12:16], "little") - (second - first)).to_bytes(4, "little")
    without = sound[:first] + sound[second : sound.index(b"PK\x05\x06")] + bytes(end)
    with pytest.raises(SourceError, match="its directory does not list"):
        read(tmp_path / "a.zip", without)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED])
def test_a_damaged_entry_costs_one_image_whatever_its_compression(tmp_path: Path, method: int) -> None:
    sound = zip_of(IMAGES, method)
    start = sound.index(b"PK\x03\x04", sound.index(b"2.png") - 40)
    body = start + 35
    rng = random.Random(0)
    for _ in range(10):
        data = bytearray(sound)
        for _ in range(8):
            data[body + rng.randrange(300)] ^= 1 << rng.randrange(8)
        if bytes(data) == sound:
            continue
        names, _ = read(tmp_path / "a.zip", bytes(data), skip_bad=1)
        assert names == [name for name in IMAGES if name != "2.png"]
        with pytest.raises(SourceError, match=r"1 of 6 images cannot be read: 2\.png \(its archive entry is damaged"):
            read(tmp_path / "a.zip", bytes(data))


@pytest.mark.parametrize("kind", SOUND)
def test_mutants_raise_our_error_or_lose_nothing(tmp_path: Path, kind: str) -> None:
    rng = random.Random(kind)
    sound = SOUND[kind]
    for _ in range(25):
        data = bytearray(sound)
        at = rng.randrange(len(data))
        how = rng.choice(["flip", "bytes", "cut", "insert", "repeat", "zero"])
        if how == "flip":
            data[at] ^= 1 << rng.randrange(8)
        elif how == "bytes":
            data[at : at + 8] = rng.randbytes(8)
        elif how == "cut":
            del data[at:]
        elif how == "insert":
            data[at:at] = rng.randbytes(rng.randint(1, 64))
        elif how == "repeat":
            data[at:at] = data[at : at + rng.randint(1, 1500)]
        else:
            data[at : at + 600] = bytes(len(data[at : at + 600]))
        try:
            names, _ = read(tmp_path / kind, bytes(data))
        except GanbenchError:
            continue
        assert len(names) >= COUNT
