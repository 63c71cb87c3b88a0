"""Blends: pictures put together from two known ones, against least squares over all pairs, and on made pictures."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest
from scipy.optimize import nnls

from ganbench.errors import MetricError
from ganbench.metrics import blends as module
from ganbench.metrics.blends import blends, explain, judge
from ganbench.metrics.registration import SAME, fine_detail
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.known import CodedImages, KnownImages
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import LENGTH, SIGNATURE, mirrored, signatures


def _pictures(count: int, seed: int) -> np.ndarray:
    """Return smooth random pictures, uint8 (count, 64, 64, 3), with detail of the size of a cell."""
    rough = np.random.default_rng(seed).uniform(0, 255, (count, 10, 10, 3)).astype(np.float32)
    smooth = [cv2.resize(one, (64, 64), interpolation=cv2.INTER_CUBIC) for one in rough]
    return np.stack(smooth).clip(0, 255).astype(np.uint8)


def _known(pixels: np.ndarray, form: str = SIGNATURE) -> KnownImages:
    count = len(pixels)
    projection = Projection.of(FeatureSet.of(_features(pixels)).moments)
    codes = projection.encode(_features(pixels))
    names = [f"{number}.jpg" for number in range(count)]
    index = ImageIndex(projection, codes, signatures(pixels), form, np.ones(count, np.float32), np.arange(count), names)
    return KnownImages(index)


def _features(pixels: np.ndarray) -> np.ndarray:
    return pixels[:, ::16, ::16].reshape(len(pixels), -1).astype(np.float32)


def _coded(known: KnownImages, pixels: np.ndarray) -> CodedImages:
    codes = known.index.encode(_features(pixels))
    return CodedImages(codes, signatures(pixels), np.arange(len(pixels)), len(pixels))


def _mixed(one: np.ndarray, other: np.ndarray, weight: float) -> np.ndarray:
    return np.rint(weight * one.astype(np.float64) + (1 - weight) * other).astype(np.uint8)


def _beside(one: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
    """Return pictures whose first half along an axis is of one, and the second of another."""
    near = np.clip((36 - np.arange(64)) / 8, 0, 1).reshape((-1, 1, 1) if axis == 1 else (1, -1, 1))
    return np.rint(one * near + other * (1 - near)).astype(np.uint8)


WAYS = {
    "blended": lambda one, other: _mixed(one, other, 0.5),
    "blended by 0.65": lambda one, other: _mixed(one, other, 0.65),
    "blended, one mirrored": lambda one, other: _mixed(one[:, :, ::-1], other, 0.45),
    "side by side": lambda one, other: _beside(one, other, 2),
    "one above the other": lambda one, other: _beside(one, other, 1),
    "one above the mirrored other": lambda one, other: _beside(one, other[:, :, ::-1], 1),
}


@pytest.mark.parametrize("way", WAYS)
def test_both_parts_are_found_and_named(way: str) -> None:
    pixels = _pictures(600, 1)
    known, made = _known(pixels), WAYS[way](pixels[:60], pixels[100:160])
    found = judge(known, _coded(known, made))
    assert np.mean(found.share >= SAME) >= 0.9
    named = np.sort(found.rows, axis=1) == np.stack([np.arange(60), np.arange(100, 160)], axis=1)
    assert np.mean(named.all(axis=1)) >= 0.9
    assert blends(real=known, fake=_coded(known, made)).value == np.mean(found.told)


PARTS = {
    "with another picture that is unknown": lambda one, other, strange: _mixed(one, strange, 0.5),
    "moved before": lambda one, other, strange: _mixed(np.roll(one, (1, 1), (1, 2)), np.roll(other, -2, 1), 0.5),
}


@pytest.mark.parametrize("way", PARTS)
def test_a_picture_that_is_held_in_part_is_ahead(way: str) -> None:
    pixels = _pictures(600, 1)
    known, made = _known(pixels), PARTS[way](pixels[:60], pixels[100:160], _pictures(60, 2))
    found = judge(known, _coded(known, made))
    assert np.mean(found.told) >= 0.5
    in_part = found.told & (found.share < SAME)
    assert in_part.any()
    assert (found.rows[in_part, 0] == found.rows[in_part, 1]).all()  # the one that is held is named, alone
    assert np.mean(found.rows[in_part, 0] % 100 == np.flatnonzero(in_part)) >= 0.9
    strange = judge(known, _coded(known, _pictures(200, 2)))
    z = np.arctanh(np.sort(_correlations(known, _pictures(200, 2)), axis=1))
    assert strange.ahead == pytest.approx(z[:, -1] - z[:, -13], abs=1e-4)
    assert np.mean(strange.told) < 0.02


def _correlations(known: KnownImages, pixels: np.ndarray) -> np.ndarray:
    """Return correlations with all known pictures, as they are and mirrored, by NumPy's own formula."""
    there = known.index.signatures
    both = np.concatenate([fine_detail(signatures(pixels)), fine_detail(there), fine_detail(mirrored(there))])
    return np.corrcoef(both.astype(np.float64))[: len(pixels), len(pixels) :]


def test_other_pictures_are_not_explained_and_copies_are_by_one() -> None:
    pixels = _pictures(600, 1)
    known = _known(pixels)
    for others in (_pictures(200, 2), _mixed(_pictures(60, 3), _pictures(60, 4), 0.5)):
        assert (judge(known, _coded(known, others)).share < SAME).all()
        assert blends(real=known, fake=_coded(known, others)).value < 0.02  # one in some hundreds is ahead by chance
    copied = judge(known, _coded(known, pixels[:50]))
    assert copied.share == pytest.approx(np.ones(50), abs=1e-3)
    assert (copied.rows == np.arange(50)[:, None]).all()


def test_two_parts_explain_what_least_squares_over_all_pairs_says(monkeypatch: pytest.MonkeyPatch) -> None:
    known, pictures = signatures(_pictures(12, 5)), signatures(_mixed(_pictures(12, 5)[:8], _pictures(8, 6), 0.6))
    monkeypatch.setattr(module, "_KNOWN", 5)  # several blocks, and several chunks
    monkeypatch.setattr(module, "_QUERIES", 3)
    found = explain(known, pictures)
    atoms = fine_detail(np.concatenate([known, mirrored(known)])).astype(np.float64)
    atoms -= atoms.mean(axis=1, keepdims=True)
    for picture, share in zip(fine_detail(pictures).astype(np.float64), found.share, strict=True):
        wanted = picture - picture.mean()
        left = min(nnls(atoms[list(pair)].T, wanted)[1] for pair in combinations(range(len(atoms)), 2))
        best = np.sqrt(1 - left**2 / (wanted @ wanted))
        halves = _best_halves(atoms, wanted)
        assert share == pytest.approx(max(best, halves), abs=2e-3)  # what two alike share is floored


def _best_halves(atoms: np.ndarray, wanted: np.ndarray) -> float:
    """Return the larger, over both ways to cut, of the smaller best correlation of the two halves."""

    def best(region: tuple[slice, slice]) -> float:
        part = wanted.reshape(14, 14)[region].ravel()
        return max(float(np.corrcoef(part, one.reshape(14, 14)[region].ravel())[0, 1]) for one in atoms)

    first, second, whole = slice(0, 7), slice(7, 14), slice(None)
    return max(
        min(best((whole, first)), best((whole, second))),
        min(best((first, whole)), best((second, whole))),
    )


def test_no_picture_is_explained_by_itself() -> None:
    pixels = _pictures(80, 7)
    twice = np.concatenate([pixels, pixels[:5]])  # the first five are there twice
    known, rows = signatures(twice), np.arange(10)
    found = explain(known, known[rows], rows)
    assert (found.rows != rows[:, None]).all()
    assert (found.share[:5] > 0.99).all()
    assert (found.rows[:5] == np.arange(80, 85)[:, None]).all()
    assert (found.share[5:] < SAME).all()


def test_pictures_of_one_colour_are_explained_by_none_and_explain_nothing() -> None:
    flat = np.full((3, LENGTH), 90, np.uint8)
    flat[1, ::2] += 1  # by rounding
    some = signatures(_pictures(20, 8))
    assert (explain(some, flat).share < 0.5).all()
    assert (explain(flat, some).share < 0.5).all()
    assert explain(some[:1], some[:2]).share[0] > 0.99


def test_of_very_many_pairs_some_images_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = _pictures(100, 9)
    known = _known(pixels)
    fake = _coded(known, np.concatenate([pixels[:50], _pictures(50, 10)]))
    monkeypatch.setattr(module, "MOST_PAIRS", 4_000)
    estimate = blends(real=known, fake=fake, seed=4)
    assert (estimate.n, estimate.seed) == (40, 4)
    assert estimate.warnings == ("a random 40 of 100 images were looked at",)
    assert estimate.low < 0.5 < estimate.high
    assert blends(real=known, fake=fake, seed=4) == estimate
    monkeypatch.undo()
    estimate = blends(real=known, fake=fake)
    assert (estimate.value, estimate.n, estimate.seed, estimate.warnings) == (0.5, 100, None, ())


def test_what_cannot_be_compared_is_refused() -> None:
    pixels = _pictures(20, 11)
    known = _known(pixels)
    with pytest.raises(MetricError, match="at least 1 image, got 0"):
        blends(real=known, fake=CodedImages(known.index.codes[:0], signatures(pixels)[:0], np.arange(0), 0))
    with pytest.raises(MetricError, match="remembers its images as 'old', and this ganbench compares"):
        blends(real=_known(pixels, form="old"), fake=_coded(known, pixels))
