"""What a toy face looks like: named attributes, drawn independently for every (seed, index)."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, fields

import numpy as np

RGB = tuple[int, int, int]

HAIR_COLORS: dict[str, RGB] = {
    "black": (52, 48, 62),
    "brown": (126, 82, 56),
    "blonde": (240, 208, 120),
    "red": (196, 58, 52),
    "orange": (236, 140, 64),
    "pink": (246, 160, 186),
    "purple": (142, 104, 182),
    "blue": (92, 132, 210),
    "green": (108, 176, 122),
    "silver": (206, 210, 222),
}
EYE_COLORS: dict[str, RGB] = {
    "brown": (128, 76, 44),
    "red": (206, 44, 52),
    "amber": (232, 164, 44),
    "green": (52, 160, 92),
    "blue": (56, 122, 214),
    "purple": (138, 80, 190),
}
SKINS: dict[str, RGB] = {"fair": (255, 232, 216), "light": (252, 220, 196), "tan": (232, 188, 152)}
HAIR_STYLES = ("long", "bob", "short", "twin-tails", "ponytail", "bun", "spiky")
BANGS = ("straight", "swept", "parted", "spiky")
EXPRESSIONS = ("smile", "open", "neutral", "pout", "sad")
POSES = ("left", "front", "right")
BACKGROUNDS = ("plain", "gradient", "sky", "room", "pattern")
ACCESSORIES = ("none", "ribbon", "hairpin", "glasses")

MODES = tuple(f"{color} {style}" for color in HAIR_COLORS for style in HAIR_STYLES)


@dataclass(frozen=True)
class FaceAttributes:
    """All that decides a face's picture.

    The first eight are names that a person would use. Colours are RGB 0..255 after jitter; ``turn`` is the head's turn
    (-1 left .. 1 right), ``tilt`` its tilt in degrees, ``scale`` and ``shift`` place it in the frame, ``detail`` seeds
    the strands and other small things.
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
    turn: float
    tilt: float
    scale: float
    shift: tuple[float, float]
    eye_size: float
    detail: int


def mode_of(face: FaceAttributes) -> str:
    """Return the name of the face's mode, one of ``MODES``: its hair colour and style."""
    return f"{face.hair_color} {face.hair_style}"


def sample_attributes(seed: int, index: int) -> FaceAttributes:
    """Draw the attributes of face ``index``; they depend on (seed, index) alone.

    Args:
        seed: seed of the set.
        index: position in the set, from 0.
    """
    rng = np.random.default_rng([seed, index])

    def pick(names) -> str:
        return str(rng.choice(list(names)))

    hair, eye, skin = pick(HAIR_COLORS), pick(EYE_COLORS), pick(SKINS)
    pose = pick(POSES)
    turn = {"left": -1.0, "front": 0.0, "right": 1.0}[pose] * rng.uniform(0.5, 1.0) + rng.uniform(-0.15, 0.15)
    return FaceAttributes(
        hair_color=hair,
        hair_style=pick(HAIR_STYLES),
        bangs=pick(BANGS),
        eye_color=eye,
        expression=pick(EXPRESSIONS),
        pose=pose,
        background=pick(BACKGROUNDS),
        accessory=str(rng.choice(ACCESSORIES, p=[0.55, 0.18, 0.15, 0.12])),
        skin=skin,
        hair_rgb=_jitter(HAIR_COLORS[hair], rng, 0.015, 0.12, 0.08),
        eye_rgb=_jitter(EYE_COLORS[eye], rng, 0.02, 0.1, 0.1),
        skin_rgb=_jitter(SKINS[skin], rng, 0.008, 0.05, 0.03),
        background_rgb=_random_colour(rng, (0.05, 0.5), (0.55, 1.0)),
        clothes_rgb=_random_colour(rng, (0.1, 0.8), (0.25, 0.95)),
        accent_rgb=_random_colour(rng, (0.5, 0.9), (0.6, 0.95)),
        turn=float(turn),
        tilt=float(rng.normal(0, 8)),
        scale=float(rng.uniform(1.05, 1.38)),
        shift=(float(rng.normal(0, 0.035)), float(rng.normal(-0.01, 0.03))),
        eye_size=float(rng.uniform(0.88, 1.12)),
        detail=int(rng.integers(1 << 31)),
    )


def _jitter(rgb: RGB, rng: np.random.Generator, hue: float, saturation: float, value: float) -> RGB:
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in rgb))
    h = (h + rng.uniform(-hue, hue)) % 1
    s = float(np.clip(s * (1 + rng.uniform(-saturation, saturation)), 0, 1))
    v = float(np.clip(v * (1 + rng.uniform(-value, value)), 0, 1))
    return _to_rgb(h, s, v)


def _random_colour(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> RGB:
    return _to_rgb(float(rng.random()), float(rng.uniform(*saturation)), float(rng.uniform(*value)))


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
        elif field.name == "shift":
            value = f"{value[0]:.4f} {value[1]:.4f}"
        elif isinstance(value, float):
            value = f"{value:.4f}"
        cells[field.name] = value
    return cells
