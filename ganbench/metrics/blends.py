"""Blends: images put together from known ones, as a weighted mean or side by side. No copy of either is in them.

Detail adds up: what is fine in a weighted mean of two pictures is the weighted mean of what is fine in each. So an
image is held against *all* known ones, as they are and mirrored, and the two that together explain most of it are found
among those that it is most alike to: the parts of a blend stand far out from the many that have nothing to do with it.
Of a mosaic each half is explained by one picture. No picture is moved: that is for copies. What was moved a little, or
blended with something that nobody knows, is explained in part: then one known picture is ahead of all that follow by
more than chance puts it there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.candidates import largest
from ganbench.metrics.intervals import wilson
from ganbench.metrics.registration import INNER, SAME, fine_detail
from ganbench.metrics.variation import Variation
from ganbench.statistics.collector import shuffled
from ganbench.statistics.known import CodedImages, KnownImages, require_comparable
from ganbench.statistics.signatures import mirrored

MOST_PAIRS = 1_000_000_000  # an image and a known one: half a minute or so on two cores
AHEAD = 0.3  # of Fisher's z: the most alike one is ahead of the 13th by so much; docs/copies.md shows how it was fixed
_NEXT = 12  # more than a picture is there again
_PARTS = 64  # known pictures that may be one of the two
_QUERIES, _KNOWN = 128, 8192  # looked at, at once
_ALIKE = 0.05  # of what two parts do not share: less, and they are one picture
_MORE = 1e-3  # of the variance, that a second one explains at least where it is named
_ALMOST_ONE = 1 - 1e-6
_ROUNDING = 0.25  # variance of a cell that counts as rounding: a picture of one colour is explained by none
_Way = tuple[np.ndarray, np.ndarray]  # how much of each picture is explained, (B,), and by which two parts, (B, 2)


@dataclass(frozen=True, eq=False)
class Explained:
    """What known pictures say of each of some others, (B,) each.

    Attributes:
        share: How well one known picture, or two, blended or side by side, explain what is fine in it, 0 to 1: a
            multiple correlation; of halves that of the worse one.
        rows: Of the two in the index, (B, 2) int64; twice the same where it is one, or one that is held in part.
        ahead: By how much the most alike one is ahead of the 13th, in Fisher's z, from 0.
    """

    share: np.ndarray
    rows: np.ndarray
    ahead: np.ndarray

    @property
    def told(self) -> np.ndarray:
        """Which of them are explained, or hold a known one in part, (B,) bool."""
        found: np.ndarray = (self.share >= SAME) | (self.ahead >= AHEAD)
        return found


def explain(known: np.ndarray, pictures: np.ndarray, own: np.ndarray | None = None) -> Explained:
    """Find the one or two known pictures that explain each of some others best.

    Args:
        known: signatures, (N, 256) uint8; see :mod:`ganbench.statistics.signatures`.
        pictures: of the pictures in question, (B, 256) uint8.
        own: row of each among the known ones, (B,), which may not explain it; None: they are not among them.
    """
    wanted = _looks(pictures)
    k = min(_PARTS, 2 * len(known))
    parts, likeness = np.zeros((len(pictures), k), np.int64), np.full((len(pictures), k), -1, np.float32)
    halves = (
        np.zeros((len(wanted) - 1, len(pictures)), np.int64),
        np.zeros((len(wanted) - 1, len(pictures)), np.float32),
    )
    chunks = [slice(start, start + _QUERIES) for start in range(0, len(pictures), _QUERIES)]
    for first in range(0, len(known), _KNOWN):
        block = known[first : first + _KNOWN]
        rows = np.arange(first, first + len(block))
        for numbers, signatures in ((rows, block), (-1 - rows, mirrored(block))):
            whole, *theirs = (np.ascontiguousarray(look.T) for look in _looks(signatures))
            for chunk in chunks:
                alike = _between(wanted[0][chunk], whole, rows, own, chunk)
                places, values = largest(alike, min(k, len(rows)))
                best = np.hstack([likeness[chunk], values])
                order = np.argsort(-best, axis=1, kind="stable")[:, :k]
                likeness[chunk] = np.take_along_axis(best, order, axis=1)
                parts[chunk] = np.take_along_axis(np.hstack([parts[chunk], numbers[places]]), order, axis=1)
                for row, value, mine, others in zip(*halves, wanted[1:], theirs, strict=True):
                    alike = _between(mine[chunk], others, rows, own, chunk)
                    place = alike.argmax(axis=1)
                    most = np.take_along_axis(alike, place[:, None], axis=1)[:, 0]
                    row[chunk] = np.where(most > value[chunk], numbers[place], row[chunk])
                    value[chunk] = np.maximum(most, value[chunk])
    share, both = _better(_by_two(known, parts, likeness, chunks), _by_halves(*halves))
    z = np.arctanh(np.clip(likeness, -_ALMOST_ONE, _ALMOST_ONE))
    ahead = z[:, 0] - z[:, min(_NEXT, k - 1)]
    in_part = (share < SAME) & (ahead >= AHEAD)
    both = np.where(in_part[:, None], parts[:, :1], both)
    return Explained(share, np.where(both < 0, -1 - both, both), ahead)


def _between(
    mine: np.ndarray, others: np.ndarray, rows: np.ndarray, own: np.ndarray | None, chunk: slice
) -> np.ndarray:
    """Return correlations (b, N) of unit vectors (b, M) with (M, N); none of a picture with itself."""
    alike: np.ndarray = mine @ others
    if own is not None:
        alike[own[chunk, None] == rows] = -1
    return alike


def _better(one: _Way, other: _Way) -> _Way:
    return np.maximum(one[0], other[0]), np.where((other[0] > one[0])[:, None], other[1], one[1])


def _by_halves(rows: np.ndarray, values: np.ndarray) -> _Way:
    """Return what two explain of left and right, or of upper and lower half: rows and correlations of these, (4, B)."""
    worse = np.minimum(values[0::2], values[1::2])
    way = worse.argmax(axis=0)
    at = np.arange(len(way))
    return worse[way, at], np.stack([rows[2 * way, at], rows[2 * way + 1, at]], axis=1)


def _by_two(known: np.ndarray, parts: np.ndarray, likeness: np.ndarray, chunks: list[slice]) -> _Way:
    """Return what the best one or two of parts (B, k) explain, by least squares with weights above 0."""
    share, rows = np.zeros(len(parts), np.float32), np.zeros((len(parts), 2), np.int64)
    k = parts.shape[1]
    for chunk in chunks:
        looks = _unit(fine_detail(_picked(known, parts[chunk]))).reshape(len(parts[chunk]), k, -1)
        between = looks @ looks.transpose(0, 2, 1)
        one, other = likeness[chunk, :, None], likeness[chunk, None, :]
        weight = one - other * between  # of the first of two, up to a factor above 0
        back = weight.transpose(0, 2, 1)
        squares = (one * weight + other * back) / np.maximum(1 - between**2, _ALIKE)
        squares[(weight <= 0) | (back <= 0)] = 0
        flat = squares.reshape(len(squares), -1)
        best, single = flat.argmax(axis=1), likeness[chunk].argmax(axis=1)
        by_two = np.take_along_axis(flat, best[:, None], axis=1)[:, 0]
        by_one = np.maximum(np.take_along_axis(likeness[chunk], single[:, None], axis=1)[:, 0], 0) ** 2
        share[chunk] = np.sqrt(np.clip(np.maximum(by_one, by_two), 0, 1))
        best = np.where(by_two < by_one + _MORE, single * (k + 1), best)
        rows[chunk] = np.take_along_axis(parts[chunk], np.stack([best // k, best % k], axis=1), axis=1)
    return share, rows


def _looks(signatures: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return unit vectors of what is fine in pictures: in all of each, and in its left, right, upper and lower half."""
    planes = fine_detail(signatures).reshape(-1, INNER, INNER)
    half = INNER // 2
    regions = (planes, planes[:, :, :half], planes[:, :, half:], planes[:, :half], planes[:, half:])
    return tuple(_unit(region.reshape(len(planes), -1)) for region in regions)


def _unit(values: np.ndarray) -> np.ndarray:
    values = values - values.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    found: np.ndarray = values / np.maximum(lengths, np.sqrt(np.float32(_ROUNDING * values.shape[1])))
    return found


def _picked(known: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return the signatures of parts, mirrored where their rows say so, (B * k, 256)."""
    rows = parts.ravel()
    picked = known[np.where(rows < 0, -1 - rows, rows)]
    return np.where((rows < 0)[:, None], mirrored(picked), picked)


def judge(real: KnownImages, fake: CodedImages) -> Explained:
    """Judge every image by itself; the metric and the table of single images share what is found.

    Raises:
        MetricError: no images, or signatures of another form.
    """
    index = real.index
    require_comparable(index, fake)
    return fake.once("blends", index, lambda: explain(index.signatures, fake.signatures))


def _told(real: KnownImages, fake: CodedImages, seed: int) -> np.ndarray:
    """Return which of the images that are looked at count, bool; all are looked at unless the known ones are very many.

    Raises:
        MetricError: no images, or signatures of another form.
    """
    index = real.index
    most = max(1, MOST_PAIRS // len(index))
    if len(fake.codes) <= most:
        return judge(real, fake).told
    require_comparable(index, fake)
    rows = np.sort(shuffled(len(fake.codes), seed)[:most])
    return explain(index.signatures, fake.signatures[rows]).told


def _variation(*, real: KnownImages, fake: CodedImages, seed: int = 0) -> Variation:
    return Variation.of_trials(_told(real, fake, seed))


@metric(
    "blends",
    version=1,
    title="Put together from training images",
    better="lower",
    unit="share",
    needs="index",
    variation=_variation,
    asks="copies",
)
def blends(*, real: KnownImages, fake: CodedImages, seed: int = 0) -> Estimate:
    """Return the share of images that one or two known ones explain as a copy is explained, or that hold one in part.

    The correlation of what is fine in the image with what is fine in the best two known ones, as they are or mirrored,
    weighted by least squares with weights above 0; or of each half, left and right or upper and lower, with the best
    one of all: from 0.93 on, as for copies, the image counts. It counts as well where the most alike known one is ahead
    of the 13th by 0.3 in Fisher's z. So do real images of which the known ones hold the same picture: the value is read
    beside that of held-out real images. Interval: Wilson.

    Args:
        real: Every known image.
        fake: Codes and signatures of the images.
        seed: Seed of the choice where images and known ones make more than 1e9 pairs.

    Raises:
        MetricError: no images, or signatures of another form.
    """
    told = _told(real, fake, seed)
    count, n = int(np.count_nonzero(told)), len(told)
    low, high = wilson(count / n, n)
    detail = f"explained {SAME:g} by two of {len(real.index)} known, or one ahead by {AHEAD:g}, {real.index.form}"
    few = f"a random {n:,} of {fake.n:,} images were looked at"
    all_of = n == fake.n
    return Estimate(count / n, low, high, "Wilson", n, None if all_of else seed, detail, () if all_of else (few,))
