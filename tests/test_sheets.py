"""Sheets: tiles come back exactly, geometry is found or the error says what fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.utils import save_image
from typer.testing import CliRunner

from ganbench.cli.data import app
from ganbench.errors import GanbenchError, SourceError
from ganbench.images.sheets import Geometry, SheetSource
from ganbench.images.sources import open_source


@pytest.fixture
def tiles(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.integers(0, 256, (12, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def torchvision_sheet(tiles: np.ndarray, path: Path, nrow: int, padding: int = 2) -> Path:
    save_image(torch.from_numpy(tiles).permute(0, 3, 1, 2).float() / 255, path, nrow=nrow, padding=padding)
    return path


def plain_sheet(tiles: np.ndarray, rows: int, columns: int, path: Path) -> Path:
    stacked = tiles.reshape(rows, columns, *tiles.shape[1:]).transpose(0, 2, 1, 3, 4)
    Image.fromarray(stacked.reshape(rows * tiles.shape[1], columns * tiles.shape[2], 3)).save(path)
    return path


def cut(source: SheetSource) -> np.ndarray:
    return np.stack([source.load(i) for i in range(len(source))])


@pytest.mark.parametrize(("grid", "pad"), [((3, 4), 2), ((3, 4), None), ("guess", None), ("guess", 2)])
def test_torchvision_sheets(tiles: np.ndarray, tmp_path: Path, grid: object, pad: int | None) -> None:
    source = open_source(torchvision_sheet(tiles, tmp_path / "s.png", 4), grid=grid, pad=pad)
    assert source.geometry == Geometry(3, 4, 32, 32, 2, border=True)
    np.testing.assert_array_equal(cut(source), tiles)


@pytest.mark.parametrize("form", ["png", "jpg"])
def test_tiles_that_make_grid_left_blank_are_dropped(tiles: np.ndarray, tmp_path: Path, form: str) -> None:
    source = open_source(torchvision_sheet(tiles[:10], tmp_path / f"s.{form}", 4), grid="guess")
    assert (len(source), source.blank) == (10, 2)


def test_a_dark_tile_of_a_lossless_sheet_is_no_blank(tiles: np.ndarray, tmp_path: Path) -> None:
    dark = tiles.copy()
    dark[-1] = 0
    dark[-1, 5, 5, 1] = 1  # all but black: still an image
    assert open_source(torchvision_sheet(dark, tmp_path / "s.png", 4), grid="guess").blank == 0


def test_three_by_three_is_not_taken_for_thinner_padding(tiles: np.ndarray, tmp_path: Path) -> None:
    """3 * 32 + 4 * 2 = 104 = 3 * 34 + 2 * 1, and those thin lines lie within the true padding."""
    for form in ("png", "jpg"):
        path = torchvision_sheet(tiles[:9], tmp_path / f"s.{form}", 3)
        for grid in ((3, 3), "guess"):
            assert open_source(path, grid=grid).geometry == Geometry(3, 3, 32, 32, 2, border=True)


def test_padding_that_cannot_be_seen_is_not_assumed(rng: np.random.Generator, tmp_path: Path) -> None:
    noise = rng.integers(0, 256, (104, 104, 3), dtype=np.uint8)  # fits 3x3 with pad 2 only by arithmetic
    Image.fromarray(noise).save(tmp_path / "s.png")
    with pytest.raises(SourceError, match="with padding of one colour. What fits: 3x3 tiles of"):
        open_source(tmp_path / "s.png", grid=(3, 3))


def test_one_wrong_line_is_not_hidden_by_an_average(tmp_path: Path) -> None:
    """White faces on white paper: nearly all separators of a wrong grid are white too."""
    sheet = np.full((8 * 34 + 2, 8 * 34 + 2, 3), 255, np.uint8)
    sheet[2:34, 2:34] = 0  # one dark tile of 32 pixels, whose middle a grid of 16-pixel tiles would cut
    Image.fromarray(sheet).save(tmp_path / "s.png")
    assert open_source(tmp_path / "s.png", grid="guess", pad=2).geometry.height == 32


def test_grid_and_pad_are_for_sheets_only(image_folder: Path, tiles: np.ndarray) -> None:
    for options in ({"grid": (2, 2)}, {"pad": 2}):
        for what in (image_folder, tiles):
            with pytest.raises(SourceError, match="one image file that is a sheet"):
                open_source(what, **options)
    with pytest.raises(SourceError, match="value_range is for float arrays"):
        open_source(image_folder, value_range=(0, 1))
    with pytest.raises(SourceError, match="expected .rows, columns. or 'guess'"):
        open_source(image_folder / "1.jpg", grid="maybe")


def test_sheets_without_padding(tiles: np.ndarray, tmp_path: Path) -> None:
    path = plain_sheet(tiles, 3, 4, tmp_path / "s.png")
    np.testing.assert_array_equal(cut(open_source(path, grid=(3, 4))), tiles)
    np.testing.assert_array_equal(cut(open_source(path, grid=(3, 4), pad=0)), tiles)


def test_padding_without_a_border(tiles: np.ndarray, tmp_path: Path) -> None:
    bordered = np.asarray(Image.open(torchvision_sheet(tiles, tmp_path / "s.png", 4)))
    Image.fromarray(bordered[2:-2, 2:-2]).save(tmp_path / "t.png")
    source = open_source(tmp_path / "t.png", grid="guess")
    assert source.geometry == Geometry(3, 4, 32, 32, 2, border=False)
    np.testing.assert_array_equal(cut(source), tiles)


def test_wrong_geometry_says_what_fits(tiles: np.ndarray, tmp_path: Path) -> None:
    path = torchvision_sheet(tiles, tmp_path / "s.png", 4)
    with pytest.raises(SourceError, match="104x138 pixels do not divide into 5x5 tiles"):
        open_source(path, grid=(5, 5), pad=2)
    with pytest.raises(SourceError, match="What fits: 3x4 tiles of 32x32 pixels, pad 2, bordered"):
        open_source(path, grid=(3, 4), pad=5)


def test_an_ambiguous_guess_is_an_error(rng: np.random.Generator, tmp_path: Path) -> None:
    Image.fromarray(rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)).save(tmp_path / "s.png")
    with pytest.raises(SourceError, match="several geometries fit.*--grid"):
        open_source(tmp_path / "s.png", grid="guess")


def test_the_command_cuts_folders_of_stylegan2_sheets(tiles: np.ndarray, tmp_path: Path) -> None:
    """stylegan2_pytorch writes torchvision grids with default padding, as JPEG, three files per run."""
    sheets = tmp_path / "results"
    sheets.mkdir()
    for suffix in ("", "-ema", "-mr"):
        torchvision_sheet(tiles[:9], sheets / f"generated-11-23-2026_10-00-00-0{suffix}.jpg", 3)
    result = CliRunner().invoke(app, ["slice", str(sheets), str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert result.output.count("3x3 tiles of 32x32 pixels, pad 2, bordered") == 3
    assert len(open_source(tmp_path / "out")) == 27
    again = CliRunner().invoke(app, ["slice", str(sheets), str(tmp_path / "out")])
    assert isinstance(again.exception, GanbenchError)
    assert "is not empty" in str(again.exception)
    result = CliRunner().invoke(app, ["slice", str(sheets), str(tmp_path / "ema"), "--only", "*-ema.jpg"])
    assert "wrote 9 images" in result.output
    result = CliRunner().invoke(app, ["slice", str(sheets), str(tmp_path / "out"), "--only", "*-mr.jpg", "--force"])
    assert "wrote 9 images" in result.output
    assert "beside 18 older files" in result.output
    for arguments, message in (
        ([str(sheets), str(tmp_path / "x"), "--only", "*.gif"], "no sheet there that matches"),
        ([str(tmp_path / "absent.png"), str(tmp_path / "x")], "no sheet there"),
        ([str(sheets), str(next(sheets.iterdir()))], "expected a folder"),
    ):
        failed = CliRunner().invoke(app, ["slice", *arguments])
        assert isinstance(failed.exception, GanbenchError)
        assert message in str(failed.exception)
