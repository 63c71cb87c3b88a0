"""The differences of two recipes as tables: for a terminal of any width, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ganbench.system.streams import cell
from ganbench.system.text import markdown
from ganbench.training.recipe_diff import Difference

_WORD = 24  # characters of a word that is not broken where there is room; a path may be longer
_FRAME = 3  # characters around each column


def to_table(differences: Sequence[Difference], first: str, second: str, on: Console) -> Table:
    """Return a table in which the texts are spread so that it is as short as it can be: long ones get the width.

    Args:
        differences: what ``diff_recipes`` returned.
        first: name of one recipe.
        second: name of the other.
        on: the console that will show it.
    """
    rows = _cells(differences, first, second)
    table = Table(show_lines=True)
    for title, columns in zip(rows[0], _widths(rows, on.width - _FRAME * len(rows[0]) - 1), strict=True):
        table.add_column(cell(title, on), overflow="fold", width=columns)
    for row in rows[1:]:
        table.add_row(*(cell(text, on) for text in row))
    return table


def to_markdown(differences: Sequence[Difference], first: str, second: str) -> str:
    """Return a Markdown table with the cells of ``to_table``."""
    titles, *rows = [[markdown(text) for text in line] for line in _cells(differences, first, second)]
    return "".join("| " + " | ".join(line) + " |\n" for line in (titles, ["---"] * len(titles), *rows))


def _cells(differences: Sequence[Difference], first: str, second: str) -> list[list[str]]:
    return [["setting", first, second, "why it matters"], *([d.what, d.first, d.second, d.why] for d in differences)]


def _widths(rows: list[list[str]], room: int) -> list[int]:
    """Return the width of every column, ``room`` characters at most in all.

    Every one holds its longest word; from there on, a character at a time goes to the one whose texts take most lines.
    """
    columns = list(zip(*rows, strict=True))
    most = [max(map(len, column)) for column in columns]
    widths = [max(len(word) for text in column for word in [*text.split(), ""]) for column in columns]
    widths = [max(1, min(_WORD, width)) for width in widths]
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    for _ in range(room - sum(widths)):
        heights = [
            sum(len(textwrap.wrap(text, width)) for text in column) if width < full else 0
            for column, width, full in zip(columns, widths, most, strict=True)
        ]
        if not any(heights):
            break
        widths[heights.index(max(heights))] += 1
    return widths
