"""What a toy face looks like: named attributes, drawn independently for every (seed, index)."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

RGB = tuple[int, int, int]

HAIR_COLORS: dict[str, RGB] = {
    "black": (62, 55, 72),
    "brown": (136, 88, 64),
    "blonde": (252, 220, 140),
    "red": (206, 64, 62),
    "orange": (244, 154, 82),
    "pink": (252, 172, 198),
    "purple": (160, 122, 206),
    "blue": (104, 152, 228),
    "green": (120, 200, 150),
    "silver": (222, 224, 236),
}
EYE_COLORS: dict[str, RGB] = {
    "brown": (132, 78, 48),
    "red": (210, 48, 58),
    "amber": (226, 156, 44),
    "green": (52, 164, 104),
    "blue": (56, 124, 216),
    "purple": (142, 84, 196),
}
SKINS: dict[str, RGB] = {"fair": (255, 236, 224), "light": (252, 222, 200), "tan": (228, 182, 148)}
HAIR_STYLES = ("long", "bob", "short", "twin-tails", "ponytail", "bun", "spiky")
BANGS = ("straight", "swept", "parted", "spiky")
EXPRESSIONS = ("smile", "open", "neutral", "pout", "sad")
POSES = ("left", "front", "right")
BACKGROUNDS = ("plain", "gradient", "sky", "room", "pattern")
ACCESSORIES = ("none", "ribbon", "hairpin", "glasses", "headband", "cat-ears")

MODES = tuple(f"{color} {style}" for color in HAIR_COLORS for style in HAIR_STYLES)

_SKIN_SHARES = (0.52, 0.38, 0.1)
_EXPRESSION_SHARES = (0.32, 0.24, 0.2, 0.12, 0.12)
_ACCESSORY_SHARES = (0.56, 0.12, 0.1, 0.08, 0.08, 0.06)
# What sticks out of the head needs a wider view to be seen.
_SCALES = {"twin-tails": (0.98, 1.14), "ponytail": (0.98, 1.14), "bun": (0.96, 1.12), "spiky": (1.0, 1.2)}


@dataclass(frozen=True)
class FaceAttributes:
    """All that decides a face's picture.

    The first nine are names that a person would use. Colours are RGB 0..255 after jitter; ``light`` is how much
    brighter the image gets towards the right and towards the bottom, and how warm it is; ``turn`` is the head's turn
    (-1 left .. 1 right in the image), ``tilt`` its tilt in degrees clockwise, ``scale`` and ``shift`` (in sides of the
    image) place it in the frame; ``eye_size`` is relative, ``eye_slant`` raises the outer corners (-1 .. 1), ``jaw``
    is 0 for a narrow chin and 1 for a round one; ``detail`` seeds strands and other small things.
    """

    hair_color: str
    hair_style: str
    bangs: str
    eye_color: str
    expression: str
    pose: str
    background: str
    accessory: str
    skin: str
    hair_rgb: RGB
    eye_rgb: RGB
    skin_rgb: RGB
    background_rgb: RGB
    clothes_rgb: RGB
    accent_rgb: RGB
    light: tuple[float, float, float]
    turn: float
    tilt: float
    scale: float
    shift: tuple[float, float]
    eye_size: float
    eye_slant: float
    jaw: float
    detail: int


def mode_of(face: FaceAttributes) -> str:
    """Return the name of the face's mode, one of ``MODES``: its hair colour and style."""
    return f"{face.hair_color} {face.hair_style}"


def sample_attributes(seed: int, index: int) -> FaceAttributes:
    """Draw the attributes of face ``index``; they depend on (seed, index) alone.

    Every name is drawn independently of the others, uniformly but for skin, expression and accessory; so all ``MODES``
    are equally likely.

    Args:
        seed: seed of the set, at least 0.
        index: position in the set, from 0.
    """
    rng = np.random.default_rng([seed, index])

    def pick(names: Sequence[str]) -> str:
        return names[int(rng.integers(len(names)))]

    hair, eye = pick(tuple(HAIR_COLORS)), pick(tuple(EYE_COLORS))
    skin = str(rng.choice(tuple(SKINS), p=_SKIN_SHARES))
    style, pose = pick(HAIR_STYLES), pick(POSES)
    turn = {"left": -1, "front": 0, "right": 1}[pose] * rng.uniform(0.45, 1) + rng.uniform(-0.12, 0.12)
    return FaceAttributes(
        hair_color=hair,
        hair_style=style,
        bangs=pick(BANGS),
        eye_color=eye,
        expression=str(rng.choice(EXPRESSIONS, p=_EXPRESSION_SHARES)),
        pose=pose,
        background=pick(BACKGROUNDS),
        accessory=str(rng.choice(ACCESSORIES, p=_ACCESSORY_SHARES)),
        skin=skin,
        hair_rgb=_jitter(HAIR_COLORS[hair], rng, 0.015, 0.15, 0.08),
        eye_rgb=_jitter(EYE_COLORS[eye], rng, 0.02, 0.1, 0.1),
        skin_rgb=_jitter(SKINS[skin], rng, 0.008, 0.2, 0.03),
        background_rgb=_random_colour(rng, (0.0, 0.5), (0.3, 1.1)),
        clothes_rgb=_random_colour(rng, (0.05, 0.7), (0.25, 0.95)),
        accent_rgb=_random_colour(rng, (0.5, 0.85), (0.6, 0.95)),
        light=(float(rng.uniform(-0.15, 0.15)), float(rng.uniform(-0.08, 0.14)), float(rng.uniform(-0.015, 0.06))),
        turn=float(turn),
        tilt=float(rng.normal(0, 9)),
        scale=float(rng.uniform(*_SCALES.get(style, (1.05, 1.32)))),
        shift=(float(rng.normal(0, 0.03)), float(rng.normal(0, 0.025))),
        eye_size=float(rng.uniform(0.86, 1.12)),
        eye_slant=float(rng.uniform(-1, 1)),
        jaw=float(rng.random()),
        detail=int(rng.integers(1 << 31)),
    )


def _jitter(rgb: RGB, rng: np.random.Generator, hue: float, saturation: float, value: float) -> RGB:
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in rgb))
    h = (h + rng.uniform(-hue, hue)) % 1
    s = min(1.0, s * (1 + rng.uniform(-saturation, saturation)))
    v = min(1.0, v * (1 + rng.uniform(-value, value)))
    return _to_rgb(h, s, v)


def _random_colour(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> RGB:
    return _to_rgb(rng.random(), rng.uniform(*saturation), min(1.0, rng.uniform(*value)))


def _to_rgb(h: float, s: float, v: float) -> RGB:
    r, g, b = colorsys.hsv_to_rgb(h, s, v)
    return round(r * 255), round(g * 255), round(b * 255)


def row(face: FaceAttributes) -> dict[str, object]:
    """Return the attributes as one CSV row; colours as ``#rrggbb``."""
    cells: dict[str, object] = {}
    for field in fields(face):
        value = getattr(face, field.name)
        if field.name.endswith("_rgb"):
            value = "#{:02x}{:02x}{:02x}".format(*value)
        elif isinstance(value, tuple):
            value = " ".join(f"{v:.4f}" for v in value)
        elif isinstance(value, float):
            value = f"{value:.4f}"
        cells[field.name] = value
    return cells
