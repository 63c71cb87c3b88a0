"""Near duplicates: images of one set that show a picture which another one of the set shows too."""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.candidates import coarse_candidates
from ganbench.metrics.intervals import wilson
from ganbench.metrics.same import SURE, same_picture
from ganbench.statistics.known import CodedImages, KnownImages
from ganbench.statistics.search import nearest_codes

NEAREST, LOOKS = 3, 2  # others that every image is laid over: the nearest by features, and by coarse looks
MOST = 10_000  # images that are looked at
_CHUNK = 4096  # pairs laid over each other at once


@metric("near_duplicates", version=3, title="Near duplicates among the fake images", better="lower", unit="share",
        needs="index", asks="repeats")  # fmt: skip
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
    count = len(fake.codes)
    if count < 2:
        raise MetricError(f"near duplicates need at least 2 images, got {count}.")
    codes, signatures, chosen = fake.codes, fake.signatures, None
    if count > MOST:
        chosen = seed
        rows = np.sort(np.random.default_rng(seed).choice(count, MOST, replace=False))
        codes, signatures = codes[rows], signatures[rows]
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


def repeats(codes: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    """Tell which images show the same picture as another one of them.

    Args:
        codes: (n, K) int8.
        signatures: (n, L) uint8.

    Returns:
        (n,) bool.
    """
    count = len(codes)
    # One of them may be the image itself.
    near = nearest_codes(codes, codes, NEAREST + 1)[1], coarse_candidates(signatures, signatures, LOOKS + 1)
    other = np.hstack(near)
    image = np.repeat(np.arange(count), other.shape[1])
    low, high = np.minimum(image, other.ravel()), np.maximum(image, other.ravel())
    pairs = np.unique(np.stack([low, high], axis=1)[low != high], axis=0)
    found = np.zeros(count, bool)
    for start in range(0, len(pairs), _CHUNK):
        part = pairs[start : start + _CHUNK]
        found[part[same_picture(signatures[part[:, 0]], signatures[part[:, 1]])]] = True
    return found
