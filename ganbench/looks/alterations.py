"""The library of alterations: what known faults do to real images, so that their traces are known by measurement."""

from __future__ import annotations

import itertools
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
        what: it is, in words that end the sentence "the images look as real ones do that are ...".
        change: alters images, uint8 (n, H, W, 3), to as many of that size.
    """

    kind: str
    what: str
    change: Change


def _colours() -> list[Alteration]:
    found = []
    for factor in (0.4, 0.6, 0.8, 0.9, 1.1, 1.2, 1.4, 1.7):
        found.append(Alteration("brightness", _more(factor, "lighter", "darker"), colours.times(factor)))
    for levels in (-60, -30, -15, 15, 30, 60):
        found.append(Alteration("brightness", f"{_sign(levels)} by {abs(levels)} levels", colours.plus(levels)))
    for power in (0.5, 0.75, 1.35, 2.0):
        found.append(Alteration("brightness", f"{_sign(1 - power)} in the middle tones", colours.gamma(power)))
    for factor in (0.25, 0.45, 0.65, 0.85, 1.2, 1.5, 2.0):
        said = _more(factor, "harsher", "flatter")
        found += [Alteration("contrast", said, colours.contrast(factor, about)) for about in ("grey", "own")]
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
    for levels in (32, 16, 10, 6, 4, 2):
        found.append(Alteration("banding", f"of {levels} levels a channel", colours.levels(levels)))
    for count in (64, 24, 8):
        found.append(Alteration("banding", f"of a palette of {count} colours", colours.palette(count)))
    return found


def _details() -> list[Alteration]:
    found = []
    for radius in (0.4, 0.55, 0.75, 1.0, 1.5, 2.2, 3.5):
        found.append(Alteration("sharpness", f"blurred with a radius of {radius:g} pixels", details.blur(radius)))
    for share in (0.75, 0.5, 0.35, 0.25):
        found.append(Alteration("sharpness", f"made of {share:.0%} of the pixels a side", details.smaller(share)))
    found.append(Alteration("sharpness", "smoothed by a median", details.median(3)))
    found += [Alteration("sharpness", "blurred along a line", details.motion(length)) for length in (3, 5)]
    for amount in (0.3, 0.7, 1.5, 3.0):
        found.append(Alteration("sharpness", "sharpened too much", details.sharpen(amount)))
    for sigma in (2, 4, 7, 12, 20, 35):
        found.append(Alteration("noise", f"grainy by {sigma} levels", details.noise(sigma, coloured=True)))
        found.append(Alteration("noise", f"grainy in grey by {sigma} levels", details.noise(sigma, coloured=False)))
    for share in (0.003, 0.01, 0.03, 0.1):
        found.append(Alteration("noise", f"spotted in {share:.1%} of the pixels", details.spots(share)))
    for quality, fine in itertools.product((92, 85, 75, 60, 40, 25, 15, 8), (False, True)):
        found.append(Alteration("jpeg", f"compressed as JPEG of quality {quality}", details.jpeg(quality, fine)))
    patterns = ((1, 1, 2), (0, 1, 2), (1, 0, 2), (1, 1, 4), (0, 1, 4), (1, 0, 4))
    for (y, x, period), levels in itertools.product(patterns, (2, 5, 10, 20)):
        said = f"overlaid with a pattern of {levels} levels every {period} pixels"
        found.append(Alteration("checkerboard", said, details.pattern(y, x, period, levels)))
    for share, period in itertools.product((0.03, 0.08, 0.2), (2, 4)):
        said = f"uneven by {share:.0%} every {period} pixels"
        found.append(Alteration("checkerboard", said, details.uneven(share, period)))
    return found


def _layouts() -> list[Alteration]:
    found = []
    for width, colour in itertools.product((1, 2, 4, 7), (0, 128, 255)):
        shade = {0: "black", 128: "grey", 255: "white"}[colour]
        for sides, name in (("tblr", "frame"), ("tb", "bars above and below"), ("lr", "bars left and right")):
            said = f"with {'a ' if sides == 'tblr' else ''}{shade} {name}, {width} pixels wide"
            found.append(Alteration("borders", said, layouts.border(width, colour, sides)))
        if width > 1:
            said = f"shrunk into a {shade} frame, {width} pixels wide"
            found.append(Alteration("borders", said, layouts.shrunk(width, colour)))
    ways = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
    for (name, (y, x)), share, fill in itertools.product(ways.items(), (0.04, 0.1, 0.2), layouts.FILLS):
        said = f"moved {name} by {share:.0%} of the side"
        found.append(Alteration("position", said, layouts.shift(y * share, x * share, fill)))
    for share in (0.06, 0.12, 0.2):
        found.append(Alteration("position", "moved this way and that", layouts.jitter(share)))
    for factor in (1.08, 1.2, 1.4, 1.8):
        found.append(Alteration("size", f"enlarged {factor:g} times", layouts.zoom(factor, "edge")))
    for factor, fill in itertools.product((0.92, 0.8, 0.65, 0.5), ("edge", "reflect")):
        found.append(Alteration("size", f"made smaller, to {factor:.0%}", layouts.zoom(factor, fill)))
    for way in ("left", "right"):
        found.append(Alteration("symmetry", f"mirrored, their {way} half on the other", layouts.mirror_half(way)))
    for share in (0.25, 0.5):
        found.append(Alteration("symmetry", "blended with their mirror images", layouts.mirror_blend(share)))
    found.append(Alteration("orientation", "upside down", layouts.upside_down))
    for degrees in (90, 180, 270):
        found.append(Alteration("orientation", f"turned by {degrees} degrees", layouts.quarter(degrees)))
    for degrees, fill in itertools.product((-40, -20, -10, 10, 20, 40), ("reflect", "black")):
        found.append(Alteration("orientation", f"turned by {degrees} degrees", layouts.turn(degrees, fill)))
    return found


def alterations() -> list[Alteration]:
    """Return the library, in a fixed order."""
    return [*_colours(), *_details(), *_layouts()]


def _more(factor: float, more: str, less: str) -> str:
    return f"{more if factor > 1 else less} by {abs(factor - 1):.0%}"


def _sign(value: float) -> str:
    return "lighter" if value > 0 else "darker"
