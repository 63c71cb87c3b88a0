"""The result of ``explain_protocol``: what differs, and what each difference moves, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganbench.protocols.difference import Difference, Pairing
from ganbench.protocols.effects import Measured, Pooled
from ganbench.protocols.facts import Side
from ganbench.system.text import json_text

if TYPE_CHECKING:
    from rich.console import Console, Group

SCHEMA = 1


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
        from ganbench.protocols.render import WIDTH
        from ganbench.scoring.render import plain

        return plain(self.renderable(), WIDTH)

    def renderable(self, on: Console | None = None) -> Group:
        """Return everything for a console of rich; ``on`` says which, for its encoding."""
        from ganbench.protocols.render import renderable

        return renderable(self.a, self.b, self.pools, self.measured, on)

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
