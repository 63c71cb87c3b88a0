"""The faults, and how strong each is.

Strengths were fixed by looking at spoilt faces (``--show``) before anything was explained: ``clear`` and ``strong`` are
seen by whoever looks closely, or by a plain measure: shares of kinds that no draw of real faces gives, FD that none of
their sets has. ``subtle`` may be overlooked.
"""

from __future__ import annotations

from blemishes import choices, colours, places, textures
from blemishes.base import Fault

FAULTS: tuple[Fault, ...] = (
    Fault("hue", "all colours turned by 5, 15, 30 degrees", (5, 15, 30), colours.turn_hue, number=colours.hue),
    Fault(
        "saturation",
        "a tenth, 30 %, half of the chroma taken away, or the reverse",
        (0.1, 0.3, 0.5),
        colours.change_saturation,
        number=colours.saturation,
    ),
    Fault(
        "brightness",
        "5, 15, 30 of 255 levels lighter or darker",
        (5, 15, 30),
        colours.change_brightness,
        number=colours.brightness,
    ),
    Fault(
        "contrast",
        "8, 20, 40 % of the contrast taken away, or the reverse",
        (0.08, 0.2, 0.4),
        colours.change_contrast,
        number=colours.contrast,
    ),
    Fault("blur", "Gaussian of 0.35, 0.6, 1 pixels", (0.35, 0.6, 1.0), textures.blur),
    Fault("grain", "noise of 3, 7, 14 levels", (3, 7, 14), textures.grain),
    Fault("checkerboard", "every second pixel 1.5, 4, 8 levels off", (1.5, 4, 8), textures.checkerboard),
    Fault("jpeg", "JPEG of quality 80, 50, 25", (80, 50, 25), textures.jpeg),
    Fault("banding", "40, 16, 8 values a channel", (40, 16, 8), textures.banding),
    Fault("border", "a frame of one pixel at 20 and 60 %, of two at 100 %", (0.2, 0.6, 2.0), places.frame),
    Fault("position", "moved by 1, 4, 7 pixels", (1, 4, 7), places.shift),
    Fault("size", "larger or smaller by 4, 12, 25 %", (1.04, 1.12, 1.25), places.zoom, before_resize=True),
    Fault("symmetry", "10, 40, 90 % made of one half and its mirror image", (0.1, 0.4, 0.9), places.mirror),
    Fault("missing", "1, 3, 5 of 12 kinds left out", (1, 3, 5), choice=choices.drop_kinds),
    Fault("favoured", "one kind makes up 16, 28, 40 %", (0.16, 0.28, 0.4), choice=choices.favour_kind),
    Fault("variety", "only the middle 75, 50, 30 % of every kind", (0.75, 0.5, 0.3), choice=choices.stay_central),
    Fault("repeats", "3, 10, 30 % are others again", (0.03, 0.1, 0.3), choices.repeat),
    Fault("strangers", "1, 4, 10 % are no faces", (0.01, 0.04, 0.1), choices.strangers),
)
