"""Drawing a face: background, back hair, body, head, features, front hair, accessory."""

from __future__ import annotations

import cv2
import numpy as np

from ganbench.images.toyfaces.attributes import FaceAttributes
from ganbench.images.toyfaces.canvas import SUPERSAMPLE, Canvas, curve, mix, quadratic, round_shape
from ganbench.images.toyfaces.hair import draw_back_hair, draw_front_hair

WHITE = (255, 255, 255)
LINE = (92, 54, 62)

# The head in unit coordinates, before placement: what ``face_box`` reports.
_HEAD = ((0.17, 0.1), (0.83, 0.1), (0.83, 0.92), (0.17, 0.92))


def draw_face(face: FaceAttributes, size: int = 64) -> np.ndarray:
    """Draw a face.

    Args:
        face: its attributes.
        size: side of the image, pixels, at least 16.

    Returns:
        uint8 array (size, size, 3), RGB; the same attributes give the same bytes.

    Raises:
        ValueError: too small.
    """
    if size < 16:
        raise ValueError(f"a toy face needs at least 16 pixels, got {size}")
    rng = np.random.default_rng(face.detail)
    canvas = Canvas(size, scale=face.scale, tilt=face.tilt, shift=face.shift)
    _background(canvas, face, rng)
    draw_back_hair(canvas, face, rng)
    _body(canvas, face)
    _head(canvas, face)
    _features(canvas, face)
    draw_front_hair(canvas, face, rng)
    _accessory(canvas, face)
    return canvas.finish()


def face_box(face: FaceAttributes, size: int = 64) -> tuple[float, float, float, float]:
    """Return the box around the head, (x0, y0, x1, y1) in pixels, clipped to the image."""
    corners = Canvas(size, scale=face.scale, tilt=face.tilt, shift=face.shift).place(_HEAD) / SUPERSAMPLE
    (x0, y0), (x1, y1) = corners.min(0).clip(0, size), corners.max(0).clip(0, size)
    return float(x0), float(y0), float(x1), float(y1)


def _background(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    side, colour = canvas.side, np.array(face.background_rgb, float)
    other = np.array(mix(face.background_rgb, WHITE, 0.6), float)
    y = np.linspace(0, 1, side)[:, None, None]
    if face.background == "plain":
        canvas.pixels[:] = face.background_rgb
    elif face.background == "gradient":
        canvas.pixels[:] = np.round(colour * (1 - y) + other * y)
    elif face.background == "sky":
        canvas.pixels[:] = np.round(np.array([120.0, 180, 240]) * (1 - y) + np.array([225.0, 240, 255]) * y)
        for _ in range(4):
            centre = (int(rng.uniform(0, side)), int(rng.uniform(0, side * 0.6)))
            axes = (int(side * rng.uniform(0.1, 0.25)), int(side * 0.06))
            cv2.ellipse(canvas.pixels, centre, axes, 0, 0, 360, WHITE, -1)
    elif face.background == "room":
        canvas.pixels[:] = mix(face.background_rgb, WHITE, 0.4)
        for _ in range(4):
            x, top = int(rng.uniform(0, side)), int(rng.uniform(0, side * 0.5))
            corner = (x + int(side * rng.uniform(0.1, 0.35)), top + int(side * rng.uniform(0.2, 0.6)))
            shade = mix(face.background_rgb, (60, 40, 40), rng.uniform(0.1, 0.5))
            cv2.rectangle(canvas.pixels, (x, top), corner, shade, -1)
    else:
        canvas.pixels[:] = face.background_rgb
        step = side // 8
        for i, x in enumerate(range(0, side + step, step)):
            for top in range((i % 2) * step // 2, side + step, step):
                cv2.circle(canvas.pixels, (x, top), step // 5, mix(face.background_rgb, WHITE, 0.55), -1)


def _body(canvas: Canvas, face: FaceAttributes) -> None:
    shadow = mix(face.skin_rgb, (190, 96, 96), 0.4)
    canvas.fill([(0.42, 0.8), (0.58, 0.8), (0.6, 1.05), (0.4, 1.05)], shadow)
    shoulders = curve(
        [
            (0.02, 1.3),
            (0.1, 1.04),
            (0.3, 0.97),
            (0.4, 0.95),
            (0.5, 1.04),
            (0.6, 0.95),
            (0.7, 0.97),
            (0.9, 1.04),
            (0.98, 1.3),
        ]
    )
    canvas.fill(shoulders, face.clothes_rgb)
    collar = mix(face.clothes_rgb, WHITE, 0.75)
    canvas.fill([(0.38, 0.93), (0.5, 1.06), (0.44, 1.1), (0.33, 0.98)], collar)
    canvas.fill([(0.62, 0.93), (0.5, 1.06), (0.56, 1.1), (0.67, 0.98)], collar)
    canvas.fill([(0.5, 1.03), (0.55, 1.1), (0.45, 1.1)], face.accent_rgb)


def _head(canvas: Canvas, face: FaceAttributes) -> None:
    dx = 0.035 * face.turn
    skin, shadow = face.skin_rgb, mix(face.skin_rgb, (214, 120, 112), 0.3)
    for side in (-1, 1):
        canvas.ellipse((0.5 + side * 0.3 - dx * 0.5, 0.6), (0.045, 0.075), shadow)
    outline = curve(
        [(0.2, 0.45), (0.205, 0.62), (0.26, 0.755), (0.38 + dx, 0.865), (0.5 + 1.6 * dx, 0.915), (0.62 + dx, 0.865),
         (0.74, 0.755), (0.795, 0.62), (0.8, 0.45), (0.7, 0.2), (0.5, 0.12), (0.3, 0.2)],
        closed=True,
    )  # fmt: skip
    canvas.fill(outline, skin)
    canvas.stroke(outline, mix(skin, LINE, 0.65), 0.008, closed=True)
    # Bangs throw a shadow on the forehead; the far cheek lies in shade.
    canvas.blend([(0.215, 0.35), (0.785, 0.35), (0.785, 0.5), (0.5, 0.525), (0.215, 0.5)], shadow, 0.85)
    far = 1 if face.turn < 0 else -1
    x = 0.5 - far * 0.285
    canvas.blend(
        curve([(x, 0.5), (x + far * 0.05, 0.62), (x + far * 0.1, 0.74), (x + far * 0.03, 0.71)], closed=True),
        shadow,
        0.7,
    )


def _features(canvas: Canvas, face: FaceAttributes) -> None:
    dx = 0.05 * face.turn
    for side in (-1, 1):
        far = 1 - 0.16 * max(0.0, side * face.turn)  # the eye on the far side looks narrower
        centre = (0.5 + dx + side * 0.155 * far, 0.615)
        cheek = (0.5 + dx + side * 0.205 * far, 0.74)
        canvas.blend(round_shape(cheek, (0.06, 0.03)), (255, 120, 120), 0.3)
        _eye(canvas, face, centre, side, far)
    nose = (0.5 + dx * 1.5, 0.735)
    canvas.stroke(
        [(nose[0] - 0.006, nose[1] - 0.012), (nose[0] + 0.006, nose[1] + 0.006)], mix(face.skin_rgb, LINE, 0.6), 0.012
    )
    _mouth(canvas, face, (0.5 + dx * 1.3, 0.805))


def _eye(canvas: Canvas, face: FaceAttributes, centre: tuple[float, float], side: int, far: float) -> None:
    x, y = centre
    w, h = 0.098 * far * face.eye_size, 0.098 * face.eye_size
    dark = mix(face.eye_rgb, (20, 10, 30), 0.72)
    white = curve([(x - w, y - 0.1 * h), (x - 0.55 * w, y - 0.92 * h), (x + 0.3 * w, y - h), (x + w, y - 0.2 * h),
                   (x + 0.6 * w, y + 0.88 * h), (x - 0.5 * w, y + 0.9 * h)], closed=True)  # fmt: skip
    canvas.fill(white, (252, 250, 252))
    look = x + 0.012 * face.turn
    canvas.ellipse((look, y), (0.72 * w, 0.93 * h), dark)
    canvas.ellipse((look, y + 0.04 * h), (0.62 * w, 0.84 * h), face.eye_rgb)
    canvas.ellipse((look, y + 0.4 * h), (0.5 * w, 0.46 * h), mix(face.eye_rgb, WHITE, 0.38))
    canvas.ellipse((look, y - 0.02 * h), (0.32 * w, 0.46 * h), dark)
    canvas.ellipse((look - 0.26 * w, y - 0.42 * h), (0.27 * w, 0.3 * h), WHITE)
    canvas.ellipse((look + 0.3 * w, y + 0.46 * h), (0.15 * w, 0.16 * h), WHITE)
    lash = (46, 28, 40)
    lid = quadratic(
        (x - side * 1.02 * w, y - 0.5 * h), (x - side * 0.1 * w, y - 1.55 * h), (x + side * 1.12 * w, y - 0.3 * h), 10
    )
    canvas.stroke(lid, lash, 0.026)
    canvas.stroke([(x + side * 1.0 * w, y - 0.42 * h), (x + side * 1.26 * w, y - 0.6 * h)], lash, 0.016)
    canvas.stroke(
        quadratic((x - 0.45 * w, y + 1.0 * h), (x, y + 1.1 * h), (x + 0.55 * w, y + 0.98 * h)),
        mix(lash, face.skin_rgb, 0.35),
        0.01,
    )
    slant = {"sad": 0.5, "pout": -0.45, "open": 0.1}.get(face.expression, 0.0) * h
    brow = quadratic((x - side * 0.8 * w, y - 1.55 * h - slant), (x, y - 1.85 * h), (x + side * w, y - 1.5 * h + slant))
    canvas.stroke(brow, mix(face.hair_rgb, (40, 24, 40), 0.5), 0.014)


def _mouth(canvas: Canvas, face: FaceAttributes, centre: tuple[float, float]) -> None:
    x, y = centre
    line = mix(LINE, (150, 40, 50), 0.5)
    if face.expression == "smile":
        canvas.stroke(quadratic((x - 0.06, y - 0.012), (x, y + 0.035), (x + 0.06, y - 0.012)), line, 0.013)
    elif face.expression == "open":
        shape = curve([(x - 0.06, y - 0.02), (x, y - 0.012), (x + 0.06, y - 0.02), (x, y + 0.06)], closed=True)
        canvas.fill(shape, (176, 60, 68))
        canvas.ellipse((x, y + 0.03), (0.03, 0.016), (238, 128, 128))
        canvas.stroke(shape, line, 0.008, closed=True)
    elif face.expression == "neutral":
        canvas.stroke([(x - 0.035, y), (x + 0.035, y)], line, 0.012)
    elif face.expression == "pout":
        canvas.stroke(quadratic((x - 0.028, y + 0.008), (x, y - 0.02), (x + 0.028, y + 0.008)), line, 0.013)
    else:
        canvas.stroke(quadratic((x - 0.045, y + 0.015), (x, y - 0.018), (x + 0.045, y + 0.015)), line, 0.013)


def _accessory(canvas: Canvas, face: FaceAttributes) -> None:
    side = 1 if face.detail % 2 else -1
    if face.accessory == "ribbon":
        x, y = 0.5 + side * 0.24, 0.13
        for direction in (-1, 1):
            loop = curve([(x, y), (x + direction * 0.12, y - 0.08), (x + direction * 0.13, y + 0.06)], closed=True)
            canvas.fill(loop, face.accent_rgb)
            canvas.stroke(loop, mix(face.accent_rgb, (40, 10, 30), 0.5), 0.007, closed=True)
        canvas.ellipse((x, y), (0.03, 0.035), mix(face.accent_rgb, (40, 10, 30), 0.3))
    elif face.accessory == "hairpin":
        x, y = 0.5 + side * 0.2, 0.34
        canvas.stroke([(x - 0.06, y + 0.03), (x + 0.06, y - 0.03)], face.accent_rgb, 0.028)
        canvas.stroke([(x - 0.05, y - 0.03), (x + 0.05, y + 0.03)], face.accent_rgb, 0.022)
    elif face.accessory == "glasses":
        dx = 0.05 * face.turn
        rim = mix((40, 30, 50), face.accent_rgb, 0.35)
        for eye in (-1, 1):
            ring = round_shape((0.5 + dx + eye * 0.155, 0.625), (0.125, 0.115))
            canvas.blend(ring, WHITE, 0.12)
            canvas.stroke(ring, rim, 0.011, closed=True)
        canvas.stroke([(0.47 + dx, 0.615), (0.53 + dx, 0.615)], rim, 0.011)
