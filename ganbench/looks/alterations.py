"""The library of alterations: what known faults do to real images, so that their traces are known by measurement."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganbench.looks import changes_of_colour as colours
from ganbench.looks import changes_of_detail as details
from ganbench.looks import changes_of_layout as layouts

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Alteration:
    """One way in which images go wrong, at one strength.

    Attributes:
        kind: of the finding.
        what: it is, in words that end the sentence "the images look like real ones that are ...".
        change: alters images, uint8 (n, H, W, 3), to as many of that size.
    """

    kind: str
    what: str
    change: Change

    def follows(self, next_one: Alteration) -> bool:
        """Tell whether the next one in the library is the same alteration, at the next strength."""
        return _unmeasured(self.what) == _unmeasured(next_one.what) and self.kind == next_one.kind


def _colours() -> list[Alteration]:
    found = []
    for factor in (0.4, 0.6, 0.8, 0.9, 1.1, 1.2, 1.4, 1.7):
        found.append(Alteration("brightness", _more(factor, "lighter", "darker"), colours.times(factor)))
    for levels in (-60, -30, -15, 15, 30, 60):
        found.append(Alteration("brightness", f"{_sign(levels)} by {abs(levels)} levels", colours.plus(levels)))
    for power in (0.5, 0.75, 1.35, 2.0):
        found.append(Alteration("brightness", f"{_sign(1 - power)} in the middle tones", colours.gamma(power)))
    for about in colours.MIDDLES:
        for factor in (0.25, 0.45, 0.65, 0.85, 1.2, 1.5, 2.0):
            said = _more(factor, "harsher", "flatter")
            found.append(Alteration("contrast", said, colours.contrast(factor, about)))
    for factor in (0.0, 0.25, 0.5, 0.75, 0.9, 1.15, 1.4, 1.8, 2.5):
        said = "grey" if factor == 0 else _more(factor, "more colourful", "paler")
        found.append(Alteration("saturation", said, colours.saturation(factor)))
    for degrees in (-120, -60, -30, -15, 15, 30, 60, 120, 180):
        found.append(Alteration("hue", f"turned in hue by {degrees} degrees", colours.hue(degrees)))
    found.append(Alteration("hue", "of swapped red and blue", colours.swapped))
    tints = {"red": 0, "green": 1, "blue": 2}
    for (name, channel), factor in itertools.product(tints.items(), (0.75, 0.9, 1.1, 1.25)):
        said = f"tinted {'towards' if factor > 1 else 'away from'} {name}"
        found.append(Alteration("hue", said, colours.tint(channel, factor)))
    for warm in (0.85, 0.93, 1.07, 1.15):
        said = f"tinted {'warm' if warm > 1 else 'cold'}"
        found.append(Alteration("hue", said, colours.warmth(warm)))
    for levels in (64, 32, 16, 8, 4, 2):
        found.append(Alteration("banding", f"of {levels} levels a channel", colours.levels(levels)))
    for count in (64, 24, 8):
        found.append(Alteration("banding", f"of a palette of {count} colours", colours.palette(count)))
    return found


def _details() -> list[Alteration]:
    found = []
    for radius in (0.3, 0.45, 0.6, 0.8, 1.1, 1.6, 2.4, 4.0):
        found.append(Alteration("sharpness", f"blurred with a radius of {radius:g} pixels", details.blur(radius)))
    for radius in (0.4, 0.7, 1.2, 2.0):
        found.append(Alteration("sharpness", f"blurred by boxes of {radius:g} pixels", details.boxes(radius)))
    for share in (0.85, 0.7, 0.5, 0.35, 0.25):
        found.append(Alteration("sharpness", f"made of {share:.0%} of the pixels a side", details.smaller(share)))
    for amount in (0.3, 0.7, 1.5, 3.0):
        found.append(Alteration("sharpness", "sharpened too much", details.sharpen(amount)))
    for of in details.GRAINS:
        for sigma in (2, 4, 8, 14, 24, 40):
            found.append(Alteration("noise", f"grainy{of} by {sigma} levels", details.noise(sigma, of)))
    for share in (0.003, 0.01, 0.03, 0.1):
        found.append(Alteration("noise", f"spotted in {share:.1%} of the pixels", details.spots(share)))
    for fine in (False, True):
        for quality in (92, 82, 65, 45, 25, 15, 8):
            found.append(Alteration("jpeg", f"compressed as JPEG of quality {quality}", details.jpeg(quality, fine)))
    for y, x, period in ((1, 1, 2), (0, 1, 2), (1, 0, 2), (1, 1, 4), (0, 1, 4), (1, 0, 4)):
        for levels in (2, 6, 18):
            said = f"overlaid with a pattern of {levels} levels every {period} pixels"
            found.append(Alteration("checkerboard", said, details.pattern(y, x, period, levels)))
    for period in (2, 4):
        for share in (0.03, 0.08, 0.2):
            said = f"uneven by {share:.0%} every {period} pixels"
            found.append(Alteration("checkerboard", said, details.uneven(share, period)))
    return found


def _layouts() -> list[Alteration]:
    return [*_borders(), *_places(), *_turns()]


def _borders() -> list[Alteration]:
    found = []
    for shade, colour in layouts.COLOURS.items():
        for width in (1, 2, 3, 4, 6, 8):
            said = f"with a {shade} frame, {width} pixels wide"
            found.append(Alteration("borders", said, layouts.border(width, colour, "tblr")))
        for width in (2, 4, 7):
            said = f"shrunk into a {shade} frame, {width} pixels wide"
            found.append(Alteration("borders", said, layouts.shrunk(width, colour)))
    for shade in ("black", "white"):
        for sides, name in (("tb", "bars above and below"), ("lr", "bars left and right")):
            for width in (1, 3, 7):
                said = f"with {shade} {name}, {width} pixels wide"
                found.append(Alteration("borders", said, layouts.border(width, layouts.COLOURS[shade], sides)))
    return found


def _places() -> list[Alteration]:
    found = []
    ways = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
    for (name, (y, x)), fill in itertools.product(ways.items(), layouts.FILLS):
        for share in (0.05, 0.1, 0.2):
            said = f"moved {name} by {share:.0%} of the side"
            found.append(Alteration("position", said, layouts.shift(y * share, x * share, fill)))
    for share in (0.06, 0.12, 0.2):
        found.append(Alteration("position", "moved this way and that", layouts.jitter(share)))
    for factor in (1.05, 1.1, 1.16, 1.23, 1.32, 1.45, 1.65, 2.0):
        found.append(Alteration("size", f"enlarged {factor:g} times", layouts.zoom(factor, "edge")))
    for fill in ("edge", "reflect"):
        for factor in (0.95, 0.88, 0.8, 0.65, 0.5):
            found.append(Alteration("size", f"made smaller, to {factor:.0%}", layouts.zoom(factor, fill)))
    return found


def _turns() -> list[Alteration]:
    found = []
    for way in ("left", "right"):
        found.append(Alteration("symmetry", f"mirrored, their {way} half on the other", layouts.mirror_half(way)))
    for share in (0.25, 0.5):
        found.append(Alteration("symmetry", "blended with their mirror images", layouts.mirror_blend(share)))
    found.append(Alteration("orientation", "upside down", layouts.upside_down))
    for degrees in (90, 180, 270):
        found.append(Alteration("orientation", f"turned by {degrees} degrees", layouts.quarter(degrees)))
    for fill in ("reflect", "black"):
        for degrees in (-45, -25, -10, 10, 25, 45):
            found.append(Alteration("orientation", f"turned by {degrees} degrees", layouts.turn(degrees, fill)))
    return found


def alterations() -> list[Alteration]:
    """Return the library, in a fixed order."""
    return [*_colours(), *_details(), *_layouts()]


def _more(factor: float, more: str, less: str) -> str:
    return f"{more if factor > 1 else less} by {abs(factor - 1):.0%}"


def _sign(value: float) -> str:
    return "lighter" if value > 0 else "darker"


def _unmeasured(text: str) -> str:
    """Return a text without its numbers."""
    return re.sub(r"-?\d[\d.]*%?", "#", text)
