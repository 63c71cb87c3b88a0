"""The face without its hair: head, eyes, brows, nose and mouth."""

from __future__ import annotations

import numpy as np

from ganbench.toyfaces.attributes import FaceAttributes
from ganbench.toyfaces.canvas import Canvas, Point, curve, mix, quadratic, round_shape

WHITE = (255, 255, 255)
INK = (64, 34, 46)
_ROSE = (222, 116, 116)

EYE_X, EYE_Y = 0.148, 0.61


def head_outline(face: FaceAttributes) -> np.ndarray:
    """Return the outline of the face in unit coordinates, (M, 2)."""
    j = face.jaw * 0.025
    left = [
        (0.5, 0.925),
        (0.455 - j, 0.907 - j * 0.2),
        (0.345 - j, 0.83),
        (0.255 - j * 0.6, 0.74),
        (0.212, 0.64),
        (0.203, 0.5),
        (0.215, 0.35),
        (0.32, 0.16),
    ]
    return curve([*left, *((1 - x, y) for x, y in left[:0:-1])], 5, closed=True)


def draw_head(canvas: Canvas, face: FaceAttributes, bangs: list[np.ndarray]) -> None:
    """Draw ears and head, with the shadow that the bangs (their outlines) throw on it."""
    skin, shadow = face.skin_rgb, mix(face.skin_rgb, _ROSE, 0.3)
    edge = mix(face.skin_rgb, INK, 0.55)
    for side in (-1, 1):
        ear = curve([(0.5 + side * 0.29, 0.54), (0.5 + side * 0.345, 0.53), (0.5 + side * 0.345, 0.6),
                     (0.5 + side * 0.3, 0.69)], 4, closed=True)  # fmt: skip
        canvas.fill(ear, mix(skin, shadow, 0.5))
        canvas.stroke(ear, edge, 0.006, closed=True)
    outline = head_outline(face)
    canvas.fill(outline, skin)
    away = 1 if face.turn < 0 else -1  # the cheek that turns away from the light
    x = 0.5 - away * 0.3
    cheek = curve([(x, 0.5), (x + away * 0.055, 0.64), (x + away * 0.13, 0.77), (0.5, 0.935), (x, 0.9)], 4, closed=True)
    canvas.blend(cheek, shadow, 0.7, clip=outline)
    for bang in bangs:
        canvas.blend(np.add(bang, (0.008, 0.03)), shadow, clip=outline)
    canvas.stroke(outline, edge, 0.007, closed=True)


def draw_features(canvas: Canvas, face: FaceAttributes) -> None:
    """Draw blush, eyes, brows, nose and mouth."""
    front = canvas.layer(1.35)
    for side in (-1, 1):
        for radius, strength in ((0.07, 0.14), (0.05, 0.18)):
            canvas.blend(round_shape((0.5 + side * 0.2, 0.745), (radius, radius * 0.5)), (255, 96, 104), strength)
        _eye(canvas, face, side)
    canvas.layer(1.5).stroke([(0.496, 0.742), (0.504, 0.756)], mix(face.skin_rgb, INK, 0.5), 0.011)
    _mouth(front, face, (0.5, 0.822))


def _eye(canvas: Canvas, face: FaceAttributes, side: int) -> None:
    """Draw one eye; ``out`` below measures from its middle towards the temple."""
    middle = (0.5 + side * EYE_X, EYE_Y)
    w, h = 0.088 * face.eye_size, 0.112 * face.eye_size
    if face.expression in ("sad", "neutral"):
        h *= 0.93
    slant = face.eye_slant * 0.16

    def at(out: float, down: float) -> Point:
        return middle[0] + side * out * w, middle[1] + (down - slant * out) * h

    def shape(*points: Point, steps: int = 5, closed: bool = True) -> np.ndarray:
        return curve([at(*p) for p in points], steps, closed=closed)

    lash = mix((44, 26, 42), face.hair_rgb, 0.12)
    opening = shape((-0.98, 0.05), (-0.7, -0.68), (0.0, -0.98), (0.72, -0.72), (1.02, -0.12), (0.72, 0.72), (0.0, 0.95),
                    (-0.7, 0.74), steps=4)  # fmt: skip
    canvas.fill(opening, (252, 250, 254))
    look = 0.14 * face.turn * side - 0.06  # along ``out``; both eyes look a little inwards
    dark = mix(face.eye_rgb, (24, 10, 40), 0.68)
    iris = round_shape(at(look, -0.02), (0.8 * w, 1.0 * h))
    canvas.blend(iris, dark, clip=opening)
    canvas.blend(round_shape(at(look, 0.04), (0.69 * w, 0.9 * h)), mix(face.eye_rgb, dark, 0.42), clip=opening)
    canvas.blend(round_shape(at(look, 0.24), (0.63 * w, 0.68 * h)), face.eye_rgb, clip=opening)
    canvas.blend(round_shape(at(look, 0.52), (0.47 * w, 0.36 * h)), mix(face.eye_rgb, WHITE, 0.4), clip=opening)
    canvas.ellipse(at(look, 0.0), (0.31 * w, 0.42 * h), mix(dark, (10, 4, 20), 0.4))
    canvas.blend(shape((-1, -0.5), (0, -0.85), (1, -0.5), (0.9, -1.2), (-0.9, -1.2), steps=3), (70, 50, 90), 0.35,
                 clip=opening)  # fmt: skip
    # Light falls from the same side on both eyes.
    canvas.ellipse((at(look, 0)[0] - 0.27 * w, middle[1] - 0.4 * h), (0.26 * w, 0.25 * h), WHITE)
    canvas.ellipse((at(look, 0)[0] + 0.3 * w, middle[1] + 0.42 * h), (0.14 * w, 0.13 * h), WHITE)
    lid = np.vstack(
        [
            shape(
                (-1.1, -0.12), (-0.75, -0.82), (0.0, -1.2), (0.75, -0.98), (1.12, -0.42), (1.42, -0.45), closed=False
            ),
            shape((1.08, 0.1), (0.7, -0.64), (0.0, -0.9), (-0.7, -0.6), closed=False),
        ]
    )
    canvas.fill(lid, lash)
    canvas.stroke(shape((-0.5, 0.98), (0.1, 1.04), (0.75, 0.76), closed=False), mix(lash, face.skin_rgb, 0.25), 0.009)
    canvas.stroke(shape((-0.6, -1.22), (0.1, -1.5), (0.9, -1.18), closed=False), mix(face.skin_rgb, INK, 0.45), 0.006)
    rise = {"sad": -0.32, "pout": 0.3, "open": -0.08, "smile": -0.05, "neutral": 0.08}[face.expression]
    brow = np.vstack(
        [
            shape((-0.8, -1.72 + rise), (0.1, -2.02), (1.1, -1.72 - rise), closed=False),
            shape((0.1, -1.88), (-0.8, -1.54 + rise), closed=False),
        ]
    )
    canvas.fill(brow, mix(face.hair_rgb, INK, 0.55))


def _mouth(canvas: Canvas, face: FaceAttributes, centre: Point) -> None:
    x, y = centre
    ink = mix(INK, (160, 50, 60), 0.4)
    if face.expression == "smile":
        canvas.stroke(quadratic((x - 0.058, y - 0.012), (x, y + 0.034), (x + 0.058, y - 0.012)), ink, 0.01)
    elif face.expression == "open":
        lips = curve([(x - 0.064, y - 0.024), (x, y - 0.016), (x + 0.064, y - 0.024), (x + 0.032, y + 0.036),
                      (x - 0.032, y + 0.036)], 4, closed=True)  # fmt: skip
        canvas.fill(lips, (178, 58, 70))
        canvas.blend(round_shape((x, y + 0.036), (0.034, 0.022)), (244, 138, 136), clip=lips)
        canvas.stroke(lips, ink, 0.007, closed=True)
    elif face.expression == "neutral":
        canvas.stroke([(x - 0.034, y), (x + 0.034, y)], ink, 0.009)
    elif face.expression == "pout":
        canvas.stroke(quadratic((x - 0.026, y + 0.008), (x, y - 0.02), (x + 0.026, y + 0.008)), ink, 0.011)
    else:
        canvas.stroke(quadratic((x - 0.044, y + 0.014), (x, y - 0.018), (x + 0.044, y + 0.014)), ink, 0.01)
