"""How near the images of one set come to each other: what "near" means is measured against it."""

from __future__ import annotations

import numpy as np

from ganbench.metrics.registration import SAME, alikeness
from ganbench.statistics.search import nearest_codes

_FIRST = 4  # neighbours looked at of every image, itself among them
_MOST = 256  # of an image whose nearest ones are all the same picture
_PAIRS = 8192  # registered at once


def nearest_different(codes: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    """Return how far each image of a set is from its nearest other one that is not the same picture.

    Real sets hold pictures twice, saved anew or mirrored. How near a picture comes to itself says nothing of how near
    different ones come.

    Args:
        codes: (N, K) int8.
        signatures: (N, L) uint8.

    Returns:
        Squared distances between codes, in steps, (N,) float64; infinite where there is no other picture among the
        nearest 256.
    """
    found = np.full(len(codes), np.inf)
    left = np.arange(len(codes))
    most = _FIRST
    while len(left):
        squared, rows = nearest_codes(codes, codes[left], most)
        for number in range(squared.shape[1]):
            other = rows[:, number]
            open_ = np.isinf(found[left]) & (other != left)
            same = _are_same(signatures, left[open_], other[open_])
            found[left[open_][~same]] = squared[open_, number][~same]
        left = left[np.isinf(found[left])]
        if most >= min(_MOST, len(codes)):
            break
        most = min(4 * most, _MOST)
    return found


def _are_same(signatures: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    same = np.empty(len(one), bool)
    for start in range(0, len(one), _PAIRS):
        part = slice(start, start + _PAIRS)
        same[part] = alikeness(signatures[one[part]], signatures[other[part]]) >= SAME
    return same
