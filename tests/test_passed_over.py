"""What a source passes over is counted and told, and what only has a rare name is read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganbench
from ganbench.errors import SourceError
from ganbench.images.decode import EXTENSIONS
from ganbench.images.names import ARCHIVE_ENDINGS
from ganbench.images.sources import open_source


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 9, 9)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("ending", sorted(EXTENSIONS | {".JFIF", ".JPE"}))
def test_every_ending_of_a_format_that_is_read(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a{ending}").write_bytes(picture())  # the content decides what it is
    source = open_source(tmp_path)
    assert [name for batch in source.batches(2) for name in batch.names] == [f"a{ending}"]
    assert source.notes == []


def test_files_and_subfolders_that_were_passed_over_are_counted(image_folder: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "a.txt", "b.TXT", "x.png~", "x.png.part", "README"):
        (image_folder / name).write_bytes(b"x")
    for folder in ("a", "b"):
        (image_folder / folder / "deep").mkdir(parents=True)
        for i in range(3):
            (image_folder / folder / "deep" / f"{i}.png").write_bytes(picture())
    source = open_source(image_folder)
    (note,) = source.notes
    assert note.startswith("passed over: 2 .txt, ")
    assert note.endswith(", 6 images in subfolders ('a', 'b'; --recursive reads them too)")
    for kind in ("1 hidden files", "1 without a known ending", "1 .db", "1 .part", "1 .png~"):
        assert kind in note
    assert source.first(3).notes == source.notes
    assert not any("subfolders" in note for note in open_source(image_folder, recursive=True).notes)


@pytest.mark.parametrize("ending", ARCHIVE_ENDINGS)
def test_archives_beside_images_are_named(image_folder: Path, ending: str) -> None:
    (image_folder / f"more\x1b{ending}").write_bytes(b"x")
    (image_folder / f"._more{ending}").write_bytes(b"x")
    (note,) = open_source(image_folder).notes
    assert f"of them archives: 'more\\x1b{ending}'" in note


def test_names_are_never_repeated_as_they_are(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.jpg", picture())
        archive.writestr("x.\x1b[31mred", b"")
        archive.writestr("y.<b>", b"")
    assert open_source(tmp_path / "a.zip").notes == ["passed over: 2 without a known ending"]


def test_a_scorecard_says_what_was_passed_over(image_folder: Path) -> None:
    (image_folder / "notes.txt").write_text("x")
    card = ganbench.score(image_folder, metrics="duplicates", detector=None)
    assert "passed over: 1 .txt" in card.warnings


@pytest.mark.slow
def test_a_scorecard_says_what_was_passed_over_of_the_real_images(image_folder: Path) -> None:
    (image_folder / "notes.txt").write_text("x")
    (image_folder / "more").mkdir()
    (image_folder / "more" / "1.jpg").write_bytes(picture())
    real = f"{image_folder}: passed over: 1 .txt, 1 image in subfolders ('more'; --recursive reads them too)"
    card = ganbench.score(image_folder, image_folder, metrics="fd", detector=None)
    assert real in card.warnings
    card = ganbench.score(image_folder, image_folder, metrics="fd", detector=None, recursive=True)
    assert card["fd"].n == 13
    assert f"{image_folder}: passed over: 1 .txt" in card.warnings


def test_the_arrays_of_a_file_that_are_no_images_are_told(tmp_path: Path) -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "a.npz", x=images, y=np.zeros(3))
    assert open_source(tmp_path / "a.npz").notes == ["read the array 'x', passed over: 'y'"]
    np.savez(tmp_path / "b.npz", x=images, z=images)
    with pytest.raises(SourceError, match=r"several arrays \('x' \(3, 8, 8, 3\), 'z'"):
        open_source(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("array", "question"),
    [
        (np.zeros((4, 8, 8), np.uint8), "Are they grayscale"),
        (np.zeros((4, 8, 8, 1), np.uint8), "Are they grayscale"),
        (np.zeros((4, 1, 8, 8), np.uint8), "Are they grayscale"),
        (np.zeros((8, 8, 3), np.uint8), "Is it one image"),
        (np.zeros((4, 8, 8, 4), np.uint8), "fourth channel transparency"),
        (np.zeros((4, 8, 8, 3), np.int64), "Are they 0 to 255"),
        (np.zeros((4, 8, 8, 3), np.float32), "need their range"),
    ],
)
def test_arrays_of_other_shapes_are_asked_about(tmp_path: Path, array: np.ndarray, question: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(SourceError, match=question):
        open_source(tmp_path / "a.npy")


def test_an_array_file_that_holds_more_or_less_than_its_header_says(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 8, 8, 3), np.uint8))
    data = (tmp_path / "a.npy").read_bytes()
    for wrong in (data.replace(b"(4, ", b"(3, "), data.replace(b"(4, ", b"(5, "), data + data, data[:-1]):
        (tmp_path / "a.npy").write_bytes(wrong)
        with pytest.raises(SourceError, match="not a readable array file: shape"):
            open_source(tmp_path / "a.npy")


@pytest.mark.parametrize(("name", "advice"), [("a.pt", "a tensor that torch saved"), ("a.h5", "a data set")])
def test_files_of_other_programs_come_with_advice(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / name).write_bytes(bytes(64))
    with pytest.raises(SourceError, match=advice):
        open_source(tmp_path / name)


@pytest.mark.parametrize("labels", [np.zeros(3), np.array(["a", None, "c"], object), np.zeros((3, 8, 8))])
@pytest.mark.parametrize("images_first", [False, True])
@pytest.mark.parametrize("names", [("arr_0", "arr_1"), ("images", "x"), ("y", "x")])
def test_images_are_found_beside_anything_else(
    tmp_path: Path, labels: np.ndarray, images_first: bool, names: tuple[str, str]
) -> None:
    """Whichever was saved first, and although the other one holds Python objects."""
    images = np.full((3, 8, 8, 3), 7, np.uint8)
    pair = (images, labels) if images_first else (labels, images)
    np.savez(tmp_path / "a.npz", **dict(zip(names, pair, strict=True)))
    source = open_source(tmp_path / "a.npz")
    assert len(source) == 3
    assert (source.load(0) == 7).all()
    mine, other = names if images_first else names[::-1]
    assert source.notes == [f"read the array {mine!r}, passed over: {other!r}"]


def test_array_files_under_the_name_of_the_other_kind(tmp_path: Path) -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "b.npz", images)
    (tmp_path / "a.npy").rename(tmp_path / "plain.npz")
    (tmp_path / "b.npz").rename(tmp_path / "zipped.npy")
    assert len(open_source(tmp_path / "plain.npz")) == len(open_source(tmp_path / "zipped.npy")) == 3
