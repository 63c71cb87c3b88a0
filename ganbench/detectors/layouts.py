"""How YOLO networks lay out their output, and how each layout is read.

An image of HxW gives, for strides s, sum(H/s * W/s) cells. YOLOv8 and YOLO11 put out (N, 4 + classes, cells); YOLOX
(N, cells, 5 + classes); YOLOv5, with three anchors per cell, (N, 3 * cells, 5 + classes). Networks that also find
landmarks, masks or angles have more columns. Those that drop weaker boxes themselves put out a list of final boxes.
``ganbench.detectors.evidence`` tells which layout an output has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.errors import GanbenchError

SLACK = 1e-3  # how far rounding may carry a score out of 0..1
STRIDES = ((8, 16, 32), (8, 16, 32, 64), (8, 16), (16, 32), (4, 8, 16, 32))  # of the grids that there are
FACE_LANDMARKS = 10  # columns of YOLOv5-face: five points


@dataclass(frozen=True)
class Family:
    """What the networks of one family put out for a box.

    Attributes:
        per_cell: boxes per cell of the grid; 0 for a list of final boxes, of any length.
        objectness: whether column 4 is the score of there being anything, with which those of the classes multiply.
        first_class: the column of the first class's score; of final boxes, the column of their only score.
        class_number: of final boxes, the column that holds the number of the class; -1 for none.
        box: ``centre`` (x, y, width, height), ``corners`` (x0, y0, x1, y1), ``turned`` (as ``centre``, and the last
            column is an angle in radians), or ``cell`` (relative to the cell, sizes as logarithms).
        first: the column of the box's first number.
        values_first: whether the columns come first, (N, values, boxes).
    """

    per_cell: int
    objectness: bool = False
    first_class: int = 4
    class_number: int = -1
    box: str = "centre"
    first: int = 0
    values_first: bool = False


FAMILIES = {
    "yolov8": Family(1, values_first=True),
    "yolov8-seg": Family(1, values_first=True),
    "yolov8-pose": Family(1, values_first=True),
    "yolov8-obb": Family(1, box="turned", values_first=True),
    "yolov8-transposed": Family(1),
    "yolov5": Family(3, True, 5),
    "yolov5-seg": Family(3, True, 5),
    "yolov5-face": Family(3, True, 5 + FACE_LANDMARKS),  # five landmarks, and then the classes
    "yolov7-face": Family(3, True, 5),
    "yolov6": Family(1, True, 5),
    "yolox": Family(1, True, 5),
    "yolox-transposed": Family(1, True, 5, values_first=True),
    "yolox-raw": Family(1, True, 5, box="cell"),
    "end2end": Family(0, class_number=5, box="corners"),
    "end2end-obb": Family(0, class_number=5, box="turned"),
    "end2end-flat": Family(0, first_class=6, class_number=5, box="corners", first=1),  # column 0: the image's number
}


@dataclass(frozen=True)
class Layout:
    """What an output means.

    Attributes:
        family: a name of ``FAMILIES``.
        classes: number of classes; 0 in a list of final boxes, which does not tell.
        strides: of the output grids, pixels; none for a list of final boxes.
        extra: columns that are neither box nor score: landmarks, masks, an angle.
        shares: whether boxes are in shares of the input's width and height, not in pixels.
    """

    family: str
    classes: int
    strides: tuple[int, ...] = ()
    extra: int = 0
    shares: bool = False

    def __str__(self) -> str:
        parts = [f"{self.family} layout"]
        if self.strides:
            parts += [f"strides {'/'.join(map(str, self.strides))}", f"{self.classes} classes"]
        if self.extra:
            parts.append(f"{self.extra} other columns")
        if self.shares:
            parts.append("boxes in shares of the image")
        return ", ".join(parts)

    @property
    def choice(self) -> str:
        """What ``--layout`` is given to choose it: ``yolov8:2``."""
        return f"{self.family}:{self.classes}" if self.classes else self.family

    @property
    def kind(self) -> Family:
        """The family."""
        return FAMILIES[self.family]

    def score_columns(self) -> list[int]:
        """Return the columns that hold scores: all of them are between 0 and 1."""
        kind = self.kind
        return [4] * kind.objectness + list(range(kind.first_class, kind.first_class + max(self.classes, 1)))

    def boxes_and_scores(self, table: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Decode the output for one image or several.

        Args:
            table: float (..., boxes, values), as ``as_table`` returns it.
            height: input height, pixels.
            width: input width, pixels.

        Returns:
            Boxes float32 (..., boxes, 4) as centre x, centre y, width, height in input pixels, and scores float32
            (..., boxes): the best class's score, times the objectness where the family has one.

        Raises:
            GanbenchError: a score that is none, or a class that is no whole number: it is another layout.
        """
        kind = self.kind
        self._check(table)
        boxes = table[..., kind.first : kind.first + 4].astype(np.float32)
        classes = table[..., kind.first_class : kind.first_class + max(self.classes, 1)].astype(np.float32)
        if kind.box == "cell":
            corner, stride = _cells(height, width, self.strides)
            boxes = np.concatenate([(boxes[..., :2] + corner) * stride, np.exp(boxes[..., 2:]) * stride], -1)
        elif kind.box == "corners":
            boxes = np.concatenate([(boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]], -1)
        elif kind.box == "turned":
            boxes = _upright(boxes, table[..., -1].astype(np.float32))
        if self.shares:
            boxes = boxes * np.array([width, height, width, height], np.float32)
        scores = classes.max(-1)
        if kind.objectness:
            scores = table[..., 4].astype(np.float32) * scores
        return boxes, scores

    def _check(self, table: np.ndarray) -> None:
        kind = self.kind
        scores = table[..., self.score_columns()]
        if scores.size and not (scores.min() >= -SLACK and scores.max() <= 1 + SLACK):  # not, so that NaN fails
            raise GanbenchError(
                f"read in the {self}, its scores are {scores.min():.4g} to {scores.max():.4g}, not between 0 and 1: "
                "it is another layout. Name it with --layout, or export the network again"
            )
        if kind.class_number >= 0:
            odd = "" if whole(table[..., kind.class_number]) else "the number of a class is not a whole number"
            corners = table[..., kind.first : kind.first + 4]
            if kind.box == "corners" and not corners_in_order(corners, table[..., kind.first_class]):
                odd = "boxes are not corners in order"
            if odd:
                raise GanbenchError(
                    f"read in the {self}, {odd}: it is another layout. Name it with --layout, or export the network "
                    "again"
                )


def as_table(output: np.ndarray, layout: Layout) -> np.ndarray:
    """Return an output as (N, boxes, values)."""
    return output.swapaxes(1, 2) if layout.kind.values_first else output


def corners_in_order(corners: np.ndarray, scores: np.ndarray) -> bool:
    """Tell whether boxes (..., 4) that have a score are x0 < x1, y0 < y1, but for one in twenty, which are weak."""
    right = (corners[..., 0] < corners[..., 2]) & (corners[..., 1] < corners[..., 3])
    right = right[scores > 0]
    return bool(right.mean() >= 0.95) if right.size else True


def whole(numbers: np.ndarray) -> bool:
    """Tell whether all are whole numbers from 0 on."""
    return bool(np.isfinite(numbers).all() and (numbers >= 0).all() and (numbers == np.rint(numbers)).all())


def count_cells(height: int, width: int, strides: tuple[int, ...]) -> int:
    """Return how many cells the grids of these strides have together."""
    return sum((height // s) * (width // s) for s in strides)


def _cells(height: int, width: int, strides: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return each cell's column and row (M, 2), and its stride (M, 1)."""
    corners, steps = [], []
    for s in strides:
        y, x = np.mgrid[0 : height // s, 0 : width // s]
        corners.append(np.stack([x, y], -1).reshape(-1, 2))
        steps.append(np.full((len(corners[-1]), 1), s))
    return np.concatenate(corners).astype(np.float32), np.concatenate(steps).astype(np.float32)


def _upright(boxes: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return the upright boxes around turned ones (..., 4), given as centre, size and angle (...) in radians."""
    cosine, sine = np.abs(np.cos(angle)), np.abs(np.sin(angle))
    width, height = boxes[..., 2], boxes[..., 3]
    sizes = np.stack([width * cosine + height * sine, width * sine + height * cosine], -1)
    return np.concatenate([boxes[..., :2], sizes], -1)
