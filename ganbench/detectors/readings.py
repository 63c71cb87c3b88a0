"""How well the values of an output fit a reading of it: what they make impossible, and what is no coincidence."""

from __future__ import annotations

import numpy as np

from ganbench.detectors.grids import (
    FALLING,
    FITS,
    NO,
    SURE,
    Reading,
    are_corners,
    falls,
    restless,
    separate,
    spread,
    strays,
    weigh_cells,
)
from ganbench.detectors.layouts import FACE_LANDMARKS, SLACK, STRIDES, Layout, corners_in_order, count_cells, whole

_SPANNING = 0.1  # half of the coordinates of a landmark, in shares of the image, lie above this
_OF_A_CELL = ("yolov6", "yolox", "yolox-raw", "yolox-transposed", "yolov8-transposed")


def weigh(layout: Layout, table: np.ndarray, height: int, width: int, *, told: bool) -> Reading:
    """Weigh a reading of the outputs for several different images.

    Args:
        layout: the reading.
        table: finite float (N, boxes, values), or (M, values) where the boxes of all images are in one list.
        height: input height, pixels.
        width: input width, pixels.
        told: whether the file or the user names it: then only what is impossible speaks against it.
    """
    if not _unit(table[..., layout.score_columns()]).all():
        return Reading(layout, NO, "its scores are not between 0 and 1")
    if not layout.kind.per_cell:
        return _weigh_final(layout, table, height, width, told)
    if layout.kind.box != "cell":
        if table[..., 2:4].min(initial=0) < -SLACK * max(height, width):
            return Reading(layout, NO, "it has boxes of negative size")
        if are_corners(table, height, width, layout.strides[0]):
            return Reading(layout, NO, "its boxes are corners, not centre and size")
        if falls(table):
            return Reading(layout, NO, "its rows are in falling order, and no grid")
        if np.abs(table[..., :2]).max(initial=0) <= 2 and strays(table, height, width, layout.strides[0]):
            return Reading(layout, NO, "its boxes are shares of their cells, not of the image")
    if layout.family in _OF_A_CELL:
        return weigh_cells(layout, table, height, width, told=told)
    return Reading(layout, SURE) if told else _weigh_columns(layout, table, height, width)


def _unit(values: np.ndarray) -> np.ndarray:
    """Tell of each value whether it may be a score."""
    return np.asarray((values >= -SLACK) & (values <= 1 + SLACK))


def _weigh_columns(layout: Layout, table: np.ndarray, height: int, width: int) -> Reading:
    """Weigh what else a box has besides its place and its scores: nothing, an angle, or landmarks."""
    free = np.setdiff1d(np.arange(table.shape[2]), [0, 1, 2, 3, *layout.score_columns()])
    others = table[..., free]
    if layout.kind.box == "turned":
        if others.min() < -np.pi / 4 - 0.02 or others.max() > 3 * np.pi / 4 + 0.02:  # the range of YOLO's angles
            return Reading(layout, NO, "its last column is no angle")
        return Reading(layout, FITS if _unit(others).all() else SURE)
    if layout.extra:
        if _are_landmarks(others, max(height, width), layout.family):
            return Reading(layout, SURE)
        in_shares = layout.family == "yolov5-face" and restless(others, _SPANNING).all()
        return Reading(layout, FITS) if in_shares else Reading(layout, NO, "its other columns are no landmarks")
    # Landmarks in shares of the image, or angles, would look like classes of which there are faces nearly everywhere.
    if layout.family == "yolov8":
        doubtful = layout.classes > 1 and not separate(table[..., 4:])
    else:  # with an objectness, classes may be sure of themselves where there is nothing; ten of them are not
        first = table[..., 5 : 5 + FACE_LANDMARKS]
        doubtful = layout.classes > FACE_LANDMARKS and bool(restless(first, _SPANNING).all())
    return Reading(layout, FITS if doubtful else SURE)


def _are_landmarks(values: np.ndarray, side: int, family: str) -> bool:
    """Tell whether columns are x, y or x, y, visibility of points; a coordinate leaves 0..1 somewhere, a score never.

    Args:
        values: (N, boxes, columns).
        side: the input's longer side, pixels.
        family: which it is to be.
    """
    if np.abs(values).max() > 16 * side:  # there are no points that far out
        return False
    in_unit = np.atleast_1d(_unit(values).all((0, 1)))
    if not in_unit.any():
        return len(in_unit) % 2 == 0 and family != "yolov7-face"
    if family == "yolov5-face" or len(in_unit) % 3:
        return False
    return bool((in_unit.reshape(-1, 3) == [False, False, True]).all())


def _weigh_final(layout: Layout, table: np.ndarray, height: int, width: int, told: bool) -> Reading:
    """Weigh a list of final boxes: whole numbers of classes, corners in order, scores in falling order."""
    kind = layout.kind
    if not whole(table[..., kind.class_number]):
        return Reading(layout, NO, "the number of a class is not a whole number")
    scores = table[..., kind.first_class]
    if not table.any():  # nothing found on any image: only its shape speaks for it, and what it puts out later
        odd = layout.extra and not told
        return Reading(layout, NO if odd else FITS, "it finds nothing that would show what its columns are")
    if kind.box == "corners" and not corners_in_order(table[..., kind.first : kind.first + 4], scores):
        return Reading(layout, NO, "its boxes are not corners in order")
    if table.ndim == 2:
        right = whole(table[..., 0])
        return Reading(layout, SURE) if right else Reading(layout, NO, "its first column is no number of an image")
    if not any(table.shape[1] in (n, 3 * n) for n in (count_cells(height, width, s) for s in STRIDES)):
        return Reading(layout, SURE)  # no grid has so many boxes: there is no other reading
    if (np.diff(scores, axis=1) > 1e-6).any():  # most exports sort their list, but nothing makes them
        return Reading(layout, FITS, "its scores do not fall")
    levels = max((len(np.unique(one[one > 0])) for one in scores), default=0)
    filled = np.any(table != 0, axis=2, keepdims=True)[..., 0]
    # Lists are filled up with rows of noughts; a grid has some value in every cell.
    padded = not filled[:, -1].any() and (np.diff(filled.astype(int), axis=1) <= 0).all()
    return Reading(layout, SURE if levels >= FALLING or padded else FITS)


def in_shares(layout: Layout, table: np.ndarray) -> bool:
    """Tell whether boxes are in shares of the image: they span most of it and hardly leave 0..1."""
    kind = layout.kind
    boxes = table[..., kind.first : kind.first + 4]
    if kind.box == "cell" or not boxes.size:
        return False
    if kind.per_cell:
        centres = boxes[..., :2]
        return bool(np.abs(centres).max() <= 2 and (spread(centres) > 0.5).all())
    found = boxes[table[..., kind.first_class] > 0]
    return bool(len(found) and np.abs(found).max() <= 2)
