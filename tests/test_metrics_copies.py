"""Duplicates within a set, copies of real images, and the test for a whole set."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.stats import fisher_exact

from ganbench.errors import MetricError
from ganbench.metrics.copies import authenticity, copies, judge, judge_own, more_than
from ganbench.metrics.duplicates import duplicates
from ganbench.metrics.registration import SAME, alikeness
from ganbench.references.nearest import nearest_different
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.known import CodedImages, HeldOut, KnownImages
from ganbench.statistics.pixels import PixelSet
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import LENGTH, SIGNATURE, mirrored, signatures


def _digests(letters: str) -> list[str]:
    return [hashlib.sha256(letter.encode()).hexdigest() for letter in letters]


def test_exact_duplicates_count_every_image_with_a_twin():
    estimate = duplicates(fake=PixelSet.of(_digests("abacadce")))
    assert estimate.value == 5 / 8
    assert estimate.n == 8
    assert duplicates(fake=PixelSet.of(_digests("ab"))).value == 0
    assert duplicates(fake=PixelSet.of(_digests("ab"))).low == 0
    with pytest.raises(MetricError, match="at least 2 images, got 1"):
        duplicates(fake=PixelSet.of(_digests("a")))


def _pictures(count: int, seed: int) -> np.ndarray:
    """Return smooth random pictures, uint8 (count, 64, 64, 3)."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(0, 255, (count, 8, 8, 3)).astype(np.float32)
    return (
        np.stack([cv2.resize(one, (64, 64), interpolation=cv2.INTER_CUBIC) for one in rough])
        .clip(0, 255)
        .astype(np.uint8)
    )


def _turned(pixels: np.ndarray, degrees: float, scale: float = 1.0, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    motion = cv2.getRotationMatrix2D((31.5, 31.5), degrees, scale)
    motion[:, 2] += x, y
    return np.stack([cv2.warpAffine(one, motion, (64, 64), borderMode=cv2.BORDER_REPLICATE) for one in pixels])


def _known(
    pixels: np.ndarray, held_out: HeldOut | None = None, nearest: float = 1.0, form: str = SIGNATURE
) -> KnownImages:
    features = _features(pixels)
    projection = Projection.of(FeatureSet.of(features).moments)
    count = len(pixels)
    index = ImageIndex(
        projection, projection.encode(features), signatures(pixels), form,
        np.full(count, nearest, np.float32), np.arange(count), [f"{number}.jpg" for number in range(count)],
    )  # fmt: skip
    return KnownImages(index, held_out)


def _features(pixels: np.ndarray) -> np.ndarray:
    return pixels[:, ::16, ::16].reshape(len(pixels), -1).astype(np.float32)


def _coded(known: KnownImages, pixels: np.ndarray) -> CodedImages:
    codes = known.index.encode(_features(pixels))
    return CodedImages(codes, signatures(pixels), np.arange(len(pixels)), len(pixels))


CHANGES = {
    "none": lambda pixels: pixels,
    "mirrored": lambda pixels: pixels[:, :, ::-1],
    "shifted": lambda pixels: _turned(pixels, 0, x=2, y=-2),
    "turned": lambda pixels: _turned(pixels, 5),
    "cropped": lambda pixels: _turned(pixels, 0, 1.15),
    "turned and cropped": lambda pixels: _turned(pixels, -5, 1.1),
    "darker": lambda pixels: (pixels * 0.7).astype(np.uint8),
    "flat": lambda pixels: (pixels * 0.5 + 60).astype(np.uint8),
    "channels mixed": lambda pixels: (pixels @ np.array([[0.8, 0.2, 0], [0, 0.8, 0.2], [0.2, 0, 0.8]])).astype(
        np.uint8
    ),
    "noise": lambda pixels: np.clip(pixels + np.random.default_rng(3).normal(0, 8, pixels.shape), 0, 255).astype(
        np.uint8
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_copier_does_hides_no_picture(change: str):
    pixels = _pictures(40, 0)
    known = _known(np.concatenate([_pictures(160, 1), pixels]))
    fake = _coded(known, np.ascontiguousarray(CHANGES[change](pixels)))
    verdicts = judge(known, fake)
    assert np.mean(verdicts.copied) >= 0.95
    assert (verdicts.row[verdicts.copied] == 160 + np.flatnonzero(verdicts.copied)).all()
    assert copies(real=known, fake=fake).value == np.mean(verdicts.copied)


def test_other_pictures_are_not_alike():
    one, other = signatures(_pictures(300, 0)), signatures(_pictures(300, 1))
    found = alikeness(one, other)
    assert found.dtype == np.float32
    assert ((found >= 0) & (found < SAME)).all()
    assert np.allclose(alikeness(one, one), 1, atol=1e-3)
    assert np.allclose(alikeness(mirrored(one), one), 1, atol=1e-3)


def test_pictures_of_one_colour_are_judged_without_a_word():
    one = np.full((3, LENGTH), 128, np.uint8)
    assert np.isfinite(alikeness(one, signatures(_pictures(3, 0)))).all()
    assert np.isfinite(alikeness(signatures(_pictures(3, 0)), one)).all()


def test_signatures_do_not_depend_on_the_batch_and_hardly_on_the_size():
    pixels = _pictures(20, 0)
    whole = signatures(pixels)
    assert whole.shape == (20, LENGTH)
    assert whole.dtype == np.uint8
    assert np.array_equal(whole, np.concatenate([signatures(pixels[i : i + 3]) for i in range(0, 20, 3)]))
    assert np.array_equal(mirrored(whole), signatures(np.ascontiguousarray(pixels[:, :, ::-1])))
    larger = np.stack([cv2.resize(one, (200, 200), interpolation=cv2.INTER_LINEAR) for one in pixels])
    assert np.abs(signatures(larger).astype(int) - whole).max() <= 4


@pytest.mark.parametrize(("count", "n", "held", "of"), [(3, 100, 20, 2000), (300, 1000, 500, 2000), (0, 10, 0, 10)])
def test_the_test_is_fishers(count: int, n: int, held: int, of: int):
    expected = fisher_exact([[count, n - count], [held, of - held]], alternative="greater")[1]
    assert more_than(count, n, held, of) == pytest.approx(expected)


def test_a_set_nearer_than_held_out_images_is_said_to_be():
    pixels = _pictures(200, 0)
    known = _known(pixels, HeldOut(1000, 10, 250), nearest=1e6)
    found = authenticity(real=known, fake=_coded(known, _pictures(100, 1)))
    assert found.value == 1
    assert found.p is not None
    assert found.p < 1e-20
    assert "25.0% of held-out real ones" in found.warnings[0]
    honest = authenticity(
        real=_known(pixels, HeldOut(1000, 10, 250), nearest=0.0), fake=_coded(known, _pictures(100, 1))
    )
    assert honest.value == 0
    assert honest.p == 1
    assert not honest.warnings


@pytest.mark.parametrize("count", [2, 4, 60])
def test_known_images_are_judged_as_if_they_were_not_known(count: int):
    pixels = _pictures(count, 0)
    pixels[1], pixels[-1] = pixels[0, :, ::-1], _turned(pixels[:1], 4)[0]  # pictures that are there more than once
    features, whole = _features(pixels), _nearest(_known(pixels).index)
    rows = np.arange(0, count, 2 if count > 4 else 1)
    found = judge_own(whole, rows)
    for at, row in enumerate(rows):
        rest = np.delete(np.arange(count), row)
        alone = _nearest(replace(
            whole, codes=whole.codes[rest], signatures=whole.signatures[rest], nearest=whole.nearest[rest],
            positions=whole.positions[rest], names=[whole.names[i] for i in rest],
        ))  # fmt: skip
        one = judge(KnownImages(alone), CodedImages(
            whole.encode(features[[row]]), signatures(pixels[[row]]), np.arange(1), 1
        ))  # fmt: skip
        assert one.alike[0] == pytest.approx(found.alike[at], abs=2e-3)  # it depends a little on what is beside it
        for name in ("copied", "distance", "nearer"):
            assert getattr(one, name)[0] == getattr(found, name)[at], (name, row)
    assert found.copied[0]
    assert not found.copied.all() or count < 60


def _nearest(index: ImageIndex) -> ImageIndex:
    squared = nearest_different(index.codes, index.signatures)
    return replace(index, nearest=index.length(squared))


def test_what_the_own_images_of_a_set_show_is_said_to_be_that():
    known = _known(_pictures(50, 0), HeldOut(1000, 10, 250, 5, is_known=True))
    found = copies(real=known, fake=_coded(known, _pictures(50, 0)))
    assert found.p is not None
    assert found.p < 1e-20
    assert "1.0% of its own, each beside the others" in found.warnings[0]


def test_without_held_out_images_there_is_no_test_and_that_is_said():
    known = _known(_pictures(50, 0))
    found = copies(real=known, fake=_coded(known, _pictures(10, 1)))
    assert found.p is None
    assert "no real images were looked at for that" in found.warnings[0]


def test_a_sample_of_many_images_is_said_to_be_one():
    known = _known(_pictures(50, 0), HeldOut(100, 1, 25))
    coded = _coded(known, _pictures(10, 1))
    fake = CodedImages(coded.codes, coded.signatures, coded.positions, 1_000_000)
    assert "a random 10 of 1,000,000 images" in copies(real=known, fake=fake).warnings[0]


def test_signatures_of_another_form_are_refused():
    known = _known(_pictures(50, 0), form="old v0")
    with pytest.raises(MetricError, match="build it anew"):
        copies(real=known, fake=_coded(known, _pictures(10, 1)))
