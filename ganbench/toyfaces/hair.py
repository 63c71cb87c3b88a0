"""Hair: what hangs behind the head, and what falls in front of it. Everything is made of tapering locks."""

from __future__ import annotations

import numpy as np

from ganbench.toyfaces.attributes import RGB, FaceAttributes
from ganbench.toyfaces.canvas import Canvas, Point, curve, mirrored, mix, quadratic

WHITE = (255, 255, 255)
_NIGHT = (62, 38, 92)  # shadows on hair lean to violet

_STEPS = 8
_T = np.linspace(0, 1, _STEPS + 1)[:, None]
# Half width of a lock along its length: full to beyond the middle, then down to a point.
_PROFILE = (1 - _T) ** 0.85 * (0.8 + 1.1 * _T)

LockPath = tuple[Point, Point, Point]
Tones = tuple[RGB, RGB, RGB]

# The skull with its hair, left half, from the temple to the crown.
_CROWN = [(0.163, 0.52), (0.148, 0.38), (0.185, 0.21), (0.3, 0.09), (0.42, 0.045)]


def crown_outline() -> np.ndarray:
    """Return the outline of the skull with its hair from temple over the crown to temple, (M, 2)."""
    return curve(mirrored(_CROWN), 6)


def shade(face: FaceAttributes) -> RGB:
    """Return the colour of hair in shadow."""
    return mix(face.hair_rgb, _NIGHT, 0.2)


def line(face: FaceAttributes) -> RGB:
    """Return the colour of the lines between strands."""
    return mix(face.hair_rgb, _NIGHT, 0.52)


def _tones(face: FaceAttributes) -> Tones:
    return face.hair_rgb, shade(face), line(face)


def _strip(path: LockPath, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle line of a lock and the vectors from it to one edge, both (M, 2)."""
    root, control, tip = (np.asarray(p, float) for p in path)
    middle = (1 - _T) ** 2 * root + 2 * _T * (1 - _T) * control + _T**2 * tip
    along = (1 - _T) * (control - root) + _T * (tip - control)
    across = np.stack([-along[:, 1], along[:, 0]], 1) / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
    return middle, across * _PROFILE * width


def lock_outline(path: LockPath, width: float) -> np.ndarray:
    """Return the outline of a lock, (M, 2), from one side of its root over the tip to the other side.

    Args:
        path: root, control point and tip of the quadratic curve along its middle.
        width: half of its greatest width.
    """
    middle, half = _strip(path, width)
    return np.vstack([middle - half, (middle + half)[-2::-1]])


def _lock(canvas: Canvas, path: LockPath, width: float, tones: Tones, shadow_side: float = 0) -> None:
    """Draw one lock; its outline is open at the root, so that it grows out of what is there.

    Args:
        canvas: where to.
        path: as in ``lock_outline``.
        width: as in ``lock_outline``.
        tones: colours of fill, shadow and outline.
        shadow_side: which half of a hanging lock lies in shadow: 1 the left one, -1 the right one, 0 none.
    """
    middle, half = _strip(path, width)
    outline = np.vstack([middle - half, (middle + half)[-2::-1]])
    canvas.fill(outline, tones[0])
    if shadow_side:
        canvas.fill(np.vstack([middle + half * shadow_side * 0.45, (middle + half * shadow_side)[::-1]]), tones[1])
    canvas.stroke(outline, tones[2], 0.007)


def draw_back_hair(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    """Draw the hair behind neck and face."""
    dark, edge = shade(face), line(face)
    tones = (dark, mix(face.hair_rgb, _NIGHT, 0.33), edge)
    style = face.hair_style
    if style == "twin-tails":
        _twin_tails(canvas, face, rng)
    elif style == "ponytail":
        _ponytail(canvas, face, rng)
    elif style == "bun":
        _buns(canvas, face)
    elif style == "spiky":
        _spikes(canvas, face, rng)
    reach = {"long": 1.35, "bob": 0.86}.get(style, 0.74)
    wide = {"long": 0.4, "bob": 0.41}.get(style, 0.365)
    mass = curve(mirrored([(0.5 - wide + 0.05, reach), (0.5 - wide, reach - 0.16), (0.5 - wide, 0.5), *_CROWN[2:]]), 5)
    canvas.fill(mass, dark)
    canvas.stroke(mass, edge, 0.007)
    for side in (-1, 1):
        if style == "long":
            for x, tip in ((0.3, 1.3), (0.37, 1.25), (0.41, 1.15)):
                x, tip = x + rng.uniform(-0.015, 0.015), tip + rng.uniform(-0.1, 0.1)
                sway = rng.uniform(-0.03, 0.06)
                path = ((0.5 + side * (x - 0.03), 0.42), (0.5 + side * (x + 0.05), 0.8), (0.5 + side * (x + sway), tip))
                _lock(canvas, path, 0.065, tones, side)
        elif style == "bob":
            for x in (0.36, 0.29):
                path = ((0.5 + side * x, 0.45), (0.5 + side * (x + 0.09), 0.75), (0.5 + side * (x - 0.08), 0.93))
                _lock(canvas, path, 0.07, tones, -side)
        elif style in ("short", "spiky"):
            for x, tip in ((0.35, 0.72), (0.3, 0.8), (0.22, 0.84)):
                path = ((0.5 + side * (x - 0.02), 0.5), (0.5 + side * x, 0.66), (0.5 + side * (x + 0.05), tip))
                _lock(canvas, path, 0.055, tones)


def _twin_tails(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    for side in (-1, 1):
        root = (0.5 + side * 0.3, 0.26)
        for out, tip, width in ((0.3, 0.98, 0.07), (0.24, 1.12, 0.085), (0.16, 1.2, 0.08)):
            out += rng.uniform(-0.02, 0.02)
            path = (root, (0.5 + side * (0.36 + out), 0.3), (0.5 + side * (0.22 + out), tip + rng.uniform(-0.06, 0.06)))
            _lock(canvas, path, width, _tones(face), side)


def _ponytail(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    side = -1 if face.turn > 0 else 1
    root = (0.5 + side * 0.17, 0.1)
    for out, tip, width in ((0.5, 0.72, 0.07), (0.43, 0.96, 0.095), (0.34, 1.08, 0.08)):
        path = (root, (0.5 + side * (out + 0.16), 0.0), (0.5 + side * (out + rng.uniform(-0.02, 0.02)), tip))
        _lock(canvas, path, width, _tones(face), side)
    canvas.ellipse((root[0] + side * 0.02, root[1] - 0.02), (0.05, 0.045), face.accent_rgb)


def _buns(canvas: Canvas, face: FaceAttributes) -> None:
    places = ((0.5, 0.0),) if face.detail % 3 == 0 else ((0.21, 0.1), (0.79, 0.1))
    radius = 0.15 if len(places) == 1 else 0.125
    for x, y in places:
        canvas.ellipse((x, y), (radius + 0.005, radius), line(face))
        canvas.ellipse((x, y), (radius - 0.005, radius - 0.01), shade(face))
        canvas.ellipse((x - 0.015, y - 0.015), (radius * 0.75, radius * 0.72), face.hair_rgb)
        strand = quadratic((x - radius * 0.6, y + 0.03), (x, y - radius), (x + radius * 0.7, y))
        canvas.stroke(strand, line(face), 0.007)


def _spikes(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    """Draw locks that stand off the skull all around the crown."""
    lean = float(rng.choice((-1, 1))) * 0.22

    def at(distance: float, direction: np.ndarray) -> Point:
        x, y = np.array([0.5, 0.38]) + distance * direction
        return float(x), float(y)

    for angle in np.linspace(-3.3, 0.16, 10) + rng.uniform(-0.1, 0.1, 10):
        outward = np.array([np.cos(angle), np.sin(angle)])
        bent = np.array([np.cos(angle + lean), np.sin(angle + lean)])
        path = (at(0.2, outward), at(0.36, outward), at(rng.uniform(0.5, 0.62), bent))
        _lock(canvas, path, 0.12, _tones(face), float(np.sign(lean)))


def bang_paths(face: FaceAttributes, rng: np.random.Generator) -> list[tuple[LockPath, float]]:
    """Return path and half width of every lock on the forehead, in the order of drawing."""
    way = 1 if face.detail % 2 else -1
    locks = []

    def add(part: float, x: float, y: float, width: float, bow: float = 0.0) -> None:
        x, y = x + rng.uniform(-0.012, 0.012), y + rng.uniform(-0.02, 0.02)
        root = (0.5 + part + (x - part) * 0.35, 0.16)
        control = (0.5 + part + (x - part) * 0.95 + bow, 0.24)
        locks.append(((root, control, (0.5 + x, y)), width * rng.uniform(0.9, 1.15)))

    if face.bangs == "straight":
        for x in (-0.3, 0.3, -0.21, 0.21, -0.125, 0.125, -0.04, 0.045):
            add(0, x, 0.5 + 0.4 * x * x, 0.062)
    elif face.bangs == "swept":
        for x, y in ((-0.33, 0.62), (-0.24, 0.53), (0.33, 0.64), (0.3, 0.56), (0.22, 0.53), (0.12, 0.51), (0.0, 0.49)):
            add(-0.16 * way, x * way, y, 0.068, -0.05 * way if x > -0.2 else 0.02 * way)
    elif face.bangs == "parted":
        for x, y, width in ((0.35, 0.74, 0.06), (0.32, 0.62, 0.075), (0.25, 0.53, 0.085), (0.16, 0.45, 0.075)):
            for side in (-1, 1):
                add(0.03 * way, x * side, y, width, 0.06 * side)
    else:
        for x, y, width in ((-0.31, 0.58, 0.075), (0.31, 0.58, 0.075), (-0.2, 0.56, 0.075), (0.2, 0.53, 0.075),
                            (-0.09, 0.49, 0.06), (0.11, 0.5, 0.06), (0.015, 0.6, 0.07)):  # fmt: skip
            add(0.04 * way, x * way, y, width, 0.015 * way)
    return locks


def draw_front_hair(
    canvas: Canvas,
    face: FaceAttributes,
    bangs: list[tuple[LockPath, float]],
    rng: np.random.Generator,
) -> None:
    """Draw side locks, the cap, the bangs and the ring of light."""
    tones = base, dark, edge = _tones(face)
    length = {"short": 0.7, "spiky": 0.68, "bob": 0.86, "long": 1.02, "twin-tails": 0.9}.get(face.hair_style, 0.84)
    for side in (-1, 1):
        for x, drop, width in ((0.335, 0.0, 0.05), (0.3, -0.1, 0.038)):
            x += rng.uniform(-0.01, 0.01)
            tip = (0.5 + side * (x - 0.02 + rng.uniform(-0.02, 0.03)), length + drop + rng.uniform(-0.05, 0.05))
            path = ((0.5 + side * (x - 0.02), 0.36), (0.5 + side * (x + 0.035), 0.58), tip)
            _lock(canvas, path, width, tones, -side)
    crown = crown_outline()
    peak = 0.06 if face.bangs == "parted" else 0.14
    hairline = quadratic((0.8, 0.47), (0.5, peak), (0.2, 0.47), 8)
    canvas.fill(np.vstack([crown, hairline]), base)
    canvas.stroke(crown, edge, 0.008)
    for path, width in bangs:
        _lock(canvas, path, width, tones, 1 if path[2][0] < 0.5 else -1)
    # The far sides of the cap turn away from the light.
    cap = np.vstack([crown, hairline])
    for side in (-1, 1):
        x = 0.5 + side * 0.36
        canvas.blend(curve([(x, 0.5), (x - side * 0.075, 0.36), (x - side * 0.09, 0.22), (x - side * 0.02, 0.1),
                            (x + side * 0.1, 0.3)], closed=True), dark, 0.4, clip=cap)  # fmt: skip
    part = 0.5 + (0.03 if face.detail % 2 else -0.03)
    for x in rng.uniform(-0.26, 0.26, 5):
        canvas.stroke(quadratic((part + x * 0.3, 0.075), (0.5 + x, 0.12), (0.5 + x * 1.1, 0.24)), dark, 0.006)
    _ring_of_light(canvas, face, rng)
    if face.detail % 5 == 0:  # a lone hair that stands up
        tip = (0.5 + rng.choice((-1, 1)) * 0.13, 0.0)
        _lock(canvas, ((0.5, 0.06), (0.5, -0.09), tip), 0.022, tones)


def _ring_of_light(canvas: Canvas, face: FaceAttributes, rng: np.random.Generator) -> None:
    """Draw the ring of light that follows the skull: patches with ragged edges."""
    light = mix(face.hair_rgb, WHITE, 0.55)
    for start, end in ((-0.26, -0.14), (-0.115, 0.11), (0.135, 0.24)):
        x = np.linspace(start, end, max(5, round((end - start) / 0.025)))
        y = 0.21 + 0.9 * x**2
        ragged = rng.uniform(0.008, 0.034, (2, len(x)))
        ragged[:, [0, -1]] = 0
        patch = np.vstack([np.stack([0.5 + x, y - ragged[0]], 1), np.stack([0.5 + x, y + ragged[1]], 1)[::-1]])
        canvas.blend(patch, light, 0.85)
