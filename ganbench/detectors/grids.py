"""What shows in an output that has values for every cell of a grid: place, corners, objectness, undecoded boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.detectors.layouts import SLACK, Layout

NO, FITS, SURE = 0, 1, 2
_AT_REST = 0.02  # most of the scores of a class lie below this, on any image: it has few faces for so many cells
_RISEN = 0.1  # a score well above those of cells in which there is nothing
_RAW = 16  # cells that a box's centre may be away from its own cell, before it is decoded
_RUNNING = 4  # cells of a side from which on it shows that a column runs over the image
_GROWING = 0.8  # correlation of such a column with the place of the cells
_STRAYING = 0.5  # half of the correlations of what has nothing to do with it are below this
FALLING = 6  # so many different scores in falling order are no coincidence: one chance in 720


@dataclass(frozen=True)
class Reading:
    """A layout that the shape allows, and how well the values fit.

    Attributes:
        layout: the reading.
        weight: ``NO``, ``FITS``, or ``SURE``, where the values could not be so by coincidence.
        against: what speaks against it, for ``NO``.
    """

    layout: Layout
    weight: int
    against: str = ""


def weigh_cells(layout: Layout, table: np.ndarray, height: int, width: int, *, told: bool) -> Reading:
    """Weigh one box per cell: YOLOX before and after its boxes are decoded, YOLOv6, and YOLOv8 with boxes first.

    Whether the first score is an objectness or that of a class cannot be seen. Where both fit, both are left.

    Args:
        layout: the reading.
        table: finite float (N, cells, values), scores between 0 and 1.
        height: input height, pixels.
        width: input width, pixels.
        told: whether the file or the user names it.
    """
    if layout.kind.objectness and not told:
        always = bool((table[..., 4] == 1).all())
        if always != (layout.family == "yolov6"):  # which has no objectness, and puts out 1
            return Reading(layout, NO, f"its objectness is {'' if always else 'not '}1 everywhere")
    if layout.family == "yolov6":
        return Reading(layout, SURE)
    if layout.kind.values_first and not told and separate(table[..., 4:]):  # nobody's own tool writes it
        return Reading(layout, NO, "its scores are those of separate classes")
    raw, decoded = _forms(table, height, width, layout.strides, told=told)
    if layout.family == "yolox-raw":
        return Reading(layout, FITS) if raw else Reading(layout, NO, "its boxes are not relative to cells")
    return Reading(layout, FITS) if decoded else Reading(layout, NO, "its boxes are not in pixels")


def _forms(table: np.ndarray, height: int, width: int, strides: tuple[int, ...], *, told: bool) -> tuple[bool, bool]:
    """Tell whether boxes may be relative to their cells, and whether they may be decoded."""
    sizes, centres = table[..., 2:4], table[..., :2]
    largest = np.log(4 * max(height, width) / min(strides))
    raw = bool(sizes.max() <= largest and np.abs(centres).max() <= _RAW)
    decoded = bool(sizes.min() >= -SLACK * max(height, width))
    if raw and decoded and not told:  # small numbers
        if _runs(table, height, width, strides[0], 0) or (spread(centres) > 0.5 * np.array([width, height])).all():
            return False, True
        if max(sizes.max(), centres.max()) > 2 or min(sizes.min(), centres.min()) < -SLACK:
            return True, False  # neither pixels nor shares of the image
    return raw, decoded


def separate(scores: np.ndarray) -> bool:
    """Tell whether scores (N, cells, columns) are those of classes, and the first is no objectness.

    There are few faces for so many cells, on any image; and something is found, of one class at a time, where an
    objectness would rise with a class.
    """
    first, others = scores[..., 0], scores[..., 1:].max(-1, initial=0)
    low, high = np.minimum(first, others), np.maximum(first, others)
    found = high > _RISEN
    return bool(not restless(scores, _AT_REST).any() and found.any() and (low[found] <= _AT_REST).all())


def falls(table: np.ndarray) -> bool:
    """Tell whether a column behind the boxes falls from row to row on every image: a list of boxes, and no grid."""
    values = table[..., 4:6]
    falling = [bool((np.diff(values[..., i], axis=1) <= 0).all()) for i in range(values.shape[2])]
    levels = [min(len(np.unique(one[:, i])) for one in values) for i in range(values.shape[2])]
    return any(down and many >= FALLING for down, many in zip(falling, levels, strict=True))


def strays(table: np.ndarray, height: int, width: int, stride: int) -> bool:
    """Tell whether the centres have nothing to do with the places of their cells."""
    found = _along(table, height, width, stride, 0)
    return bool(found.size and np.median(found) < _STRAYING)


def restless(table: np.ndarray, level: float) -> np.ndarray:
    """Tell of each column (N, boxes, columns) whether, on some image, half of its values are above a level."""
    return np.asarray((np.median(table, axis=1) > level).any(0))


def are_corners(table: np.ndarray, height: int, width: int, stride: int) -> bool:
    """Tell whether columns 2 and 3 run over the image as the cells do, and are beyond columns 0 and 1.

    A size may grow to one side of the image; that both grow with the cells' columns and rows over a whole grid, on
    every image, and are always more than the centre, is the other corner.

    Args:
        table: (N, boxes, values).
        height: input height, pixels.
        width: input width, pixels.
        stride: of the grid that comes first, pixels.
    """
    beyond = (table[..., :2] < table[..., 2:4]).mean()
    return bool(beyond > 0.99) and all(_runs(table, height, width, stride, first) for first in (0, 2))


def _runs(table: np.ndarray, height: int, width: int, stride: int, first: int) -> bool:
    """Tell whether a column and the next grow with the columns and the rows of the first grid, on every image."""
    found = _along(table, height, width, stride, first)
    return bool(found.size and found.min() > _GROWING)


def _along(table: np.ndarray, height: int, width: int, stride: int, first: int) -> np.ndarray:
    """Return how a column and the next correlate with the columns and rows of the first grid, on each image (N, 2).

    Empty where it cannot show: the grid is too small, or the values are all the same.
    """
    rows, columns = height // stride, width // stride
    values = table[:, : rows * columns, first : first + 2].astype(np.float64)
    if min(rows, columns) < _RUNNING or (np.ptp(values, axis=1) == 0).any():
        return np.empty((0, 2))
    y, x = np.mgrid[0:rows, 0:columns].reshape(2, -1)
    return np.array([[np.corrcoef(one[:, i], place)[0, 1] for i, place in enumerate((x, y))] for one in values])


def spread(centres: np.ndarray) -> np.ndarray:
    """Return how far centres (N, boxes, 2) spread over x and y, at the most that any image shows."""
    if not centres.size:
        return np.zeros(2)
    return np.asarray((centres.max(1) - centres.min(1)).max(0))
