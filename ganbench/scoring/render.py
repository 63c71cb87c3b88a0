"""A scorecard as text for people: the table, what each value rests on, and the warnings."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ganbench.scoring.flags import Flag
from ganbench.system.streams import cell

Line = tuple[str, str, str, str]  # result, value, 95 % interval, n
WIDTH = 100  # characters of a line where no terminal sets a limit


def renderable(
    title: str,
    lines: Sequence[Line],
    tier: str,
    notes: Sequence[tuple[str, str]],
    warnings: Sequence[str],
    flags: Sequence[Flag],
    on: Console | None = None,
) -> Group:
    """Return the table with what stands below it.

    Args:
        title: what was scored.
        lines: the rows.
        tier: which of the assignment's tiers is reached, and by which number.
        notes: (results, what their values rest on or why there are none).
        warnings: what a reader must know before trusting a row.
        flags: why the numbers may not be the work of a generator.
        on: the console that will show it, where its encoding matters.
    """
    table = Table(title=cell(title, on, "italic"), title_justify="left")
    table.add_column("result", overflow="fold")  # a long name is folded, a number never cut
    for column in ("value", "95 % interval", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(*(cell(text, on) for text in line))
    parts: list[RenderableType] = [table, *(_flagged(flag, on) for flag in flags), cell(tier, on)]
    parts += [cell(f"{about}: {note}", on, "dim") for about, note in notes]
    parts += [Text.assemble(("warning", "yellow"), " ", cell(text, on)) for text in warnings]
    return Group(*parts)


def _flagged(flag: Flag, on: Console | None) -> Text:
    return Text.assemble(("flag", "bold red"), " ", cell(str(flag), on))


def plain(content: RenderableType, columns: int = WIDTH) -> str:
    """Return what a console of so many columns would show, without colours."""
    buffer = io.StringIO()
    Console(file=buffer, width=columns, highlight=False, no_color=True, force_terminal=False).print(content)
    return buffer.getvalue().rstrip()
