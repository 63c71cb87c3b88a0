"""Groups: images that show one picture, and what pairs of sources hold of the same groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_GROUPS = 2048  # looked at together


def groups_of(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the group of each image: two that are linked, also through others, are in one.

    Args:
        count: how many images there are.
        one: one end of each link, (m,).
        other: its other end, (m,).

    Returns:
        Numbers from 0 on, (count,) int64.
    """
    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def between_sources(groups: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Tell of each image whether its group has one of another source, (n,) bool."""
    low, high = (np.full(groups.max(initial=-1) + 1, start, np.int64) for start in (np.iinfo(np.int64).max, -1))
    np.minimum.at(low, groups, sources)
    np.maximum.at(high, groups, sources)
    return low[groups] != high[groups]


def shared_counts(groups: np.ndarray, sources: np.ndarray, number: int) -> np.ndarray:
    """Return how many pictures every two sources share, (number, number) int64, symmetric, 0 on the diagonal.

    A group counts as often as both have an image in it.

    Args:
        groups: group of each image, (n,).
        sources: source of each, (n,), below ``number``.
        number: how many sources there are.
    """
    total = np.zeros((number, number), np.int64)
    _, dense = np.unique(groups, return_inverse=True)
    order = np.argsort(dense, kind="stable")
    dense, sources = dense[order], sources[order]
    last = int(dense[-1]) if len(dense) else -1
    for start in range(0, last + 1, _GROUPS):
        rows = slice(*np.searchsorted(dense, (start, start + _GROUPS)))
        held = np.zeros((_GROUPS, number), np.int64)
        np.add.at(held, (dense[rows] - start, sources[rows]), 1)
        present = np.flatnonzero(held.any(axis=0))
        held = held[:, present]
        for place, source in enumerate(present):
            total[source, present] += np.minimum(held[:, [place]], held).sum(axis=0)
    np.fill_diagonal(total, 0)
    return total


def matched(groups: np.ndarray, first: np.ndarray, a: np.ndarray, b: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield pairs of images, one of each source, that show one picture; each image once, equal pixels with equal ones.

    Args:
        groups: group of each image, (n,).
        first: the first image that has the same pixels as each, (n,).
        a: images of the one source.
        b: images of the other.
    """
    left = [*a.tolist()]
    waiting = _by(first, b)
    others: list[int] = []
    for image in left:
        equal = waiting.get(int(first[image]))
        if equal:
            yield image, equal.pop(0)
        else:
            others.append(image)
    rest = np.array([image for images in waiting.values() for image in images], np.int64)
    alike = _by(groups, np.sort(rest))
    for image in others:
        if same := alike.get(int(groups[image])):
            yield image, same.pop(0)


def _by(values: np.ndarray, images: np.ndarray) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for image, value in zip(images.tolist(), values[images].tolist(), strict=True):
        found.setdefault(value, []).append(image)
    return found
