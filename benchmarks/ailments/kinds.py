"""Which kinds of trouble are right for an ailment: those of docs/doctor.md that name what was done or undo it."""

from __future__ import annotations

ACCEPTED: dict[str, frozenset[str]] = {
    "sign": frozenset({"generator works backwards"}),
    "rate": frozenset({"learning rate too high", "exploding", "not finite"}),  # of all three: a smaller learning rate
    # what normalisation is there against, and the kind that names it, which the doctor got after its first test
    "unnormalised": frozenset({"no normalisation", "vanishing", "dead layer", "dead units"}),
    "clip": frozenset({"saturated clipping", "vanishing", "discriminator too weak"}),  # all three speak of the clip
    "strong": frozenset({"discriminator too strong"}),
    "frozen": frozenset({"generator frozen"}),
    "dead": frozenset({"dead units", "dead layer"}),
    "tiny": frozenset({"too few images", "discriminator overfits"}),
    "leak": frozenset({"label leak"}),
    "overflow": frozenset({"not finite"}),
}
