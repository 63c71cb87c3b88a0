"""The result of ``explain_protocol``: what differs, and what each difference moves, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganbench.protocols.difference import Difference, Pairing
from ganbench.protocols.facts import Side
from ganbench.scoring.row import Row
from ganbench.system.text import json_text

SCHEMA = 1


@dataclass(frozen=True)
class Pooled:
    """Differences that can only be switched together.

    Attributes:
        group: what they are; "" for one that nothing here can switch.
        members: the differences, the one that stands for all of them first.
    """

    group: str
    members: tuple[Difference, ...]

    @property
    def title(self) -> str:
        """What it is called: the group, or the one difference."""
        return self.group or self.members[0].choice.title


@dataclass(frozen=True)
class Effect:
    """What one choice moves.

    Attributes:
        pool: the choice.
        value: the number with this choice as the other side has it, all else as the first side has it; None where it
            cannot be switched here.
        why: the reason, or what else had to be switched with it.
    """

    pool: Pooled
    value: float | None
    why: str = ""


@dataclass(frozen=True)
class Measured:
    """What each choice moves in one number.

    Attributes:
        a: id of the first side's result.
        b: id of the second side's.
        base: the number on the images given, by the first side's protocol.
        value_a: what the first card says; None where it is of other images.
        value_b: what the second card says; None where it is of other images, or no card.
        effects: what was switched, in the order of the differences.
        together: the number with all of it switched; None where that was one choice, or is not possible.
        notes: what a reader must know, one sentence each.
    """

    a: str
    b: str
    base: Row
    value_a: float | None
    value_b: float | None
    effects: tuple[Effect, ...]
    together: float | None
    notes: tuple[str, ...]

    @property
    def value(self) -> float:
        """The number by the first side's protocol."""
        assert self.base.value is not None  # a setup without a value is an error
        return self.base.value

    def move(self, value: float | None) -> float | None:
        """Return by how much a value is off the first side's."""
        return None if value is None else value - self.value

    def relative(self, value: float | None) -> float | None:
        """Return by what share of the first side's value it is off; None where that is 0."""
        move = self.move(value)
        return None if move is None or self.value == 0 else move / abs(self.value)

    def ranked(self) -> list[Effect]:
        """Return what was switched, the largest move first; behind it what could not be, in its order."""
        return sorted(self.effects, key=lambda one: (one.value is None, -abs(self.move(one.value) or 0.0)))


@dataclass(frozen=True, eq=False)
class Explained:
    """Why two numbers differ.

    Attributes:
        a: the first side.
        b: the second one.
        pairs: which of their instruments and results stand for each other.
        differences: every fact in which they differ.
        pools: the same in groups that can only be switched together.
        measured: of each number that was measured, what each choice moves.
    """

    a: Side
    b: Side
    pairs: Pairing
    differences: tuple[Difference, ...]
    pools: tuple[Pooled, ...]
    measured: tuple[Measured, ...] = ()

    def __str__(self) -> str:
        from ganbench.protocols.render import WIDTH, renderable
        from ganbench.scoring.render import plain

        return plain(renderable(self), WIDTH)

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data, the form of the JSON file."""
        return {
            "schema": SCHEMA,
            "a": _said(self.a),
            "b": _said(self.b),
            "results": [{"a": i, "b": j} for i, j in self.pairs.results],
            "differences": [_difference(one, pool.group) for pool in self.pools for one in pool.members],
            "measured": [_measured(one) for one in self.measured],
        }

    def to_json(self) -> str:
        """Return everything as a JSON text."""
        return json_text(self.to_dict())


def _said(side: Side) -> dict[str, Any]:
    said: dict[str, Any] = {"label": side.label, "kind": "scorecard" if side.whole else "stated protocol"}
    return said if side.whole else said | {"source": side.source, "notes": list(side.notes)}


def _difference(one: Difference, group: str) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.choice.title,
        "of": one.of,
        "a": one.a,
        "b": one.b,
        "group": group or None,
        "results": list(one.results),
    }


def _measured(one: Measured) -> dict[str, Any]:
    rows: list[Mapping[str, Any]] = [
        {
            "choice": effect.pool.title,
            "differences": [member.name for member in effect.pool.members],
            "value": effect.value,
            "move": one.move(effect.value),
            "relative": one.relative(effect.value),
            "why": effect.why or None,
        }
        for effect in one.ranked()
    ]
    together = {"value": one.together, "move": one.move(one.together), "relative": one.relative(one.together)}
    return {
        "a": one.a,
        "b": one.b,
        "value": one.value,
        "low": one.base.low,
        "high": one.base.high,
        "n": one.base.n,
        "value_a": one.value_a,
        "value_b": one.value_b,
        "effects": rows,
        "together": together,
        "notes": list(one.notes),
    }
