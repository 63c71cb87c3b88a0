"""A canvas in face coordinates: shapes live in a unit square, are drawn four times too large and averaged down."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import cv2
import numpy as np

from ganbench.toyfaces.attributes import RGB

SUPERSAMPLE = 4
_SHIFT = 4  # fixed-point bits of OpenCV coordinates

# The middle of the face in unit coordinates, where it comes to lie in the image, how far from the middle axis the
# head ends, and how far a full turn moves its middle.
_PIVOT = (0.5, 0.58)
_TARGET = (0.5, 0.55)
_HEAD_RADIUS = 0.36
_FULL_TURN = 0.1

Point = tuple[float, float]
Points = np.ndarray | Sequence[Point]

_CIRCLE = np.stack([np.cos(np.arange(24) * np.pi / 12), np.sin(np.arange(24) * np.pi / 12)], 1)


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """Return the colour that is ``share`` of the way from ``a`` to ``b``."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def curve(points: Points, steps: int = 6, *, closed: bool = False) -> np.ndarray:
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
    return (1 - t) ** 2 * np.asarray(a) + 2 * t * (1 - t) * np.asarray(control) + t**2 * np.asarray(b)


def round_shape(centre: Point, radii: Point) -> np.ndarray:
    """Return the outline of an ellipse, (24, 2)."""
    return np.asarray(centre) + _CIRCLE * radii


def mirrored(points: Sequence[Point]) -> list[Point]:
    """Return a left outline followed by its mirror image about the middle axis, in reverse order."""
    return [*points, *((1 - x, y) for x, y in reversed(points))]


class Canvas:
    """Draws filled shapes and strokes.

    Args:
        size: side of the finished image, pixels.
        scale: enlargement of the unit square about the middle of the face.
        tilt: rotation about the same point, degrees, clockwise.
        shift: translation, in sides of the image.
        turn: how far the head turns, -1 (to the left of the image) .. 1.
    """

    def __init__(self, size: int, *, scale: float, tilt: float, shift: Point, turn: float) -> None:
        self.side = size * SUPERSAMPLE
        self.pixels = np.zeros((self.side, self.side, 3), np.uint8)
        angle = math.radians(tilt)
        self._cos, self._sin = (scale * self.side * f(angle) for f in (math.cos, math.sin))
        self._offset = tuple((t + s) * self.side for t, s in zip(_TARGET, shift, strict=True))
        self._scale = scale
        self._turn = turn * _FULL_TURN
        self._depth = 0.0

    def layer(self, depth: float) -> Canvas:
        """Return a canvas on the same pixels whose shapes follow the turn of the head.

        Args:
            depth: 1 on the surface of the face, more in front of it (the nose), 0 for what does not turn, negative
                behind the axis. A turn moves the middle of the head sideways and leaves its silhouette in place, so
                that the far half of a face gets narrower and the near half wider.
        """
        view = copy.copy(self)
        view._depth = depth
        return view

    def place(self, points: Points) -> np.ndarray:
        """Map unit coordinates (M, 2) to canvas pixels (M, 2)."""
        points = np.asarray(points, float)
        x, y = points[:, 0] - _PIVOT[0], points[:, 1] - _PIVOT[1]
        if self._depth:
            x += self._turn * self._depth * np.maximum(1 - (x / _HEAD_RADIUS) ** 2, 0)
        # Spelt out rather than a matrix product, whose last bits would depend on the machine's BLAS.
        placed = np.empty((len(points), 2))
        placed[:, 0] = self._cos * x - self._sin * y + self._offset[0]
        placed[:, 1] = self._sin * x + self._cos * y + self._offset[1]
        return placed

    def _fixed(self, points: Points) -> np.ndarray:
        return np.rint(self.place(points) * (1 << _SHIFT)).astype(np.int32)

    def fill(self, points: Points, colour: RGB) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.pixels, [self._fixed(points)], colour, cv2.LINE_8, _SHIFT)

    def stroke(self, points: Points, colour: RGB, width: float, *, closed: bool = False) -> None:
        """Draw a line of ``width`` unit squares."""
        thickness = max(1, round(width * self._scale * self.side))
        cv2.polylines(self.pixels, [self._fixed(points)], closed, colour, thickness, cv2.LINE_8, _SHIFT)

    def ellipse(self, centre: Point, radii: Point, colour: RGB) -> None:
        """Fill an ellipse."""
        self.fill(round_shape(centre, radii), colour)

    def blend(self, points: Points, colour: RGB, opacity: float = 1.0, *, clip: Points | None = None) -> None:
        """Fill a polygon with a see-through colour, only inside the polygon ``clip`` where one is given."""
        outline = self.place(points)
        low = np.floor(outline.min(0)).astype(int).clip(0, self.side)
        high = (np.ceil(outline.max(0)).astype(int) + 1).clip(0, self.side)
        if (high <= low).any():
            return
        mask = self._mask(outline, low, high)
        if clip is not None:
            mask &= self._mask(self.place(clip), low, high)
        region = self.pixels[low[1] : high[1], low[0] : high[0]]
        tint: np.ndarray = np.full_like(region, colour)
        if opacity < 1:
            tint = cv2.addWeighted(region, 1 - opacity, tint, opacity, 0)
        cv2.copyTo(tint, mask, region)

    @staticmethod
    def _mask(outline: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        corners = np.rint((outline - low) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_8, _SHIFT)
        return mask

    def finish(self, light: tuple[float, float, float]) -> np.ndarray:
        """Return the image averaged down to its final size, uint8 (size, size, 3).

        Args:
            light: gain in brightness from left to right and from top to bottom, and the warmth: what red gains and
                blue loses; all as shares.
        """
        size = self.side // SUPERSAMPLE
        image = cv2.resize(self.pixels, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
        across = np.linspace(-0.5, 0.5, size, dtype=np.float32)
        # Raised so that most of the image keeps or gains brightness: a face in half shade would look unwell.
        level = 1 + 0.3 * (abs(light[0]) + abs(light[1]))
        slope = level + light[0] * across[None, :, None] + light[1] * across[:, None, None]
        image *= slope * np.array([1 + light[2], 1, 1 - light[2]], np.float32)
        return np.rint(image).clip(0, 255).astype(np.uint8)
