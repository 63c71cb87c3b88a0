"""Near duplicates: images of one set that show a picture which another one of the set shows too."""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.candidates import coarse_candidates
from ganbench.metrics.intervals import wilson
from ganbench.metrics.same import SURE, same_picture
from ganbench.metrics.variation import Variation
from ganbench.statistics.known import CodedImages, KnownImages
from ganbench.statistics.search import nearest_codes

NEAREST, LOOKS = 3, 2  # others that every image is laid over: the nearest by features, and by coarse looks
MOST = 10_000  # images that are looked at
_CHUNK = 4096  # pairs laid over each other at once


def _variation(*, real: KnownImages, fake: CodedImages, seed: int = 0) -> Variation:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    del real
    codes, signatures, _ = _looked_at(fake, seed)
    pairs, n = pairs_alike(codes, signatures), len(codes)
    linked = coo_array((np.ones(len(pairs)), pairs.T), shape=(n, n))
    sizes = np.bincount(connected_components(linked, directed=False)[1])
    return Variation.of_groups(sizes, float(sizes[sizes > 1].sum() / n), n)


@metric(
    "near_duplicates",
    version=3,
    title="Near duplicates among the fake images",
    better="lower",
    unit="share",
    needs="index",
    variation=_variation,
    asks="repeats",
)
def near_duplicates(*, real: KnownImages, fake: CodedImages, seed: int = 0) -> Estimate:
    """Return the share of images that show the same picture as another image of the set.

    The same picture, also shifted, cropped, turned, mirrored, recoloured or recompressed: see
    :mod:`ganbench.metrics.registration`. Each image is laid over the three nearest others by their codes,
    and over the two that look most like it, or its mirror image, from afar. Of more than 10,000 images, so many are
    looked at, a random choice, and the share is that among these.

    Interval: Wilson for half the number of images, since duplicates come at least in pairs and are not independent.

    Args:
        real: Not used: the share is the fake images' own. Their codes are along its axes.
        fake: Codes and signatures of the images.
        seed: Seed of the choice where there are more than 10,000.

    Raises:
        MetricError: fewer than two images.
    """
    del real
    codes, signatures, chosen = _looked_at(fake, seed)
    repeated = repeats(codes, signatures)
    share = float(repeated.mean())
    low, high = wilson(share, len(codes) / 2)
    return Estimate(
        share,
        low,
        high,
        "Wilson, n/2 (duplicates come in pairs)",
        len(codes),
        chosen,
        f"the {NEAREST} nearest and {LOOKS} by looks, alike from {SURE:g} on",
    )


def _looked_at(fake: CodedImages, seed: int) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Return codes and signatures of the images that are looked at, and the seed of their choice if there was one.

    Raises:
        MetricError: fewer than two images.
    """
    count = len(fake.codes)
    if count < 2:
        raise MetricError(f"near duplicates need at least 2 images, got {count}.")
    if count <= MOST:
        return fake.codes, fake.signatures, None
    rows = np.sort(np.random.default_rng(seed).choice(count, MOST, replace=False))
    return fake.codes[rows], fake.signatures[rows], seed


def repeats(codes: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    """Tell which images show the same picture as another one of them.

    Args:
        codes: (n, K) int8.
        signatures: (n, L) uint8.

    Returns:
        (n,) bool.
    """
    found = np.zeros(len(codes), bool)
    found[pairs_alike(codes, signatures)] = True
    return found


def pairs_alike(codes: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    """Return the pairs of images that show the same picture, (p, 2) int64; see ``repeats``."""
    count = len(codes)
    # One of them may be the image itself.
    near = nearest_codes(codes, codes, NEAREST + 1)[1], coarse_candidates(signatures, signatures, LOOKS + 1)
    other = np.hstack(near)
    image = np.repeat(np.arange(count), other.shape[1])
    low, high = np.minimum(image, other.ravel()), np.maximum(image, other.ravel())
    pairs = np.unique(np.stack([low, high], axis=1)[low != high], axis=0)
    alike = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), _CHUNK):
        part = pairs[start : start + _CHUNK]
        alike[start : start + _CHUNK] = same_picture(signatures[part[:, 0]], signatures[part[:, 1]])
    found: np.ndarray = pairs[alike]
    return found
