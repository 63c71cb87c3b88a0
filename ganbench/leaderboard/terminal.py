"""A leaderboard on a terminal: of the columns as many as it has room for."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.export import published_lines
from ganbench.leaderboard.published import PUBLISHED_PROTOCOL
from ganbench.leaderboard.table import SEEDS_NOTE, header, lines, notes, seed_lines

_PIPED = 200  # characters of a line where no terminal sets a limit


def print_boards(leaderboard: Leaderboard, published: bool, written: list[Path]) -> None:
    """Print the boards, and which files were written; of the intervals only those of the result ranked by."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _PIPED)
    shown = leaderboard.shown
    for board in leaderboard.boards:
        table = [
            [f"{cell.text}\n{cell.interval}" if i == 2 and cell.interval else cell.text for i, cell in enumerate(line)]
            for line in lines(board, shown)
        ]
        _show(console, "", header(board, shown), table, ("name", "AFD tier"))
        for text in notes(board, shown):
            _note(console, text)
        if seeds := seed_lines(board, shown):
            _show(console, "over seeds", ["variant", "seeds", *shown], seeds, ("variant",))
            _note(console, SEEDS_NOTE)
    if missing := leaderboard.unranked:
        _show(console, "not ranked", ["name", "reason"], [list(pair) for pair in missing], ("name", "reason"))
    if published:
        _show(console, "published elsewhere", ["variant", "FID", "AFD"], published_lines(), ("variant",))
        _note(console, PUBLISHED_PROTOCOL)
    for path in written:
        console.print(f"wrote {escape(str(path))}")


def _show(console: Console, title: str, titles: list[str], table: list[list[str]], left: tuple[str, ...]) -> None:
    titles = [name.replace("[", "\n[") for name in titles]
    fit = fitting([titles, *table], console.width)
    view = Table(title=title, title_justify="left")
    for name in titles[:fit]:
        view.add_column(escape(name), justify="left" if name in left else "right", overflow="fold")
    for line in table:
        view.add_row(*(escape(cell) for cell in line[:fit]))
    console.print(view)
    if fit < len(titles):
        left_out = ", ".join(name.replace("\n", "") for name in titles[fit:])
        _note(console, f"No room for {left_out}: see --markdown.")


def _note(console: Console, text: str) -> None:
    console.print(f"[dim]{escape(text)}[/dim]")


def fitting(table: list[list[str]], room: int) -> int:
    """Return how many columns fit into so many characters; the first three always count, since they can be folded."""
    widths = [max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*table, strict=True)]
    count = len(widths)
    while count > 3 and sum(widths[:count]) + 3 * count + 1 > room:
        count -= 1
    return count
