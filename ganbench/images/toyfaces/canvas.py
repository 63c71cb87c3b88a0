"""A canvas in face coordinates: shapes live in a unit square, are drawn four times too large and averaged down."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from ganbench.images.toyfaces.attributes import RGB

SUPERSAMPLE = 4
_SHIFT = 4  # fixed-point bits of OpenCV coordinates

Point = tuple[float, float]


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """Return the colour that is ``share`` of the way from ``a`` to ``b``."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))


def curve(points: Sequence[Point], steps: int = 8, *, closed: bool = False) -> np.ndarray:
    """Return a smooth Catmull-Rom curve through the points, (M, 2)."""
    p = np.asarray(points, float)
    p = np.vstack([p[-1], p, p[:2]]) if closed else np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = (np.arange(steps) / steps)[:, None]
    a, b, c, d = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    path = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    path = path.reshape(-1, 2)
    return path if closed else np.vstack([path, p[-2:-1]])


def quadratic(a: Point, control: Point, b: Point, steps: int = 6) -> np.ndarray:
    """Return a quadratic Bezier curve, (steps + 1, 2)."""
    t = (np.arange(steps + 1) / steps)[:, None]
    a, control, b = (np.asarray(p, float) for p in (a, control, b))
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * control + t**2 * b


_CIRCLE = np.stack([np.cos(np.arange(28) * np.pi / 14), np.sin(np.arange(28) * np.pi / 14)], 1)


def round_shape(centre: Point, radii: Point) -> np.ndarray:
    """Return the outline of an ellipse, (28, 2)."""
    return np.asarray(centre) + _CIRCLE * radii


class Canvas:
    """Draws filled shapes and strokes.

    Args:
        size: side of the finished image, pixels.
        scale: enlargement of the unit square about its centre.
        tilt: rotation about the centre, degrees, clockwise.
        shift: translation, in unit squares.
    """

    def __init__(self, size: int, *, scale: float = 1.0, tilt: float = 0.0, shift: Point = (0.0, 0.0)) -> None:
        self.side = size * SUPERSAMPLE
        self.pixels = np.zeros((self.side, self.side, 3), np.uint8)
        angle = math.radians(tilt)
        self._turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        self._centre = np.array([0.5, 0.55])
        self._shift = np.array(shift)
        self._tilt = tilt
        self._scale = scale

    def place(self, points: np.ndarray | Sequence[Point]) -> np.ndarray:
        """Map unit coordinates (M, 2) to canvas pixels (M, 2)."""
        moved = (np.asarray(points, float) - self._centre) @ self._turn.T + self._centre + self._shift
        return moved * self.side

    def _fixed(self, points: np.ndarray | Sequence[Point]) -> np.ndarray:
        return np.round(self.place(points) * (1 << _SHIFT)).astype(np.int32)

    def fill(self, points: np.ndarray | Sequence[Point], colour: RGB) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.pixels, [self._fixed(points)], colour, cv2.LINE_8, _SHIFT)

    def stroke(self, points: np.ndarray | Sequence[Point], colour: RGB, width: float, *, closed: bool = False) -> None:
        """Draw a line of ``width`` unit squares."""
        thickness = max(1, round(width * self._scale * self.side))
        cv2.polylines(self.pixels, [self._fixed(points)], closed, colour, thickness, cv2.LINE_8, _SHIFT)

    def ellipse(self, centre: Point, radii: Point, colour: RGB) -> None:
        """Fill an ellipse."""
        self.fill(round_shape(centre, radii), colour)

    def blend(self, points: np.ndarray | Sequence[Point], colour: RGB, opacity: float) -> None:
        """Fill a polygon with a see-through colour."""
        outline = self.place(points)
        low = np.clip(np.floor(outline.min(0)).astype(int), 0, self.side)
        high = np.clip(np.ceil(outline.max(0)).astype(int) + 1, 0, self.side)
        if (high <= low).any():
            return
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(mask, [np.round((outline - low) * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_8, _SHIFT)
        region = self.pixels[low[1] : high[1], low[0] : high[0]]
        inside = mask > 0
        region[inside] = np.round(region[inside] * (1 - opacity) + np.array(colour) * opacity).astype(np.uint8)

    def finish(self) -> np.ndarray:
        """Return the image averaged down to its final size, uint8 (size, size, 3)."""
        size = self.side // SUPERSAMPLE
        return cv2.resize(self.pixels, (size, size), interpolation=cv2.INTER_AREA)
