"""What surrounds a face: background, neck and clothes, accessories."""

from __future__ import annotations

import cv2
import numpy as np

from ganbench.toyfaces.attributes import RGB, FaceAttributes
from ganbench.toyfaces.canvas import Canvas, curve, mirrored, mix, round_shape
from ganbench.toyfaces.face import EYE_X, EYE_Y
from ganbench.toyfaces.hair import crown_outline, line

WHITE = (255, 255, 255)
_DUSK = (52, 30, 56)


def draw_background(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    """Fill the image with the named background."""
    side, pixels = canvas.side, canvas.pixels
    colour = face.background_rgb
    if face.background == "plain":
        pixels[:] = WHITE if rng.random() < 0.4 else colour
    elif face.background == "gradient":
        _gradient(pixels, colour, mix(colour, WHITE if rng.random() < 0.6 else _DUSK, 0.65))
    elif face.background == "sky":
        _gradient(pixels, mix((110, 172, 240), colour, 0.15), (228, 241, 255))
        for x, y, radius in zip(rng.random(6), rng.uniform(0, 0.8, 6), rng.uniform(0.06, 0.14, 6), strict=True):
            for dx, share in ((-0.1, 0.7), (0, 1), (0.11, 0.75)):
                centre = round((x + dx) * side), round(y * side)
                cv2.circle(pixels, centre, round(radius * share * side), (250, 252, 255), -1)
    elif face.background == "room":
        pixels[:] = mix(colour, (120, 92, 84), 0.35)
        for x, y, w, h in rng.uniform((0, -0.1, 0.12, 0.2), (0.95, 0.5, 0.4, 0.8), (4, 4)):
            top, bottom = (round(x * side), round(y * side)), (round((x + w) * side), round((y + h) * side))
            tone = mix(colour, WHITE if rng.random() < 0.4 else _DUSK, rng.uniform(0.2, 0.6))
            cv2.rectangle(pixels, top, bottom, tone, -1)
            cv2.rectangle(pixels, top, bottom, mix(tone, _DUSK, 0.4), max(1, side // 90))
    else:
        pixels[:] = colour
        light = mix(colour, WHITE, 0.5)
        if rng.random() < 0.5:
            step = side // 6
            for i in range(8):
                for k in range(8):
                    centre = (k * step + (i % 2) * step // 2, i * step)
                    cv2.circle(pixels, centre, step // 4, light, -1)
        else:
            for i in range(-6, 7, 2):
                x = i * side // 6
                stripe = np.array([(x, 0), (x + side // 6, 0), (x + side // 6 + side, side), (x + side, side)])
                cv2.fillPoly(pixels, [stripe.astype(np.int32)], light)


def _gradient(pixels: np.ndarray, top: RGB, bottom: RGB) -> None:
    t = np.linspace(0, 1, len(pixels))[:, None]
    pixels[:] = np.rint(np.array(top) * (1 - t) + np.array(bottom) * t).astype(np.uint8)[:, None]


def draw_body(canvas: Canvas, face: FaceAttributes) -> None:
    """Draw neck, shoulders and one of three collars."""
    shadow = mix(face.skin_rgb, (196, 96, 104), 0.42)
    canvas.fill(mirrored([(0.41, 0.8), (0.405, 1.0), (0.3, 1.12)]), face.skin_rgb)
    canvas.fill([(0.41, 0.8), (0.59, 0.8), (0.595, 0.93), (0.5, 1.0), (0.405, 0.93)], shadow)
    cloth, edge = face.clothes_rgb, mix(face.clothes_rgb, _DUSK, 0.6)
    shoulders = curve(mirrored([(-0.1, 1.5), (0.02, 1.14), (0.2, 1.03), (0.385, 0.985), (0.47, 1.12)]), 5)
    canvas.fill(shoulders, cloth)
    canvas.stroke(shoulders, edge, 0.008)
    kind = face.detail % 3
    if kind == 0:  # a sailor's collar with a scarf
        for side in (-1, 1):
            flap = [(0.5 + side * 0.12, 0.97), (0.5, 1.14), (0.5 + side * 0.1, 1.24), (0.5 + side * 0.25, 1.06)]
            canvas.fill(flap, mix(cloth, WHITE, 0.75))
            canvas.stroke(flap, edge, 0.007, closed=True)
        canvas.fill([(0.44, 1.1), (0.56, 1.1), (0.6, 1.26), (0.4, 1.26)], face.accent_rgb)
    elif kind == 1:  # a shirt
        for side in (-1, 1):
            flap = [(0.5 + side * 0.11, 0.94), (0.5, 1.06), (0.5 + side * 0.07, 1.14), (0.5 + side * 0.17, 1.0)]
            canvas.fill(flap, (248, 248, 252))
            canvas.stroke(flap, edge, 0.006, closed=True)
    else:  # a high collar
        band = mirrored([(0.37, 0.955), (0.39, 1.06), (0.5, 1.1)])
        canvas.fill(band, mix(cloth, face.accent_rgb, 0.5))
        canvas.stroke(band, edge, 0.007, closed=True)


def draw_ears_of_cat(canvas: Canvas, face: FaceAttributes) -> None:
    """Draw the ears that stand behind the front hair."""
    for side in (-1, 1):
        ear = [(0.5 + side * 0.33, 0.27), (0.5 + side * 0.33, -0.06), (0.5 + side * 0.1, 0.1)]
        canvas.fill(ear, face.hair_rgb)
        canvas.fill([(0.5 + side * 0.29, 0.2), (0.5 + side * 0.3, 0.02), (0.5 + side * 0.17, 0.11)], (250, 190, 194))
        canvas.stroke(ear, line(face), 0.009, closed=True)


def draw_accessory(canvas: Canvas, face: FaceAttributes) -> None:
    """Draw what lies in front of the hair."""
    side = 1 if face.detail % 4 < 2 else -1
    colour, dark = face.accent_rgb, mix(face.accent_rgb, (40, 10, 40), 0.5)
    if face.hair_style == "twin-tails":
        for tie in (-1, 1):
            _bow(canvas, (0.5 + tie * 0.315, 0.25), 0.6, colour, dark)
    if face.accessory == "ribbon":
        _bow(canvas, (0.5 + side * 0.22, 0.11), 1.0, colour, dark)
    elif face.accessory == "hairpin":
        for dy in (-0.02, 0.025):
            x, y = 0.5 + side * 0.22, 0.36 + dy
            canvas.stroke([(x - 0.055, y + side * 0.018), (x + 0.055, y - side * 0.018)], dark, 0.03)
            canvas.stroke([(x - 0.05, y + side * 0.016), (x + 0.05, y - side * 0.016)], colour, 0.02)
    elif face.accessory == "headband":
        arc = np.linspace(-1, 1, 13)
        middle = np.stack([0.5 + 0.36 * arc, 0.11 + 0.22 * arc**2], 1)
        for width, tone in ((0.06, dark), (0.04, colour)):
            half = (0, width / 2)
            band = np.vstack([np.subtract(middle, half), np.add(middle, half)[::-1]])
            canvas.blend(band, tone, clip=crown_outline())
    elif face.accessory == "glasses":
        rim = mix((40, 30, 50), colour, 0.45)
        for eye in (-1, 1):
            ring = round_shape((0.5 + eye * EYE_X, EYE_Y + 0.015), (0.125, 0.12))
            canvas.blend(ring, WHITE, 0.12)
            canvas.stroke(ring, rim, 0.011, closed=True)
        canvas.stroke([(0.475, EYE_Y), (0.525, EYE_Y)], rim, 0.011)


def _bow(canvas: Canvas, centre: tuple[float, float], size: float, colour: RGB, dark: RGB) -> None:
    x, y = centre
    for way in (-1, 1):
        loop = curve([(x, y), (x + way * 0.11 * size, y - 0.09 * size), (x + way * 0.14 * size, y + 0.05 * size)], 4,
                     closed=True)  # fmt: skip
        canvas.fill(loop, colour)
        canvas.stroke(loop, dark, 0.008, closed=True)
    canvas.ellipse((x, y), (0.028 * size, 0.034 * size), mix(colour, dark, 0.5))
