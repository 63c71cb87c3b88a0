"""How YOLO networks lay out their output, told apart by its shape alone.

An image of HxW gives, for strides s, sum(H/s * W/s) cells. YOLOv8 and YOLO11 put out (N, 4 + classes, cells); YOLOX
(N, cells, 5 + classes); YOLOv5, with three anchors per cell, (N, 3 * cells, 5 + classes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.errors import GanbenchError

_STRIDES = ((8, 16, 32), (8, 16, 32, 64), (8, 16), (16, 32), (4, 8, 16, 32))


@dataclass(frozen=True)
class Layout:
    """What an output means.

    Attributes:
        family: ``yolov8``, ``yolov5``, ``yolox``, or ``yolox-raw`` (boxes still relative to their cells).
        strides: of the output grids, pixels.
        classes: number of classes.
    """

    family: str
    strides: tuple[int, ...]
    classes: int

    def __str__(self) -> str:
        return f"{self.family} layout, strides {'/'.join(map(str, self.strides))}, {self.classes} classes"

    def boxes_and_scores(self, output: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Decode an output.

        Args:
            output: float (N, ...) as the network put it out.
            height: input height, pixels.
            width: input width, pixels.

        Returns:
            Boxes float32 (N, M, 4) as centre x, centre y, width, height in input pixels, and scores float32 (N, M):
            the best class's score, times the objectness where the family has one.
        """
        table = output.swapaxes(1, 2) if self.family == "yolov8" else output
        boxes, rest = table[..., :4].astype(np.float32), table[..., 4:].astype(np.float32)
        if self.family == "yolox-raw":
            corner, stride = _cells(height, width, self.strides)
            boxes = np.concatenate([(boxes[..., :2] + corner) * stride, np.exp(boxes[..., 2:]) * stride], -1)
        if self.family == "yolov8":
            return boxes, rest.max(-1)
        return boxes, rest[..., 0] * rest[..., 1:].max(-1)


def _count(height: int, width: int, strides: tuple[int, ...]) -> int:
    return sum((height // s) * (width // s) for s in strides)


def _cells(height: int, width: int, strides: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return each cell's column and row (M, 2), and its stride (M, 1)."""
    corners, steps = [], []
    for s in strides:
        y, x = np.mgrid[0 : height // s, 0 : width // s]
        corners.append(np.stack([x, y], -1).reshape(-1, 2))
        steps.append(np.full((len(corners[-1]), 1), s))
    return np.concatenate(corners).astype(np.float32), np.concatenate(steps).astype(np.float32)


def find_layout(output: np.ndarray, height: int, width: int, label: str) -> Layout:
    """Tell the layout of an output that the network gave for a plain gray image.

    Args:
        output: float (1, A, B).
        height: input height, pixels.
        width: input width, pixels.
        label: the network, for messages.

    Raises:
        GanbenchError: no known layout, or values that no detector puts out.
    """
    if output.ndim != 3:
        raise GanbenchError(
            f"{label}: its output has the shape {output.shape}; a YOLO export has one of (1, boxes, values) or "
            "(1, values, boxes). Export without built-in non-maximum suppression"
        )
    _, a, b = output.shape
    for strides in _STRIDES:
        cells = _count(height, width, strides)
        if b == cells and a >= 5:
            found = Layout("yolov8", strides, a - 4)
        elif a == 3 * cells and b >= 6:
            found = Layout("yolov5", strides, b - 5)
        elif a == cells and b >= 6:
            found = Layout("yolox" if _in_pixels(output, width, height) else "yolox-raw", strides, b - 5)
        else:
            continue
        _, scores = found.boxes_and_scores(output, height, width)
        if not np.isfinite(output).all() or scores.min() < -1e-3 or scores.max() > 1 + 1e-3:
            raise GanbenchError(f"{label}: its scores are not between 0 and 1: not a detector in the {found}")
        return found
    raise GanbenchError(
        f"{label}: an output of shape {output.shape} for a {height}x{width} image fits no YOLO layout: for strides "
        f"8/16/32 there would be {_count(height, width, (8, 16, 32))} boxes, or three times as many"
    )


def _in_pixels(output: np.ndarray, width: int, height: int) -> bool:
    """Tell whether box centres spread over the image, as decoded ones do; raw ones stay near their cells."""
    spread = output[0, :, :2].max(0) - output[0, :, :2].min(0)
    return bool((spread > 0.5 * np.array([width, height])).all())
