"""Archives as sources: the same images as in a folder, and what may not be in them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pixels import pixels_of

from ganbench.errors import SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.images.sources import open_source


def make_zip(folder: Path, out: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return out


def make_tar(folder: Path, out: Path, mode: str) -> Path:
    with tarfile.open(out, mode) as archive:
        for path in sorted(folder.iterdir(), reverse=True):
            archive.add(path, path.name)
    return out


def tar_with(out: Path, *members: tarfile.TarInfo, data: bytes = b"") -> Path:
    with tarfile.open(out, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(data[: member.size]))
    return out


@pytest.mark.parametrize("kind", ["zip", "deflated.zip", "tar", "tgz", "tar.bz2", "tar.xz"])
def test_archives_hold_the_same_images(image_folder: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"images.{kind}"
    if kind.endswith("zip"):
        make_zip(image_folder, out, zipfile.ZIP_DEFLATED if "deflated" in kind else zipfile.ZIP_STORED)
    else:
        make_tar(image_folder, out, {"tar": "w", "tgz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}[kind])
    folder, archive = open_source(image_folder), open_source(out)
    assert archive.names == folder.names
    np.testing.assert_array_equal(pixels_of(archive), pixels_of(folder))
    assert archive.digest() == folder.digest()


@pytest.mark.parametrize("name", ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg"])
def test_archive_members_outside_are_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(SourceError, match="points outside"):
        open_source(tmp_path / "a.zip")
    with pytest.raises(SourceError, match="points outside"):
        open_source(tar_with(tmp_path / "a.tgz", tarfile.TarInfo(name)))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("1.jpg")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(SourceError, match="a link, a device"):
        open_source(tar_with(tmp_path / "a.tgz", member))


def test_links_in_zips_are_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("1.jpg")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(SourceError, match="is a link or a device"):
        open_source(tmp_path / "a.zip")


def test_of_two_members_of_one_name_the_last_counts_and_is_told(image_folder: Path, tmp_path: Path) -> None:
    """As ``tar rf`` stores a newer version, and as unpacking leaves it."""
    data = (image_folder / "2.jpg").read_bytes()
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, content in (("1.jpg", b"old"), ("./1.jpg", data)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    source = open_source(tmp_path / "a.tar")
    assert source.names == ["1.jpg"]
    assert source.content(0) == data
    assert source.notes == ["in the archive more than once: '1.jpg'; the last one counts"]


def test_a_real_bomb_of_ten_gigabytes_is_refused_early(tmp_path: Path) -> None:
    """Ten gigabytes of zeros, gzipped twice over by its own repetition; only the first part may ever be unpacked."""
    import gzip

    header = tarfile.TarInfo("1.txt")
    header.size = 10 << 30
    member = gzip.compress(bytes(16 << 20), 9)
    with (tmp_path / "bomb.tgz").open("wb") as f:
        f.write(gzip.compress(header.tobuf()))
        for _ in range((10 << 30) // (16 << 20)):
            f.write(member)
    early = ArchiveLimits(ratio=5, ratio_floor=16 << 20)  # the shipped limits refuse it too, after a gigabyte
    with pytest.raises(SourceError, match="decompression bomb"):
        open_source(tmp_path / "bomb.tgz", limits=early)


def test_a_zip_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(4):
            archive.writestr(f"{i}.jpg", bytes(1 << 20))
    assert len(open_source(tmp_path / "a.zip")) == 4  # below the floor nobody asks
    with pytest.raises(SourceError, match="decompression bomb"):
        open_source(tmp_path / "a.zip", limits=ArchiveLimits(ratio_floor=1 << 20))


@pytest.mark.parametrize("kind", ["zip", "tgz", "tar"])
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (ArchiveLimits(members=5), "more than 5 members"),
        (ArchiveLimits(member_bytes=100), "unpacks to more than 100 bytes|more than 100"),
        (ArchiveLimits(total_bytes=2000), "decompression bomb"),
    ],
)
def test_limits_hold_for_every_archive(
    image_folder: Path, tmp_path: Path, kind: str, limits: ArchiveLimits, message: str
) -> None:
    out = tmp_path / f"a.{kind}"
    make_zip(image_folder, out) if kind == "zip" else make_tar(image_folder, out, "w:gz" if kind == "tgz" else "w")
    assert len(pixels_of(open_source(out))) == 12
    if kind == "tar" and limits.total_bytes == 2000:
        assert len(open_source(out, limits=limits)) == 12  # it is not packed: there is nothing to unpack
        return
    with pytest.raises(SourceError, match=message):
        pixels_of(open_source(out, limits=limits))


@pytest.mark.parametrize("kind", ["zip", "tgz", "tar"])
def test_archives_cut_short(image_folder: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"a.{kind}"
    make_zip(image_folder, out) if kind == "zip" else make_tar(image_folder, out, "w:gz" if kind == "tgz" else "w")
    out.write_bytes(out.read_bytes()[: out.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"cut short|not a readable archive"):
        pixels_of(open_source(out))


def test_archives_without_images(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no image in it"):
        open_source(tar_with(tmp_path / "a.tgz", tarfile.TarInfo("readme.txt")))
    (tmp_path / "b.zip").write_bytes(b"garbage")
    with pytest.raises(SourceError, match="not a readable archive"):
        open_source(tmp_path / "b.zip")
