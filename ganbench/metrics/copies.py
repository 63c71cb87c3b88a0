"""Copies: images that repeat one that a generator learned from, each with a verdict; and the test for a whole set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.candidates import coarse_candidates
from ganbench.metrics.intervals import wilson
from ganbench.metrics.registration import SAME, alikeness
from ganbench.metrics.variation import Variation
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.known import CodedImages, HeldOut, KnownImages, require_comparable
from ganbench.statistics.signatures import SIGNATURE

BY_FEATURES, BY_LOOKS = 3, 5  # candidates that features find, and that a coarse look finds
CLEARLY = 0.85  # of the distance to any other known image; docs/copies.md shows why
_NEXT = 16  # neighbours of a known image that are looked at when it is to be judged without one of them
ALARM = 1e-4  # a set in 10,000 honest ones is taken for a copier's


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What is known of each image that was looked at, (m,) each.

    Attributes:
        alike: How much alike it is to the known image that it is most alike to, 0 to 1.
        row: Row of that image in the index.
        copied: Whether the two are the same picture.
        distance: From its nearest known image, in units of the features.
        nearer: Whether that is nearer than that image is to its own nearest other, and clearly so than to any other.
    """

    alike: np.ndarray
    row: np.ndarray
    copied: np.ndarray
    distance: np.ndarray
    nearer: np.ndarray


def judge(real: KnownImages, fake: CodedImages) -> Verdicts:
    """Judge every image by itself; both metrics and the table of single images share what is found.

    Candidates are the nearest 3 by features and 5 by a coarse look; each is registered.

    Raises:
        MetricError: no images, or signatures of another form.
    """
    index = real.index
    require_comparable(index, fake)
    return fake.once("copies", index, lambda: _judged(index, fake.codes, fake.signatures, *_candidates(index, fake)))


def judge_own(index: ImageIndex, rows: np.ndarray) -> Verdicts:
    """Judge known images, each as if it were not known itself: what an honest image of their origin shows.

    Args:
        index: two images at least.
        rows: of the images in it, (m,).
    """
    codes, signatures = index.codes[rows], index.signatures[rows]
    distances, near = index.candidates(codes, BY_FEATURES + 1)
    looks = coarse_candidates(index.signatures, signatures, BY_LOOKS + 1)
    distances, near = _without(rows, near, distances), _without(rows, near, near)
    nearest = index.nearest[near[:, 0]]
    mutual = np.flatnonzero(np.isclose(nearest, distances[:, 0]))  # the image itself may be nearest to that one
    nearest[mutual] = _next_nearest(index, near[mutual, 0], rows[mutual])
    return _judged(index, codes, signatures, distances, near, _without(rows, looks, looks), nearest)


def _without(rows: np.ndarray, found: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return values, (m, k + 1), without those of each image itself, (m, k)."""
    others = np.argsort(found == rows[:, None], axis=1, kind="stable")[:, : found.shape[1] - 1]
    return np.take_along_axis(values, others, axis=1)


def _next_nearest(index: ImageIndex, rows: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """Return how far known images are from their nearest different one, each with one passed over, (m,)."""
    distances, near = index.candidates(index.codes[rows], _NEXT)
    found = np.full(len(rows), np.inf, np.float32)
    for number in range(near.shape[1]):
        other = near[:, number]
        open_ = np.flatnonzero(np.isinf(found) & (other != rows) & (other != passed))
        same = alikeness(index.signatures[rows[open_]], index.signatures[other[open_]]) >= SAME
        found[open_[~same]] = distances[open_[~same], number]
    return found


def _candidates(index: ImageIndex, fake: CodedImages) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return distances and rows of the nearest by features, rows of those that look alike, and how near these come."""
    distances, near = index.candidates(fake.codes, BY_FEATURES)
    looks = coarse_candidates(index.signatures, fake.signatures, BY_LOOKS)
    return distances, near, looks, index.nearest[near[:, 0]]


def _judged(
    index: ImageIndex,
    codes: np.ndarray,
    signatures: np.ndarray,
    distances: np.ndarray,
    near: np.ndarray,
    looks: np.ndarray,
    nearest: np.ndarray,
) -> Verdicts:
    candidates = np.hstack([near, looks])
    pairs, back = np.unique(
        np.stack([np.repeat(np.arange(len(near)), candidates.shape[1]), candidates.ravel()]),
        axis=1,
        return_inverse=True,
    )
    found = alikeness(signatures[pairs[0]], index.signatures[pairs[1]])[back.ravel()].reshape(candidates.shape)
    best = found.argmax(axis=1)[:, None]
    alike = np.take_along_axis(found, best, axis=1)[:, 0]
    row = np.take_along_axis(candidates, best, axis=1)[:, 0]
    return Verdicts(alike, row, alike >= SAME, distances[:, 0], _nearer(index, distances, near, nearest))


def _nearer(index: ImageIndex, distances: np.ndarray, near: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Tell which images keep to their nearest known image, (m,) bool.

    By the nearest few, (m, k), their distances, and how far the first of them is from its own nearest different one.

    That they are nearer to it than it is to its own nearest other is not enough: what lies off all known images has
    the outlying ones for its nearest, and these are far from each other. It is then about as near to the next one.
    """
    first, rest = near[:, :1], near[:, 1:]
    steps = index.codes[first].astype(np.float32) - index.codes[rest]
    different = index.length(np.einsum("mkd,mkd->mk", steps, steps)) >= own[:, None]  # not the same picture again
    others = np.where(different, distances[:, 1:], np.inf).min(axis=1, initial=np.inf)
    found: np.ndarray = (distances[:, 0] < own) & (distances[:, 0] < CLEARLY * others)
    return found


def _of_copies(*, real: KnownImages, fake: CodedImages, seed: int = 0) -> Variation:
    del seed
    return Variation.of_trials(judge(real, fake).copied)


@metric(
    "copies",
    version=3,
    title="Copies of training images",
    better="lower",
    unit="share",
    needs="index",
    variation=_of_copies,
    asks="copies",
)
def copies(*, real: KnownImages, fake: CodedImages, seed: int = 0) -> Estimate:
    """Return the share of images that are the same picture as one of the known real ones.

    The same up to mirroring, shifts, crops and turns of some degrees, brightness, contrast, colour, noise and
    recompression. Real sets hold pictures twice: ``p`` is the chance of so many, had the images been held-out real
    ones. Interval: Wilson.

    Raises:
        MetricError: no images, or signatures of another form.
    """
    del seed
    verdicts = judge(real, fake)
    count, n = int(np.count_nonzero(verdicts.copied)), len(verdicts.copied)
    low, high = wilson(count / n, n)
    p = None if real.held_out is None else more_than(count, n, real.held_out.copies, real.held_out.n)
    detail = f"alike {SAME:g} or more among {BY_FEATURES + BY_LOOKS} of {len(real.index)} known, {SIGNATURE}"
    warnings = (
        [] if p is None or p >= ALARM else [_said("copies training images", count, n, real.held_out, "copies", p)]
    )
    return Estimate(count / n, low, high, "Wilson", n, None, detail, (*warnings, *_limits(real, fake)), p)


def _of_authenticity(*, real: KnownImages, fake: CodedImages, seed: int = 0) -> Variation:
    del seed
    return Variation.of_trials(judge(real, fake).nearer)


@metric(
    "authenticity",
    title="Nearer to training images than those to each other",
    better="lower",
    unit="share",
    needs="index",
    variation=_of_authenticity,
    asks="copies",
)
def authenticity(*, real: KnownImages, fake: CodedImages, seed: int = 0) -> Estimate:
    """Return the share of images nearer to their nearest known image than that one is to its own nearest different one.

    After Alaa et al. 2022 (authenticity is one minus this share), and clearly nearer, by 15 %, than to any other known
    image: else poor images count, which are far from all. It tells of a set what no single image shows: copies under
    noise or blur. ``p`` is the chance of so many, had the images been held-out real ones; below 0.0001
    a warning says so. Interval: Wilson.

    Raises:
        MetricError: no images, or signatures of another form.
    """
    del seed
    verdicts = judge(real, fake)
    count, n = int(np.count_nonzero(verdicts.nearer)), len(verdicts.nearer)
    low, high = wilson(count / n, n)
    p = None if real.held_out is None else more_than(count, n, real.held_out.nearer, real.held_out.n)
    detail = f"distances between codes, {CLEARLY:g} of the next, {len(real.index)} known"
    warnings = (
        [] if p is None or p >= ALARM else [_said("keeps to training images", count, n, real.held_out, "nearer", p)]
    )
    return Estimate(count / n, low, high, "Wilson", n, None, detail, (*warnings, *_limits(real, fake)), p)


def more_than(count: int, n: int, held_count: int, held_n: int) -> float:
    """Return the chance of ``count`` or more of ``n``, if these and held-out images were of one kind.

    Fisher's exact test, one-sided: the held-out share has an error of its own.
    """
    log_factorial = np.vectorize(lambda k: math.lgamma(k + 1), otypes=[np.float64])  # without the import of SciPy

    def log_ways(of: int, some: int | np.ndarray) -> Any:
        return log_factorial(of) - log_factorial(some) - log_factorial(of - np.asarray(some))

    counted, others = count + held_count, n + held_n - count - held_count
    here = np.arange(count, min(n, counted) + 1)
    logs = log_ways(counted, here) + log_ways(others, n - here) - log_ways(n + held_n, n)
    return float(min(1.0, np.exp(logs).sum()))


def _said(what: str, count: int, n: int, held: HeldOut | None, field: str, p: float) -> str:
    beside = 0.0 if held is None else getattr(held, field) / held.n
    whose = "its own, each beside the others" if held is not None and held.is_known else "held-out real ones"
    shares = f"{count / n:.1%} of {n:,} images, {beside:.1%} of {whose}"
    return f"the set {what}: {shares} (p = {max(p, 1e-300):.1g})"


def _limits(real: KnownImages, fake: CodedImages) -> tuple[str, ...]:
    found = []
    if real.held_out is None:
        found.append("nothing says how many of an honest set would count: no real images were looked at for that")
    if len(fake.codes) < fake.n:
        found.append(f"a random {len(fake.codes):,} of {fake.n:,} images were looked at; --per-image looks at all")
    return tuple(found)
