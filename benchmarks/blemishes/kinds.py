"""Which kind of finding is right for a fault: the one of docs/explaining.md that says what was done, and no other."""

from __future__ import annotations

ACCEPTED: dict[str, frozenset[str]] = {
    "hue": frozenset({"hue"}),
    "saturation": frozenset({"saturation"}),
    "brightness": frozenset({"brightness"}),
    "contrast": frozenset({"contrast"}),
    "blur": frozenset({"sharpness"}),
    "grain": frozenset({"noise"}),
    "checkerboard": frozenset({"checkerboard"}),
    "jpeg": frozenset({"jpeg"}),
    "banding": frozenset({"banding"}),
    "border": frozenset({"borders"}),
    "position": frozenset({"position"}),
    "size": frozenset({"size"}),
    "symmetry": frozenset({"symmetry"}),
    "missing": frozenset({"missing_kinds"}),
    "favoured": frozenset({"excess_kinds"}),
    "variety": frozenset({"low_variety"}),
    "repeats": frozenset({"repeats"}),
    "strangers": frozenset({"outliers"}),
}
