"""Hair: what hangs behind the head, and what falls in front of it."""

from __future__ import annotations

import numpy as np

from ganbench.images.toyfaces.attributes import FaceAttributes
from ganbench.images.toyfaces.canvas import Canvas, curve, mix, quadratic

SHADE = (58, 40, 78)


def _mirrored(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a left outline, top to bottom, followed by its mirror image, bottom to top."""
    return points + [(1 - x, y) for x, y in reversed(points)]


def _outlined(canvas: Canvas, points: np.ndarray, face: FaceAttributes, shade: float = 0.0) -> None:
    base = mix(face.hair_rgb, SHADE, shade)
    canvas.fill(points, base)
    canvas.stroke(points, mix(face.hair_rgb, SHADE, 0.62), 0.009, closed=True)


def _lock(canvas: Canvas, root: tuple[float, float], tip: tuple[float, float], width: float, bend: float, face) -> None:
    """Draw one tapering lock from root to tip that bends sideways."""
    (x0, y0), (x1, y1) = root, tip
    middle = ((x0 + x1) / 2 + bend, (y0 + y1) / 2)
    left = quadratic((x0 - width, y0), (middle[0] - width, middle[1]), tip)
    right = quadratic(tip, (middle[0] + width, middle[1]), (x0 + width, y0))
    outline = np.vstack([left, right])
    canvas.fill(outline, mix(face.hair_rgb, SHADE, 0.1))
    canvas.stroke(outline, mix(face.hair_rgb, SHADE, 0.62), 0.009)  # open at the root, where it grows out of the rest


def draw_back_hair(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    """Draw the hair behind neck and face."""
    style = face.hair_style
    if style == "twin-tails":
        for side in (-1, 1):
            x = 0.5 + side * 0.36
            _lock(canvas, (x, 0.32), (x + side * rng.uniform(0.06, 0.14), 1.12), 0.14, side * 0.12, face)
            canvas.ellipse((0.5 + side * 0.35, 0.31), (0.045, 0.05), face.accent_rgb)
    if style == "ponytail":
        side = 1 if face.turn <= 0 else -1
        _lock(canvas, (0.5 + side * 0.22, 0.12), (0.5 + side * 0.52, 0.95), 0.14, side * 0.2, face)
    if style == "bun":
        for side in (-1, 1):
            canvas.ellipse((0.5 + side * 0.27, 0.13), (0.125, 0.12), mix(face.hair_rgb, SHADE, 0.62))
            canvas.ellipse((0.5 + side * 0.27, 0.13), (0.115, 0.11), mix(face.hair_rgb, SHADE, 0.08))
    bottom = {"long": 1.2, "bob": 0.88, "twin-tails": 0.72, "ponytail": 0.7, "bun": 0.7, "short": 0.74, "spiky": 0.7}
    reach = bottom[style]
    wide = {"long": 0.4, "bob": 0.415}.get(style, 0.375)
    left = [(0.5, 0.06), (0.28, 0.1), (0.5 - wide + 0.02, 0.3), (0.5 - wide, 0.52), (0.5 - wide + 0.01, reach - 0.08)]
    inner = [(0.5 - wide + 0.1, reach), (0.42, reach - 0.05)]
    _outlined(canvas, curve(_mirrored(left + inner), 6, closed=True), face, 0.3)
    if style == "long":
        for x in (0.17, 0.25, 0.76, 0.84):
            canvas.stroke(quadratic((x, 0.55), (x - 0.02, 0.8), (x, 1.1)), mix(face.hair_rgb, SHADE, 0.5), 0.006)


def draw_front_hair(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    """Draw the cap, the bangs, the side locks and the band of light."""
    dx = 0.035 * face.turn
    crown = [(0.165, 0.5), (0.155, 0.36), (0.21, 0.18), (0.34, 0.075), (0.5, 0.045)]
    top = curve(_mirrored(crown), 7)
    if face.hair_style in ("short", "spiky"):
        _spikes(canvas, face, rng, 9 if face.hair_style == "spiky" else 6)
    # The lower edge runs from right to left in tips: each strand ends in a point, roots lie between them.
    strands = {"straight": 8, "swept": 6, "parted": 6, "spiky": 5}[face.bangs]
    xs = np.linspace(0.835, 0.165, strands + 1)
    edge = [np.array([[0.835, 0.5]])]
    for i in range(strands):
        x0, x1 = xs[i], xs[i + 1]
        middle = (x0 + x1) / 2
        away = abs(middle - 0.5 - dx) / 0.34
        depth = 0.45 + 0.12 * away**2 + rng.uniform(-0.018, 0.018)
        lean = 0.0
        if face.bangs == "straight":
            depth = 0.485 + 0.05 * away**2 + rng.uniform(-0.01, 0.01)
        elif face.bangs == "swept":
            lean = 0.06 * (1 if face.detail % 2 else -1)
        elif face.bangs == "parted":
            depth = 0.3 + 0.24 * min(1.0, away * 1.15) + rng.uniform(-0.015, 0.015)
            lean = 0.05 * np.sign(middle - 0.5 - dx)
        else:
            depth += 0.03
        tip = (middle + dx + lean, depth)
        valley = (x1 + dx * 0.6, min(depth - 0.07, 0.42) if 0 < i + 1 < strands else 0.5)
        start = edge[-1][-1]
        edge.append(quadratic(tuple(start), ((start[0] + tip[0]) / 2 + 0.015, depth - 0.03), tip, 4))
        edge.append(quadratic(tip, ((tip[0] + valley[0]) / 2 - 0.015, depth - 0.03), valley, 4))
    lower = np.vstack(edge)
    outline = np.vstack([top, lower])
    _outlined(canvas, outline, face)
    ends = 0.28 if face.bangs == "parted" else 0.385
    for x in xs[1:-1]:
        canvas.stroke(
            quadratic((0.5 + (x - 0.5) * 0.55 + dx, 0.16), (x + dx, 0.22), (x + dx * 0.8, ends)),
            mix(face.hair_rgb, SHADE, 0.35),
            0.007,
        )
    _light_band(canvas, face, dx)
    _side_locks(canvas, face, rng)


def _light_band(canvas: Canvas, face: FaceAttributes, dx: float) -> None:
    """Draw the ring of light on the crown: short zigzag that follows the skull."""
    t = np.linspace(-1, 1, 17)
    x = 0.5 + dx * 0.5 + 0.25 * t
    y = 0.2 + 0.055 * t**2
    upper = np.stack([x, y - 0.016], 1)
    lower = np.stack([x, y + 0.016 + 0.016 * (np.arange(17) % 2)], 1)[::-1]
    canvas.blend(np.vstack([upper, lower]), (255, 255, 255), 0.42)


def _side_locks(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    length = {"short": 0.66, "spiky": 0.62, "bob": 0.82, "long": 0.95}.get(face.hair_style, 0.8)
    for side in (-1, 1):
        x = 0.5 + side * 0.315
        tip = (0.5 + side * (0.3 + rng.uniform(-0.03, 0.03)), length + rng.uniform(-0.04, 0.04))
        _lock(canvas, (x, 0.4), tip, 0.042, side * 0.03, face)


def _spikes(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator, count: int) -> None:
    """Draw locks that stand off the skull all around the crown."""
    for angle in np.linspace(-2.9, -0.24, count) + rng.uniform(-0.08, 0.08, count):
        reach = rng.uniform(0.42, 0.5) if face.hair_style == "spiky" else rng.uniform(0.37, 0.42)
        root = np.array([0.5 + 0.28 * np.cos(angle), 0.42 + 0.3 * np.sin(angle)])
        tip = np.array([0.5 + reach * np.cos(angle + 0.1), 0.42 + (reach + 0.02) * np.sin(angle + 0.1)])
        normal = np.array([-np.sin(angle), np.cos(angle)]) * 0.075
        _outlined(canvas, np.vstack([root - normal, tip, root + normal]), face, 0.05)
