"""Sheets given as single images: they are recognised, and nobody is told to squash them into faces."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganbench
from ganbench.errors import GanbenchError, SourceError
from ganbench.images.sources import open_source
from ganbench.images.submission import pack_submission
from ganbench.images.tiles import recognise
from ganbench.toyfaces import toyfaces


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """Return drawn faces, uint8 (64, 64, 64, 3)."""
    return np.stack([pixels for _, pixels in toyfaces(64, seed=3)])


def grid_of(faces: np.ndarray, rows: int, columns: int, pad: int) -> np.ndarray:
    side = faces.shape[1]
    sheet = np.full((rows * (side + pad) + pad, columns * (side + pad) + pad, 3), 255, np.uint8)
    for index in range(rows * columns):
        top, left = (pad + at * (side + pad) for at in divmod(index, columns))
        sheet[top : top + side, left : left + side] = faces[index]
    return sheet


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize("quality", [None, 75])
@pytest.mark.parametrize(("rows", "columns", "pad"), [(8, 8, 2), (8, 8, 0), (2, 4, 1), (4, 4, 0), (1, 8, 2)])
def test_sheets_of_the_expected_tiles(
    faces: np.ndarray, rows: int, columns: int, pad: int, quality: int | None
) -> None:
    sheet = grid_of(faces, rows, columns, pad)
    found = recognise(sheet if quality is None else as_jpeg(sheet, quality), (64, 64))
    assert found is not None
    assert (found.rows, found.columns, found.height, found.width, found.pad) == (rows, columns, 64, 64, pad)


@pytest.mark.parametrize("side", [128, 192, 256, 512])
def test_large_faces_are_no_sheets(faces: np.ndarray, side: int) -> None:
    for face in faces[:12]:
        large = np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC))
        assert recognise(large, (64, 64)) is None
        assert recognise(as_jpeg(large, 90), (64, 64)) is None


@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_and_noisy_pictures_are_no_sheets(value: int) -> None:
    assert recognise(np.full((530, 530, 3), value, np.uint8), (64, 64)) is None
    noise = np.random.default_rng(value).integers(0, 256, (530, 530, 3), np.uint8)
    assert recognise(noise, (64, 64)) is None


def test_sheets_of_tiles_that_nobody_expected(faces: np.ndarray) -> None:
    found = recognise(grid_of(faces, 4, 4, 2), (100, 100))
    assert found is not None
    assert (found.rows, found.columns, found.height) == (4, 4, 64)


def folder_of_sheets(folder: Path, faces: np.ndarray, pad: int = 2) -> Path:
    folder.mkdir()
    for i in range(3):
        Image.fromarray(grid_of(np.roll(faces, i, axis=0), 8, 8, pad)).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize("pad", [0, 2])
def test_nobody_is_told_to_resize_sheets(tmp_path: Path, faces: np.ndarray, pad: int) -> None:
    sheets = folder_of_sheets(tmp_path / "sheets", faces, pad)
    grid = "--grid 8x8" + (f" --pad {pad}" if pad else "")
    with pytest.raises(GanbenchError, match="sheets of 8x8 tiles of 64x64") as told:
        ganbench.score(sheets, features="lite0", metrics="fd", detector=None)
    assert grid in str(told.value)
    assert "--resize" not in str(told.value)
    for i in range(3, 1000):
        (sheets / f"{i}.png").symlink_to("0.png")
    with pytest.raises(SourceError, match="sheets of 8x8") as told:
        pack_submission(open_source(sheets), tmp_path / "a.tgz")
    assert "--resize" not in str(told.value)


def test_a_sheet_among_single_images(tmp_path: Path, faces: np.ndarray) -> None:
    """Whichever comes first."""
    for first, second in (("1.png", "2.png"), ("2.png", "1.png")):
        folder = tmp_path / first
        folder.mkdir()
        Image.fromarray(faces[0]).save(folder / first)
        Image.fromarray(grid_of(faces, 8, 8, 2)).save(folder / second)
        with pytest.raises(SourceError, match=r"different sizes: 1\.png .*sheets of 8x8 tiles of 64x64") as told:
            list(open_source(folder).batches(4))
        assert "--resize" not in str(told.value)


def test_whoever_resizes_sheets_is_told(tmp_path: Path, faces: np.ndarray) -> None:
    sheets = folder_of_sheets(tmp_path / "sheets", faces)
    card = ganbench.score(sheets, metrics="duplicates", detector=None, resize="64")
    (told,) = [text for text in card.warnings if "8x8 tiles of 64x64" in text]
    assert told.startswith("of 3 images looked at, 0.png, 1.png, 2.png: no single image")
    assert "ganbench data slice FOLDER OUT --grid 8x8 --pad 2" in told
    Image.fromarray(faces[0]).save(sheets / "0.png")
    Image.fromarray(faces[1]).resize((256, 256), Image.Resampling.BICUBIC).save(sheets / "1.png")
    (told,) = open_source(sheets, resize="64").notes
    assert told.startswith("of 3 images looked at, 2.png: no single image")
    Image.fromarray(faces[2]).resize((192, 192), Image.Resampling.BICUBIC).save(sheets / "2.png")
    assert open_source(sheets, resize="64").notes == []
    assert open_source(faces, resize="32").notes == []  # they only shrink
