"""Bad input of every kind ends in one clear error: never in a traceback, never in images lost without a word."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganbench.errors import SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.images.names import natural_key
from ganbench.images.source import Source
from ganbench.images.sources import open_source


def jpeg(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (level, 0, 0)).save(buffer, "JPEG")
    return buffer.getvalue()


def names_read(source: Source) -> list[str]:
    return [name for batch in source.batches(4) for name in batch.names]


def tar_of(out: Path, count: int = 5, mode: str = "w") -> Path:
    with tarfile.open(out, mode) as archive:
        for i in range(count):
            info = tarfile.TarInfo(f"{i}.jpg")
            info.size = len(jpeg(i))
            archive.addfile(info, io.BytesIO(jpeg(i)))
    return out


def test_one_truncated_file_among_a_thousand(tmp_path: Path) -> None:
    good = jpeg(9)
    for i in range(1, 1001):
        (tmp_path / f"{i}.jpg").write_bytes(good if i != 437 else good[:-60])
    with pytest.raises(SourceError, match=r"1 of 1000 images cannot be read: 437\.jpg .*--skip-bad 1$"):
        names_read(open_source(tmp_path))
    source = open_source(tmp_path, skip_bad=1)
    assert len(names_read(source)) == 999
    assert [image.name for image in source.bad] == ["437.jpg"]


def test_more_than_five_bad_files_are_counted(tmp_path: Path) -> None:
    for i in range(8):
        (tmp_path / f"{i}.jpg").write_bytes(b"" if i < 7 else jpeg(1))
    with pytest.raises(SourceError, match=r"7 of 8 .*4\.jpg \(the file is empty\) and 2 more.*--skip-bad 7"):
        names_read(open_source(tmp_path))


def test_a_folder_of_bad_files_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_text("not a picture")
    with pytest.raises(SourceError, match="1 of 1 images cannot be read"):
        open_source(tmp_path).image_size()


def test_a_size_is_known_although_the_first_file_is_bad(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"")
    (tmp_path / "2.jpg").write_bytes(jpeg(1))
    assert open_source(tmp_path, skip_bad=1).image_size() == (16, 16)


@pytest.mark.parametrize("held", [{}, {"notes.txt": b"x"}, {"sub": None}])
def test_folders_without_an_image_say_what_they_hold(tmp_path: Path, held: dict[str, bytes | None]) -> None:
    for name, data in held.items():
        (tmp_path / name).mkdir() if data is None else (tmp_path / name).write_bytes(data)
    expected = {"notes.txt": "such as 'notes.txt'", "sub": "only subfolders"}.get(next(iter(held), ""), "it is empty")
    with pytest.raises(SourceError, match=f"no image in it .*{expected}"):
        open_source(tmp_path)


def test_images_without_an_ending_are_told_what_endings_there_are(tmp_path: Path) -> None:
    (tmp_path / "0a1b").write_bytes(b"x")
    with pytest.raises(SourceError, match="such as '0a1b'; images are known by their endings: .*, .jpg, .*"):
        open_source(tmp_path)


def test_a_compression_of_zips_that_is_not_read(tmp_path: Path) -> None:
    """Such as Windows' for large files: the entries are not damaged, and the advice helps."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.jpg", jpeg(1))
        archive.writestr("2.jpg", jpeg(2))
    data = bytearray(path.read_bytes())
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 9  # the first member's method: Deflate64
    path.write_bytes(data)
    assert len(open_source(path, skip_bad=1).digest()) == 64
    with pytest.raises(SourceError, match="compressed by method 9, which is not read: unpack it and give the folder"):
        list(open_source(path).batches(4))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_an_unreadable_folder(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked").chmod(0)
    try:
        for what in (tmp_path / "locked", tmp_path / "locked" / "faces"):
            with pytest.raises(SourceError, match="cannot be read: Permission denied"):
                open_source(what)
    finally:
        (tmp_path / "locked").chmod(0o700)


def test_a_subfolder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fatal when it is asked for, only a missing hint when it is not."""
    (tmp_path / "sub").mkdir()
    scandir = os.scandir

    def deny(path: Path) -> object:
        if isinstance(path, Path) and path.name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", deny)
    with pytest.raises(SourceError, match="sub: cannot be read: Permission denied"):
        open_source(tmp_path, recursive=True)
    with pytest.raises(SourceError, match="no image in it"):
        open_source(tmp_path)


def test_a_path_behind_a_closed_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(self: Path, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "stat", deny)
    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        open_source(tmp_path)


def test_pipes_are_no_images_and_linked_folders_are_entered_once(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "1.jpg").write_bytes(jpeg(1))
    (tmp_path / "sub" / "loop").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(tmp_path / "pipe.jpg")  # reading it would wait for ever
    assert names_read(open_source(tmp_path, recursive=True)) == ["sub/1.jpg"]


def test_a_dangling_link_is_an_error_not_a_gap(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(jpeg(1))
    (tmp_path / "2.jpg").symlink_to(tmp_path / "gone.jpg")
    with pytest.raises(SourceError, match=r"1 of 2 images .*2\.jpg \(cannot be read: No such file"):
        names_read(open_source(tmp_path))


def test_strange_digits_and_long_numbers_sort() -> None:
    names = ["10.jpg", "²x.jpg", "2.jpg", f"{'9' * 5000}.jpg", "002.jpg"]
    assert sorted(names, key=natural_key)[:3] == ["002.jpg", "2.jpg", "10.jpg"]


def test_a_damaged_zip_entry_is_one_bad_image(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(5):
            archive.writestr(f"{i}.jpg", jpeg(i))
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.find(b"2.jpg") + 40] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(SourceError, match=r"1 of 5 .*2\.jpg \(its archive entry is damaged"):
        names_read(open_source(tmp_path / "a.zip"))
    source = open_source(tmp_path / "a.zip", skip_bad=1)
    assert names_read(source) == ["0.jpg", "1.jpg", "3.jpg", "4.jpg"]
    assert len(source.digest()) == 64


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_damaged_tar_header_loses_no_image_silently(tmp_path: Path, mode: str) -> None:
    """tarfile takes it for the end of the archive."""
    data = bytearray(tar_of(tmp_path / "a.tar").read_bytes())
    data[data.find(b"3.jpg") + 150] ^= 0x11
    (tmp_path / "a.tar").write_bytes(data)
    if mode == "w:gz":
        import gzip

        (tmp_path / "a.tgz").write_bytes(gzip.compress(bytes(data)))
    with pytest.raises(SourceError, match=r"damaged or cut short after '2\.jpg'"):
        open_source(tmp_path / ("a.tar" if mode == "w" else "a.tgz"))


@pytest.mark.parametrize("kind", ["tar", "tgz"])
def test_no_cut_of_a_tar_goes_unnoticed(tmp_path: Path, kind: str) -> None:
    data = tar_of(tmp_path / f"a.{kind}", mode="w" if kind == "tar" else "w:gz").read_bytes()
    used = data.rstrip(b"\0")
    for length in range(0, len(used) if kind == "tar" else len(data), 128):
        (tmp_path / f"b.{kind}").write_bytes(data[:length])
        with pytest.raises(SourceError, match="cut short|not a readable archive"):
            open_source(tmp_path / f"b.{kind}")


def test_a_header_cannot_claim_all_the_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(SourceError, match="of more than|cut short"):
        open_source(tmp_path / "a.tar")


def test_sparse_members_are_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("1.jpg")
    member.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, 0)  # one empty piece of data ...
    header[483:495] = b"%011o\0" % (1 << 32)  # ... of four gigabytes of nothing
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(1024))
    with pytest.raises(SourceError, match="a device or a sparse file"):
        open_source(tmp_path / "a.tar")


@pytest.mark.parametrize("name", ["C:\\evil.jpg", "..\\evil.jpg", "\\\\server\\evil.jpg"])
def test_names_of_other_systems_that_point_outside(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, jpeg(1))
    with pytest.raises(SourceError, match="points outside"):
        open_source(tmp_path / "a.zip")


def test_what_a_mac_adds_is_passed_over_and_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("1.jpg", "__MACOSX/._1.jpg", "._1.jpg", ".DS_Store"):
            archive.writestr(name, jpeg(1))
    source = open_source(tmp_path / "a.zip")
    assert source.names == ["1.jpg"]
    assert sorted(source.ignored) == sorted(["__MACOSX/._1.jpg", "._1.jpg", ".DS_Store"])


def test_encrypted_zips_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.jpg", jpeg(1))
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(SourceError, match=r"'1\.jpg' is encrypted"):
        open_source(tmp_path / "a.zip")


def test_a_bomb_in_an_array_file(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((500, 64, 64, 3), np.uint8))
    assert len(open_source(tmp_path / "a.npz")) == 500
    with pytest.raises(SourceError, match="decompression bomb"):
        open_source(tmp_path / "a.npz", limits=ArchiveLimits(ratio_floor=1 << 20))


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_array_files_cut_short(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    images = np.zeros((5, 8, 8, 3), np.uint8)
    np.save(path, images) if suffix == "npy" else np.savez(path, images=images)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(SourceError, match="not a readable array file"):
        open_source(path)


def test_arrays_without_pixels() -> None:
    with pytest.raises(SourceError, match="without a pixel"):
        open_source(np.zeros((3, 0, 4, 3), np.uint8))


def test_an_opened_source_takes_no_new_options(image_folder: Path) -> None:
    source = open_source(image_folder)
    assert open_source(source) is source
    for options in ({"resize": "32"}, {"grid": (2, 2)}, {"value_range": (0, 1)}):
        with pytest.raises(SourceError, match="already open"):
            open_source(source, **options)
