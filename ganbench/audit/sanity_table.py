"""The fifteen synthetic checks as a table: what is drawn, along which line, and by which rules it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ganbench.audit import sanity_sets as sets
from ganbench.audit.sanity_rules import (
    Rule,
    bell,
    climbs,
    falls,
    grows,
    level,
    low_or_high,
    near,
    settles,
    steady,
    valley,
    wide,
)

Rules = Mapping[str, Sequence[tuple[str, Rule]]]  # by what is asked: what the rule is about, and the rule


@dataclass(frozen=True)
class Synthetic:
    """One synthetic check: two distributions that change along a line, and the rules for what metrics say of them.

    Attributes:
        title: For tables.
        variants: Of the distributions.
        along: Settings along the line, of a variant, so many.
        real: Draws the real side.
        fake: Draws the fake side.
        rules: By what a metric asks.
        moving: Whether the real side changes along the line too.
    """

    title: str
    variants: tuple[Any, ...]
    along: Callable[[Any, int], list[float]]
    real: sets.Draw
    fake: sets.Draw
    rules: Rules
    moving: bool = False
    by_variant: Mapping[Any, Rules] = field(default_factory=dict)

    def rules_of(self, asks: str, variant: Any) -> list[tuple[str, Rule]]:
        """Return the rules of metrics that ask so much, for a variant."""
        return [*self.rules.get(asks, ()), *self.by_variant.get(variant, {}).get(asks, ())]


def _both(*rules: tuple[str, Rule]) -> dict[str, Sequence[tuple[str, Rule]]]:
    return {"fidelity": rules, "diversity": rules}


_EQUAL = ("bounds", near(1.0, 0.0))
_APART = ("bounds", near(0.0, "first")), ("bounds", near(0.0, "last"))
_BELL: Rules = _both(_EQUAL, *_APART, ("purpose", bell(0.0))) | {"distance": [("purpose", valley(0.0))]}
_SAME_AT_FIRST = ("bounds", near(1.0, "first"))
_DIMENSIONS = (1, 8, 64)

SYNTHETIC: dict[str, Synthetic] = {
    "shift": Synthetic("means apart", _DIMENSIONS, sets.around_zero, sets.normal, sets.shifted, _BELL),
    "outlier": Synthetic(
        "means apart, and an outlier",
        tuple((side, d) for side in ("real", "fake") for d in _DIMENSIONS),
        sets.around_zero,
        partial(sets.with_outlier, side="real", draw=sets.normal),
        partial(sets.with_outlier, side="fake", draw=sets.shifted),
        _BELL,
    ),
    "width": Synthetic(
        "widths apart",
        _DIMENSIONS,
        sets.widths,
        sets.normal,
        sets.widened,
        {
            "fidelity": [
                ("bounds", near(1.0, 1.0)),
                ("bounds", near(1.0, "first")),
                ("bounds", near(0.0, "last")),
                ("purpose", falls()),
            ],
            "diversity": [
                ("bounds", near(1.0, 1.0)),
                ("bounds", near(0.0, "first")),
                ("bounds", wide("last")),
                ("purpose", low_or_high(bell(1.0), climbs())),
            ],
            "distance": [("purpose", valley(1.0))],
        },
    ),
    "modes fading": Synthetic(
        "nine of ten modes fade",
        _DIMENSIONS,
        sets.fractions,
        sets.all_modes,
        sets.faded_modes,
        {
            "fidelity": [_SAME_AT_FIRST, ("bounds", near(1.0, "last")), ("purpose", level())],
            "diversity": [_SAME_AT_FIRST, ("purpose", falls(0.96))],
            "distance": [("purpose", grows(0.96))],
        },
    ),
    "modes dropped": Synthetic(
        "modes dropped one by one",
        _DIMENSIONS,
        lambda variant, points: [0, 1, 2, 4, 6, 8, 9],
        sets.all_modes,
        sets.fewer_modes,
        {
            "fidelity": [_SAME_AT_FIRST, ("bounds", near(1.0, "last")), ("purpose", level())],
            "diversity": [_SAME_AT_FIRST, ("purpose", falls(4))],
            "distance": [("purpose", grows(4))],
        },
    ),
    "modes invented": Synthetic(
        "modes dropped or invented",
        (5,),
        lambda variant, points: [1, 2, 3, 4, 5, 6, 8, 10],
        sets.real_centres,
        sets.first_centres,
        {
            "fidelity": [("bounds", near(1.0, 5)), ("bounds", near(1.0, "first")), ("purpose", falls())],
            "diversity": [("bounds", near(1.0, 5)), ("bounds", near(1.0, "last")), ("purpose", climbs())],
            "distance": [("purpose", valley(5))],
        },
    ),
    "surface": Synthetic(
        "surfaces of balls",
        (2, 16, 128),
        sets.radii,
        sets.surface_of_one,
        sets.surface,
        _both(("bounds", near(1.0, 1.0)), *_APART, ("purpose", bell(1.0))) | {"distance": [("purpose", valley(1.0))]},
    ),
    "number": Synthetic(
        "cubes that overlap by a fifth, more and more images",
        _DIMENSIONS,
        sets.numbers,
        partial(sets.cube, away=False),
        partial(sets.cube, away=True),
        _both(("data", settles()), ("purpose", near(0.2, "last"))) | {"distance": [("data", steady(late=True))]},
        moving=True,
    ),
    "fake number": Synthetic(
        "the same, more and more fake images",
        _DIMENSIONS,
        sets.numbers,
        partial(sets.cube, away=False, count=sets.COUNT),
        partial(sets.cube, away=True),
        _both(("settings", settles()), ("purpose", near(0.2, "last")))
        | {"distance": [("settings", steady(late=True))]},
    ),
    "torus": Synthetic(
        "a ball and a torus around it",
        ("ball", "torus"),
        sets.numbers,
        partial(sets.ball_or_torus, real=True),
        partial(sets.ball_or_torus, real=False),
        _both(("purpose", settles()), ("bounds", near(0.0, "last"))) | {"distance": [("purpose", steady(late=True))]},
    ),
    "collapse": Synthetic(
        "one mode where there are two",
        _DIMENSIONS,
        sets.distances,
        sets.two_modes,
        sets.one_mode,
        {
            "fidelity": [_SAME_AT_FIRST, ("purpose", falls())],
            "diversity": [_SAME_AT_FIRST, ("purpose", low_or_high(falls(), level()))],
            "distance": [("purpose", grows())],
        },
        moving=True,
    ),
    "scale": Synthetic(
        "one dimension scaled",
        (2,),
        sets.scales,
        partial(sets.scaled_apart, away=False),
        partial(sets.scaled_apart, away=True),
        _both(*_APART, ("invariance", level())) | {"distance": [("invariance", steady())]},
        moving=True,
    ),
    "heavy tail": Synthetic(
        "means apart, beside a heavy tail",
        (1,),
        sets.around_zero,
        partial(sets.beside_pareto, away=False),
        partial(sets.beside_pareto, away=True),
        _BELL,
    ),
    "dimensions": Synthetic(
        "one dimension apart, beside many alike",
        (1,),
        sets.dimensions,
        partial(sets.one_apart, away=False),
        partial(sets.one_apart, away=True),
        _both(*_APART, ("purpose", level())) | {"distance": [("purpose", steady())]},
        moving=True,
    ),
    "rounding": Synthetic(
        "rounded and not rounded",
        ("real", "fake"),
        sets.grains,
        partial(sets.rounded, side="real"),
        partial(sets.rounded, side="fake"),
        _both(("purpose", level())),
        moving=True,
        by_variant={
            "real": {
                "fidelity": [("bounds", near(0.0, "first")), ("bounds", near(0.0, "last"))],
                "diversity": [("bounds", wide("first")), ("bounds", wide("last"))],
            },
            "fake": {
                "fidelity": [("bounds", near(1.0, "first")), ("bounds", near(1.0, "last"))],
                "diversity": [("bounds", near(0.0, "first")), ("bounds", near(0.0, "last"))],
            },
        },
    ),
}
