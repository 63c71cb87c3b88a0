"""Near duplicates: images that repeat a picture of their own set."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ganbench.errors import MetricError
from ganbench.metrics.near_duplicates import near_duplicates, repeats
from ganbench.metrics.same import same_picture
from ganbench.statistics.known import CodedImages
from ganbench.statistics.signatures import signatures


def _pictures(seed: int, count: int) -> np.ndarray:
    blobs = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3)).astype(np.uint8)
    return np.stack([cv2.resize(one, (64, 64), interpolation=cv2.INTER_CUBIC) for one in blobs])


def _coded(pictures: np.ndarray, codes: np.ndarray) -> CodedImages:
    return CodedImages(codes.astype(np.int8), signatures(pictures), np.arange(len(pictures)), len(pictures))


def test_repeats_are_counted_and_others_are_not(rng: np.random.Generator) -> None:
    pictures, codes = _pictures(1, 60), rng.integers(-60, 60, (60, 16))
    pictures[40:50] = pictures[:10, :, ::-1]  # mirrored ...
    codes[40:50] = codes[:10] + 1  # ... and seen as nearly the same
    codes[50:55] = codes[10:15]  # near in features, and other pictures
    found = near_duplicates(real=None, fake=_coded(pictures, codes))
    assert found.value == 20 / 60
    assert found.low < 20 / 60 < found.high
    assert found.n == 60
    assert found.seed is None
    assert repeats(codes.astype(np.int8), signatures(pictures)).nonzero()[0].tolist() == [*range(10), *range(40, 50)]


def test_one_picture_all_over_repeats_itself_everywhere() -> None:
    pictures = np.repeat(_pictures(3, 1), 12, axis=0)
    assert near_duplicates(real=None, fake=_coded(pictures, np.zeros((12, 4)))).value == 1


def test_of_very_many_some_are_looked_at(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.metrics.near_duplicates.MOST", 20)
    fake = _coded(_pictures(4, 30), rng.integers(-60, 60, (30, 8)))
    found = near_duplicates(real=None, fake=fake, seed=3)
    assert (found.n, found.seed, found.value) == (20, 3, 0)


def test_a_single_image_has_nothing_to_repeat() -> None:
    with pytest.raises(MetricError, match="at least 2 images, got 1"):
        near_duplicates(real=None, fake=_coded(_pictures(1, 1), np.zeros((1, 4))))


def test_flat_pictures_are_no_trouble() -> None:
    flat = signatures(np.full((2, 16, 16, 3), 200, np.uint8))
    assert same_picture(flat, flat).dtype == bool
    assert len(same_picture(flat[:0], flat[:0])) == 0
