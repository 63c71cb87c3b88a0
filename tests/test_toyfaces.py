"""Toy faces: reproducible, varied, and drawn as their attributes say."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ganbench.cli.data import app
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.toyfaces import (
    MODES,
    FaceAttributes,
    draw_face,
    face_box,
    mode_of,
    sample_attributes,
    toyfaces,
    write_toyfaces,
)
from ganbench.toyfaces.attributes import ACCESSORIES, EXPRESSIONS, HAIR_COLORS, HAIR_STYLES


def plain_face() -> FaceAttributes:
    """Return a frontal, upright face without accessory, in even light."""
    return replace(
        sample_attributes(0, 0),
        accessory="none",
        hair_style="bob",
        bangs="straight",
        expression="smile",
        background="gradient",
        turn=0.0,
        tilt=0.0,
        shift=(0.0, 0.0),
        scale=1.1,
        light=(0.0, 0.0, 0.0),
    )


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
    assert len(MODES) == len(set(MODES)) == len(HAIR_COLORS) * len(HAIR_STYLES)
    assert {face.expression for face in faces} == set(EXPRESSIONS)
    assert {face.accessory for face in faces} == set(ACCESSORIES)
    # Modes are equally likely: 2,000 / 70 = 28.6 each, standard deviation 5.3; five of them either way.
    assert all(2 <= n <= 56 for n in Counter(mode_of(face) for face in faces).values())


@pytest.mark.parametrize("name", HAIR_COLORS)
def test_hair_is_drawn_in_its_colour(name: str) -> None:
    """The image without its light holds more pixels of the hair's exact colour than anything but a background could."""
    face = replace(plain_face(), hair_color=name, hair_rgb=HAIR_COLORS[name])
    image = draw_face(face, 128)
    same = np.abs(image.astype(int) - face.hair_rgb).max(2) <= 3
    assert same.mean() > 0.06
    assert same[: 128 // 2].sum() > 0.5 * same.sum()


def test_eyes_skin_and_expression_change_only_their_part_of_the_image() -> None:
    face = plain_face()
    before = draw_face(face, 128).astype(int)
    _, y0, _, y1 = face_box(face, 128)

    def rows_changed(**change: object) -> tuple[float, float]:
        rows = np.flatnonzero((draw_face(replace(face, **change), 128) != before).any((1, 2)))
        return (rows.min() - y0) / (y1 - y0), (rows.max() - y0) / (y1 - y0)

    top, bottom = rows_changed(eye_rgb=(40, 160, 90))
    assert 0.4 < top < bottom < 0.8
    top, bottom = rows_changed(expression="open")
    assert top > 0.3  # the brows move too
    assert 0.8 < bottom < 1.0
    assert rows_changed(skin_rgb=(230, 190, 160))[1] > 0.95


def test_a_turned_head_has_its_features_on_that_side() -> None:
    """The middle of what the eyes' colour changes moves with the turn."""

    def middle_of_eyes(turn: float) -> float:
        face = replace(plain_face(), turn=turn)
        other = replace(face, eye_rgb=(200, 30, 30))
        return float(np.flatnonzero((draw_face(face, 128) != draw_face(other, 128)).any((0, 2))).mean())

    left, front, right = (middle_of_eyes(turn) for turn in (-1, 0, 1))
    assert left < front - 4 < front < right - 4


@pytest.mark.slow
def test_a_face_box_holds_the_face_and_stays_inside_the_image() -> None:
    for i in range(50):
        face = sample_attributes(6, i)
        x0, y0, x1, y1 = face_box(face, 64)
        assert 0 <= x0 < x1 <= 64
        assert 0 <= y0 < y1 <= 64
        bare = draw_face(face)
        changed = draw_face(replace(face, eye_rgb=tuple(255 - c for c in face.eye_rgb)))
        y, x = np.nonzero((bare != changed).any(2))
        assert x0 <= x.min() + 1
        assert x.max() <= x1
        assert y0 <= y.min()
        assert y.max() <= y1
        np.testing.assert_allclose(face_box(face, 128), 2 * np.array([x0, y0, x1, y1]))


@pytest.mark.slow
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
    with pytest.raises(GanbenchError, match="seed of at least 0"):
        list(toyfaces(1, seed=-1))
    with pytest.raises(GanbenchError, match="is a file; name a folder"):
        write_toyfaces(tmp_path / "x.txt", 1)
    with pytest.raises(GanbenchError, match="count of at least 1"):
        write_toyfaces(tmp_path / "new", 0)
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match="at least 16 pixels"):
        draw_face(plain_face(), 8)
    assert CliRunner().invoke(app, ["toyfaces", str(tmp_path), "--count", "1", "--force"]).exit_code == 0
