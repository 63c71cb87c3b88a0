"""Faults of a set: which images are in it, how often, and which do not belong there."""

from __future__ import annotations

import numpy as np
from PIL import Image

from blemishes.places import shift

KINDS = 12  # that a pool is divided into by its features (k-means); the judge's own, not those of any reference


def drop_kinds(
    kinds: np.ndarray, features: np.ndarray, count: int, drop: float, rng: np.random.Generator
) -> np.ndarray:
    """Choose images of all kinds but so many."""
    del features
    gone = rng.permutation(KINDS)[: round(drop)]
    return rng.permutation(np.flatnonzero(~np.isin(kinds, gone)))[:count]


def favour_kind(
    kinds: np.ndarray, features: np.ndarray, count: int, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Choose images of which this share is of one kind, a large enough one."""
    del features
    wanted = round(share * count)
    enough = [kind for kind in range(KINDS) if (kinds == kind).sum() >= wanted]
    kind = enough[rng.integers(len(enough))] if enough else int(np.bincount(kinds).argmax())
    many = rng.permutation(np.flatnonzero(kinds == kind))[:wanted]
    others = rng.permutation(np.flatnonzero(kinds != kind))[: count - len(many)]
    return np.concatenate([many, others])


def stay_central(
    kinds: np.ndarray, features: np.ndarray, count: int, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Choose among this share of every kind, those nearest to its middle: all kinds as often, but all alike."""
    kept = []
    for kind in range(KINDS):
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            far = ((features[rows] - features[rows].mean(0)) ** 2).sum(1)
            kept.append(rows[np.argsort(far)[: max(1, round(share * len(rows)))]])
    return rng.permutation(np.concatenate(kept))[:count]


_TIMES = 4  # that an image is there again


def repeat(images: np.ndarray, share: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Put in place of this share of the images others of the set again: as they are, mirrored, or moved by a pixel."""
    del sign
    repeated, order = images.copy(), rng.permutation(len(images))
    many = round(share * len(images))
    originals = order[many : many + max(1, many // _TIMES)]
    for place, row in enumerate(order[:many]):
        again = images[originals[place % len(originals)]][None]
        how = rng.integers(3)
        repeated[row] = (again, again[:, :, ::-1], shift(again, 1, 1, rng))[how][0]
    return repeated


def strangers(images: np.ndarray, share: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Put in place of this share of the images what is no face, in equal parts: see ``_STRANGE``."""
    del sign
    mixed = images.copy()
    for place, row in enumerate(rng.permutation(len(images))[: round(share * len(images))]):
        mixed[row] = _STRANGE[place % len(_STRANGE)](images[row], rng)
    return mixed


def _shuffled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """16 tiles of the face, in another order."""
    side = image.shape[0] // 4
    tiles = [image[y : y + side, x : x + side] for y in range(0, 4 * side, side) for x in range(0, 4 * side, side)]
    order = rng.permutation(16)
    return np.vstack([np.hstack([tiles[order[4 * row + column]] for column in range(4)]) for row in range(4)])


def _negative(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Upside down, and its negative."""
    del rng
    return 255 - image[::-1]


def _scenery(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A soft picture of nothing: 4x4 random colours, enlarged."""
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
    return np.asarray(coarse.resize(image.shape[1::-1], Image.Resampling.BICUBIC))


def _stripes(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Slanting stripes of two colours."""
    y, x = np.indices(image.shape[:2])
    which = (np.sin((x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1)) * rng.uniform(0.3, 1)) > 0).astype(int)
    return rng.integers(0, 256, (2, 3), np.uint8)[which]


def _blank(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One colour."""
    return np.broadcast_to(rng.integers(0, 256, 3, np.uint8), image.shape)


_STRANGE = (_shuffled, _negative, _scenery, _stripes, _blank)
