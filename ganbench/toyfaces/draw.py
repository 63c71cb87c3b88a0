"""Drawing a face, from back to front."""

from __future__ import annotations

import numpy as np

from ganbench.toyfaces.attributes import FaceAttributes
from ganbench.toyfaces.canvas import SUPERSAMPLE, Canvas
from ganbench.toyfaces.face import draw_features, draw_head, head_outline
from ganbench.toyfaces.hair import bang_paths, draw_back_hair, draw_front_hair, lock_outline
from ganbench.toyfaces.scenery import draw_accessory, draw_background, draw_body, draw_ears_of_cat

_TOP_OF_HEAD = np.array([(0.3, 0.09), (0.5, 0.045), (0.7, 0.09)])


def _canvas(face: FaceAttributes, size: int) -> Canvas:
    return Canvas(size, scale=face.scale, tilt=face.tilt, shift=face.shift, turn=face.turn)


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
    canvas = _canvas(face, size)
    behind, body, surface = canvas.layer(-0.4), canvas.layer(0.4), canvas.layer(1.0)
    draw_background(canvas, face, rng)
    draw_back_hair(behind, face, rng)
    if face.accessory == "cat-ears":
        draw_ears_of_cat(surface, face)
    draw_body(body, face)
    bangs = bang_paths(face, rng)
    draw_head(surface, face, [lock_outline(path, width) for path, width in bangs])
    draw_features(surface, face)
    draw_front_hair(surface, face, bangs, rng)
    draw_accessory(surface, face)
    return canvas.finish(face.light)


def face_box(face: FaceAttributes, size: int = 64) -> tuple[float, float, float, float]:
    """Return the box around the head without loose hair, (x0, y0, x1, y1) in pixels, clipped to the image."""
    head = np.vstack([head_outline(face), _TOP_OF_HEAD])
    outline = _canvas(face, size).layer(1.0).place(head) / SUPERSAMPLE
    (x0, y0), (x1, y1) = outline.min(0).clip(0, size), outline.max(0).clip(0, size)
    return float(x0), float(y0), float(x1), float(y1)
