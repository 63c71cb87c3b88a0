"""Which samples count as toy faces at all: drawn ones that were held out do, everything else is no mode."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from ganbench.diagnostics.toy_modes import ToyFaces
from ganbench.features.collect import collect_features
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.toyfaces import toyfaces
from ganbench.toyfaces.attributes import row

Draw = Callable[[np.random.Generator, int], np.ndarray]


def _noise(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)


def _near_grey(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw what a generator makes at its start: grey, with a little noise."""
    return np.clip(rng.normal(rng.integers(90, 160), rng.uniform(0, 8), (count, 64, 64, 3)), 0, 255).astype(np.uint8)


def _one_colour(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.broadcast_to(rng.integers(0, 256, (count, 1, 1, 3), dtype=np.uint8), (count, 64, 64, 3)).copy()


def _blobs(rng: np.random.Generator, count: int) -> np.ndarray:
    side = int(rng.integers(3, 12))
    coarse = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return np.stack([cv2.resize(image, (64, 64), interpolation=cv2.INTER_CUBIC) for image in coarse])


def _stripes(rng: np.random.Generator, count: int) -> np.ndarray:
    waves = [np.sin(np.arange(64)[:, None, None] * rng.uniform(0.1, 2, 3) + rng.uniform(0, 6, 3)) for _ in range(count)]
    return (127 + 120 * np.broadcast_to(np.stack(waves), (count, 64, 64, 3))).astype(np.uint8)


def _shuffled_faces(rng: np.random.Generator, count: int) -> np.ndarray:
    """Cut toy faces into 16 tiles, and shuffle these: every colour is right, and nothing is a face."""
    found = []
    for _, face in toyfaces(count, seed=int(rng.integers(1000, 2000))):
        tiles = face.reshape(4, 16, 4, 16, 3).swapaxes(1, 2).reshape(16, 16, 16, 3)[rng.permutation(16)]
        found.append(tiles.reshape(4, 4, 16, 16, 3).swapaxes(1, 2).reshape(64, 64, 3))
    return np.stack(found)


def _features(images: np.ndarray, extractor: Extractor) -> np.ndarray:
    return collect_features(open_source(images), extractor, cap=10_000, seed=0, what="features").sample


@pytest.fixture(scope="module")
def toys(lite0: Extractor) -> ToyFaces:
    """Return the reader of 600 labelled faces."""
    drawn = list(toyfaces(600, seed=3))
    labels = [row(attributes) for attributes, _ in drawn]
    names = ("hair_color", "hair_style")
    features = _features(np.stack([image for _, image in drawn]), lite0)
    return ToyFaces(features, {name: [label[name] for label in labels] for name in names})


@pytest.mark.slow
@pytest.mark.parametrize("draw", [_noise, _near_grey, _one_colour, _blobs, _stripes, _shuffled_faces])
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_no_toy_face_reaches_no_mode(toys: ToyFaces, lite0: Extractor, draw: Draw, seed: int) -> None:
    for reached in toys.reached(_features(draw(np.random.default_rng(seed), 60), lite0)):
        assert reached.faces <= 0.1
        assert reached.missing == reached.values


@pytest.mark.slow
@pytest.mark.parametrize("seed", [50, 51])
def test_faces_that_were_held_out_count(toys: ToyFaces, lite0: Extractor, seed: int) -> None:
    features = _features(np.stack([image for _, image in toyfaces(300, seed=seed)]), lite0)
    by_name = {reached.attribute: reached for reached in toys.reached(features)}
    assert by_name["hair_color"].faces >= 0.98
    assert by_name["hair_color"].missing == ()
    assert by_name["hair_style"].missing == ()


@pytest.mark.slow
def test_among_other_images_only_the_faces_count(toys: ToyFaces, lite0: Extractor) -> None:
    faces = [image for face, image in toyfaces(400, seed=60) if face.hair_color in ("black", "green")]
    others = _noise(np.random.default_rng(5), len(faces))
    found = toys.reached(_features(np.concatenate([np.stack(faces), others]), lite0))
    colours = next(reached for reached in found if reached.attribute == "hair_color")
    assert colours.faces == pytest.approx(0.5, abs=0.02)
    assert set(colours.values) - set(colours.missing) == {"black", "green"}
