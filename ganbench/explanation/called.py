"""What measures of looks are called in sentences: their names are short, and stable for programs."""

from __future__ import annotations

from ganbench.looks.colour import HUES
from ganbench.looks.grain import FLATS
from ganbench.looks.layout import CELLS, COARSE
from ganbench.looks.spectrum import BANDS
from ganbench.looks.spectrum import COARSE as COLOUR_BANDS

_WHOLE = {
    "light": "mean light", "spread": "spread of light", "dark end": "light of the darkest 2 %",
    "light end": "light of the lightest 2 %", "blocks across": "steps across the edges of 8x8 blocks",
    "blocks along": "steps along the edges of 8x8 blocks",
    "blocks of colour": "steps of colour at the edges of 8x8 blocks",
    "empty colour": "share of coefficients without colour",
    "levels": "levels in use", "colours": "colours in use", "mirror": "difference from the mirror image",
    "mirror detail": "difference of detail from the mirror image",
    "mirror exact": "share of pixels that differ from the mirror image",
}  # fmt: skip


def called(name: str) -> str:
    """Return a measure's name as a sentence says it.

    Args:
        name: of ``ganbench.looks.measures.NAMES``.
    """
    if name in _WHOLE:
        return _WHOLE[name]
    kind, *numbers = name.split()
    match kind, numbers:
        case "power", [ring]:
            return f"power at frequency {ring} (0 coarse, {BANDS - 1} finest)"
        case "colour", ["power", ring]:
            return f"power of colour at frequency {ring} (0 coarse, {COLOUR_BANDS - 1} finest)"
        case "peak" | "about", [y, x]:
            where = "near" if kind == "about" else "at"
            return f"power {where} the pattern of {y} cycles a pixel down, {x} across"
        case "empty", [limit]:
            return f"share of coefficients that are nearly nothing (limit {limit} of 0 to {FLATS - 1})"
        case "hue", [part]:
            width = 360 // HUES
            return f"share of hues from {int(part) * width} to {int(part) * width + width} degrees"
        case "cell" | "blue" | "red" | "detail", [y, x]:
            side = CELLS if kind == "cell" else COARSE
            return f"{'light' if kind == 'cell' else kind} in row {int(y) + 1}, column {int(x) + 1} of {side}"
        case "edge", ["light", side]:
            return f"light along the {side} edge"
        case "edge", [side]:
            return f"spread along the {side} edge"
        case "step", [depth, side]:
            return f"step {depth} pixels from the {side} edge"
    return name
