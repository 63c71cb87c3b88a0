"""What a comparison says, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ganbench.comparison.difference import Difference
from ganbench.comparison.power import MOST
from ganbench.errors import UnknownName
from ganbench.system.text import json_text

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
LEVEL = 0.05
COLUMNS = (
    "id", "a", "b", "difference", "low", "high", "p", "p_adjusted", "value_a", "value_b", "better", "winner", "n",
    "test", "needed", "detectable",
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """One side of a comparison.

    Attributes:
        label: what it is called.
        kind: ``images``, ``scorecard`` or ``trainings``.
        count: images, or training seeds.
        values: its value of every result that it has; over training seeds the mean.
        deviations: over training seeds, the standard deviation of the values of seeds; empty for anything else.
    """

    label: str
    kind: str
    count: int
    values: dict[str, float]
    deviations: dict[str, float]


@dataclass(frozen=True)
class Compared:
    """One result, of two sides.

    Attributes:
        id: the result, such as ``kd[lite0]``.
        a: label of the one side.
        b: label of the other.
        value_a: value of the one; over training seeds the mean.
        value_b: value of the other.
        found: their difference, a less b, with interval, p-value and test.
        p_adjusted: Holm's, over all pairs of sides that this result compares.
        better: ``lower``, ``higher`` or ``none``.
        n: images of each side; of trainings, images that each was scored on.
        needed: how many images, or training seeds, each side would need to be told apart, if the difference is what it
            seems to be; None where they are told apart, or where there is no difference at all.
        detectable: the least difference that would be told apart four times in five with as many as there are.
    """

    id: str
    a: str
    b: str
    value_a: float
    value_b: float
    found: Difference
    p_adjusted: float
    better: str
    n: int
    needed: int | None
    detectable: float

    @property
    def told_apart(self) -> bool:
        """Whether the two differ at the level of 5 %, over all pairs."""
        return self.p_adjusted < LEVEL

    @property
    def winner(self) -> str:
        """Label of the better side; empty where they are not told apart, or nothing is better."""
        if not self.told_apart or self.better == "none" or not self.found.difference:
            return ""
        return self.a if (self.found.difference < 0) == (self.better == "lower") else self.b

    @property
    def seeds(self) -> bool:
        """Whether the test is over training seeds."""
        return self.found.test.startswith("over training seeds")

    @property
    def advice(self) -> str:
        """What it would take to tell them apart, such as ``n 5,300``; empty where they are told apart."""
        if self.told_apart:
            return ""
        if self.needed is None:
            return "equal"
        what = "seeds" if self.seeds else "n"
        return f"{what} > {MOST:.0e}" if self.needed >= MOST else f"{what} {_rounded(self.needed, self.seeds):,}"

    def to_dict(self) -> dict[str, object]:
        """Return plain data, with the names of ``COLUMNS``."""
        found = self.found
        numbers = (self.id, self.a, self.b, found.difference, found.low, found.high, found.p, self.p_adjusted)
        rest = (self.value_a, self.value_b, self.better, self.winner, self.n, found.test, self.needed, self.detectable)
        return dict(zip(COLUMNS, (*numbers, *rest), strict=True))


@dataclass(frozen=True)
class Refused:
    """One result that two sides do not compare in.

    Attributes:
        id: the result.
        a: label of the one side.
        b: label of the other.
        reason: why not.
    """

    id: str
    a: str
    b: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return plain data."""
        return {"id": self.id, "a": self.a, "b": self.b, "reason": self.reason}


@dataclass(frozen=True)
class Comparison:
    """Sides, and how they differ.

    Attributes:
        sides: what was compared, in the order given.
        compared: every result of every pair that compares, result by result.
        refused: every result of a pair that does not, with the reason.
        notes: what a reader must know, one line each.
    """

    sides: tuple[Standing, ...]
    compared: tuple[Compared, ...]
    refused: tuple[Refused, ...]
    notes: tuple[str, ...] = ()

    @property
    def ids(self) -> list[str]:
        """Ids of the results that any two sides compare in, in order."""
        return list(dict.fromkeys(one.id for one in self.compared))

    @property
    def family(self) -> str:
        """What the p-values are adjusted for, in words."""
        pairs = len(self.sides) * (len(self.sides) - 1) // 2
        if pairs == 1:
            return "one pair: p is not adjusted; results are not adjusted for each other"
        return (
            f"p is Holm-adjusted over the up to {pairs} pairs of each result by itself; results are not adjusted for "
            "each other"
        )

    @cached_property
    def _by_pair(self) -> dict[tuple[str, frozenset[str]], Compared]:
        return {(one.id, frozenset((one.a, one.b))): one for one in self.compared}

    def of(self, result_id: str, a: str, b: str) -> Compared | None:
        """Return what is known of a result of two sides, whichever way round; None where they do not compare in it."""
        return self._by_pair.get((result_id, frozenset((a, b))))

    def best(self, result_id: str) -> list[str]:
        """Return the labels of the best side of a result and of those that it is not told apart from, the best first.

        None where the result has no direction, where it compares no two sides, or where the best does not compare with
        any.
        """
        pairs = [one for one in self.compared if one.id == result_id and one.better != "none"]
        if not pairs:
            return []
        values = {label: value for one in pairs for label, value in ((one.a, one.value_a), (one.b, one.value_b))}
        first = (min if pairs[0].better == "lower" else max)(values, key=lambda label: values[label])
        beside = [one for one in pairs if first in (one.a, one.b) and not one.told_apart]
        return [first, *(one.b if one.a == first else one.a for one in beside)]

    def chosen(self, columns: Iterable[str]) -> Comparison:
        """Return the comparison of some results alone.

        Raises:
            UnknownName: one of them is not among those compared.
        """
        wanted = list(columns)
        known = [*self.ids, *dict.fromkeys(one.id for one in self.refused)]
        if unknown := [name for name in wanted if name not in known]:
            raise UnknownName(f"no result is called {unknown[0]!r}; there are {', '.join(known)}")
        compared = tuple(one for name in wanted for one in self.compared if one.id == name)
        refused = tuple(one for name in wanted for one in self.refused if one.id == name)
        return Comparison(self.sides, compared, refused, self.notes)

    def to_dict(self) -> dict[str, object]:
        """Return plain data, the form of the JSON file."""
        return {
            "schema": SCHEMA,
            "level": LEVEL,
            "family": self.family,
            "sides": [
                {"label": one.label, "kind": one.kind, "count": one.count, "values": one.values} for one in self.sides
            ],
            "comparisons": [one.to_dict() for one in self.compared],
            "not_compared": [one.to_dict() for one in self.refused],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return ``to_dict`` as a JSON text."""
        return json_text(self.to_dict())

    def to_frame(self) -> pd.DataFrame:
        """Return a line for every result of every pair, with the columns of ``COLUMNS``."""
        from ganbench.system.frames import frame_of

        return frame_of([one.to_dict() for one in self.compared], COLUMNS)


def _rounded(number: int, exact: bool) -> int:
    """Return a number of images with two digits, rounded up: no more is known of it."""
    if exact or number < 100:
        return number
    unit = 10 ** (len(str(number)) - 2)
    return -(-number // unit) * unit
