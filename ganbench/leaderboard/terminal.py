"""A leaderboard on a terminal: of the columns as many as it has room for, and never without what decides a grade."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.export import published_lines
from ganbench.leaderboard.published import PUBLISHED_PROTOCOL
from ganbench.leaderboard.table import FLAGS, SEEDS_NOTE, TIER, Cell, flag_lines, header, lines, notes, seed_lines
from ganbench.metrics.registry import name_of
from ganbench.scoring.tiers import GATED
from ganbench.system.location import Location
from ganbench.system.streams import cell, console
from ganbench.system.text import width

_PIPED = 200  # columns where no terminal sets a limit
_FOLDED = 16  # columns that a folded name keeps, as long as something else can be left out
_LEAST = 8  # what it keeps in the end
_NAMES = ("name", "variant", "flag", "reason", FLAGS, TIER)  # titles of columns of words

_Parts = Sequence[str]  # a cell: what stands in it, one below the other


def print_boards(leaderboard: Leaderboard, published: bool, written: Sequence[Location], *, err: bool = False) -> None:
    """Print the boards, and which files were written; of the intervals only those of the result ranked by."""
    screen = console(err=err)
    if not screen.is_terminal and "COLUMNS" not in os.environ:
        screen.width = max(screen.width, _PIPED)
    shown = leaderboard.shown
    for board in leaderboard.boards:
        titles = header(board, shown)
        table: list[list[_Parts]] = [
            [_parts(one, i, titles[i]) for i, one in enumerate(line)] for line in lines(board, shown)
        ]
        kept = [i for i, title in enumerate(titles) if i < 3 or title in (FLAGS, TIER) or _is_gated(title)]
        _show(screen, "", titles, table, kept)
        for text in notes(board, shown):
            _note(screen, text)
        if seeds := seed_lines(board, shown):
            titles = ["variant", "seeds", *shown]
            table = [[(text,) for text in line] for line in seeds]
            _show(screen, "over seeds", titles, table, [i for i, t in enumerate(titles) if i < 3 or _is_gated(t)])
            _note(screen, SEEDS_NOTE)
    if flagged := flag_lines(leaderboard):
        table = [[(text,) for text in line] for line in flagged]
        _show(screen, "flagged", ["name", "flag", "reason"], table, [0, 1, 2])
    if leaderboard.rules:
        _note(screen, leaderboard.rules)
    if missing := leaderboard.unranked:
        _show(screen, "not ranked", ["name", "reason"], [[(name,), (why,)] for name, why in missing], [0, 1])
    if published:
        table = [[(text,) for text in line] for line in published_lines()]
        _show(screen, "published elsewhere", ["variant", "FID", "AFD"], table, [0, 1, 2])
        _note(screen, PUBLISHED_PROTOCOL)
    for path in written:
        screen.print(cell(f"wrote {path}", screen), soft_wrap=True)


def _parts(one: Cell, column: int, title: str) -> _Parts:
    """Return what stands in a cell: of the result ranked by its interval too, and each flag in a line of its own."""
    if title == FLAGS:
        return one.text.split(", ")
    return (one.text, one.interval) if column == 2 and one.interval else (one.text,)


def _is_gated(title: str) -> bool:
    return name_of(title.partition(" ")[0]) == GATED


def _show(screen: Console, name: str, titles: list[str], table: list[list[_Parts]], kept: list[int]) -> None:
    heads = [(title[:at], title[at:]) if (at := title.find("[")) > 0 else (title,) for title in titles]
    rows: list[list[_Parts]] = [[*heads], *table]
    cells = [[Text("\n").join(cell(part, screen) for part in one) for one in line] for line in rows]
    words = next(titles.index(title) for title in ("reason", "name", "variant") if title in titles)
    fit, room = fitting([[one.plain for one in line] for line in cells], screen.width, kept, words)
    view = Table(title=name or None, title_justify="left")
    for i in fit:
        view.add_column(
            cells[0][i],
            justify="left" if titles[i] in _NAMES else "right",
            overflow="fold",
            max_width=room if i == words else None,
        )
    for line in cells[1:]:
        view.add_row(*(line[i] for i in fit))
    screen.print(view)
    if left_out := [title for i, title in enumerate(titles) if i not in fit]:
        _note(screen, f"No room for {', '.join(left_out)}: see --markdown.")


def _note(screen: Console, text: str) -> None:
    screen.print(cell(text, screen, "dim"))


def fitting(table: list[list[str]], room: int, kept: list[int], foldable: int) -> tuple[list[int], int | None]:
    """Choose the columns that fit; what is left out is taken from the right.

    A long name is folded first, then columns are left out, then the name is folded further.

    Args:
        table: the cells, line by line, the titles first; a line feed parts what stands one below the other.
        room: columns of the terminal.
        kept: numbers of the columns that are never left out.
        foldable: number of the column that may be folded.

    Returns:
        The numbers of the columns, and how wide the folded one may be; None where it need not be folded.
    """
    widths = [max(width(part) for one in column for part in one.split("\n")) for column in zip(*table, strict=True)]
    fit = list(range(len(widths)))

    def left() -> int:
        return room - 1 - 3 * len(fit) - sum(widths[i] for i in fit if i != foldable)

    for i in [i for i in reversed(fit) if i not in kept]:
        if left() >= min(widths[foldable], _FOLDED):
            break
        fit.remove(i)
    limit = max(left(), _LEAST)
    return fit, None if limit >= widths[foldable] else limit
