"""A scorecard as text for people: the table, what each value rests on, and the warnings."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

Line = tuple[str, str, str, str]  # result, value, 95 % interval, n
WIDTH = 100  # characters of a line where no terminal sets a limit


def renderable(
    title: str, lines: Sequence[Line], tier: str, notes: Sequence[tuple[str, str]], warnings: Sequence[str]
) -> Group:
    """Return the table with what stands below it.

    Args:
        title: what was scored.
        lines: the rows.
        tier: which of the assignment's tiers is reached, and by which number.
        notes: (results, what their values rest on or why there are none).
        warnings: what a reader must know before trusting a row.
    """
    table = Table(title=escape(title), title_justify="left")
    for column, justify in (("result", "left"), ("value", "right"), ("95 % interval", "right"), ("n", "right")):
        table.add_column(column, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # a Literal in a tuple
    for line in lines:
        table.add_row(*(escape(cell) for cell in line))
    parts: list[RenderableType] = [table, escape(tier)]
    parts += [f"[dim]{escape(about)}: {escape(note)}[/dim]" for about, note in notes]
    parts += [f"[yellow]warning[/yellow] {escape(text)}" for text in warnings]
    return Group(*parts)


def plain(content: RenderableType) -> str:
    """Return what a console would show, without colours."""
    buffer = io.StringIO()
    Console(file=buffer, width=WIDTH, highlight=False, no_color=True, force_terminal=False).print(content)
    return buffer.getvalue().rstrip()
