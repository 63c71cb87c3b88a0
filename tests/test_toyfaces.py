"""Toy faces: reproducible, varied, and drawn as their attributes say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ganbench.cli.data import app
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.images.toyfaces import MODES, draw_face, face_box, mode_of, sample_attributes, toyfaces
from ganbench.images.toyfaces.attributes import EXPRESSIONS, HAIR_COLORS, HAIR_STYLES


def test_the_same_seed_gives_the_same_bytes_whatever_the_count() -> None:
    few, many = list(toyfaces(3, seed=4)), list(toyfaces(6, seed=4))
    for (face, image), (face_again, image_again) in zip(few, many, strict=False):
        assert face == face_again
        np.testing.assert_array_equal(image, image_again)
    assert sample_attributes(4, 5) == many[5][0]
    assert sample_attributes(5, 5) != many[5][0]


@pytest.mark.parametrize("size", [32, 64, 128])
def test_sizes(size: int) -> None:
    image = draw_face(sample_attributes(0, 0), size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8


def test_one_face_looks_the_same_at_every_size() -> None:
    face = sample_attributes(1, 2)
    large, small = draw_face(face, 128), draw_face(face, 64)
    halved = large.reshape(64, 2, 64, 2, 3).mean((1, 3))
    # The same shapes on two grids: edges differ by part of a pixel, areas agree.
    assert np.abs(halved - small).mean() < 4


def test_every_mode_and_expression_is_reached() -> None:
    faces = [sample_attributes(0, i) for i in range(2000)]
    assert {mode_of(face) for face in faces} == set(MODES)
    assert len(MODES) == len(HAIR_COLORS) * len(HAIR_STYLES)
    assert {face.expression for face in faces} == set(EXPRESSIONS)


def test_hair_is_drawn_in_its_colour() -> None:
    """Most of the upper middle of a face is hair: the median there is the hair's colour, shaded a little."""
    for i in range(20):
        face = sample_attributes(3, i)
        image = draw_face(face, 128)
        x0, y0, x1, y1 = (int(v) for v in face_box(face, 128))
        top = image[y0 + (y1 - y0) // 8 : y0 + (y1 - y0) // 4, x0 + (x1 - x0) // 3 : x1 - (x1 - x0) // 3]
        assert np.abs(np.median(top, axis=(0, 1)) - face.hair_rgb).max() < 70, face


def test_faces_differ_from_each_other() -> None:
    images = np.stack([image for _, image in toyfaces(40, seed=8)]).astype(float)
    distance = np.abs(images[:, None] - images[None]).mean((2, 3, 4))
    assert distance[~np.eye(40, dtype=bool)].min() > 10


def test_the_command_writes_images_and_their_attributes(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["toyfaces", str(tmp_path / "faces"), "--count", "12", "--seed", "4", "--size", "32"]
    )
    assert result.exit_code == 0, result.output
    with (tmp_path / "faces" / "attributes.csv").open() as f:
        rows = list(csv.DictReader(f))
    source = open_source(tmp_path / "faces")
    assert [row["name"] for row in rows] == source.names
    for i, (face, image) in enumerate(toyfaces(12, 32, 4)):
        assert rows[i]["mode"] == mode_of(face)
        assert rows[i]["eye_color"] == face.eye_color
        assert 0 <= float(rows[i]["x0"]) < float(rows[i]["x1"]) <= 32
        np.testing.assert_array_equal(source.load(i), image)


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match="count of at least 1"):
        list(toyfaces(0))
    with pytest.raises(GanbenchError, match="at least 16 pixels"):
        list(toyfaces(1, size=8))
    (tmp_path / "x.txt").write_text("")
    result = CliRunner().invoke(app, ["toyfaces", str(tmp_path), "--count", "1"])
    assert "is not empty" in str(result.exception)
    assert CliRunner().invoke(app, ["toyfaces", str(tmp_path), "--count", "1", "--force"]).exit_code == 0
