"""A comparison at a terminal: two sides line by line, of three and more the values and a matrix for each result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ganbench.comparison.result import Comparison
from ganbench.comparison.words import (
    OTHER,
    decimals_of,
    difference_of,
    legend,
    p_text,
    tests_of,
    title,
    value_of,
    verdict_of,
)
from ganbench.scoring.numbers import format_fixed
from ganbench.system.location import Location
from ganbench.system.streams import cell, console

_SHORT = 9  # characters of a label that a verdict has room for
_NAME, _NUMBER = 14, 11  # of a terminal's columns, what names of results and a number take at least
MATRIX_NOTE = "Above the diagonal: the row less the column, * where told apart; below: adjusted p."
BEST_NOTE = "*: the best, and what is not told apart from it."
OTHER_NOTE = f"{OTHER}: does not compare with the best; the reasons are below."


def print_comparison(
    comparison: Comparison, shown: Sequence[str], written: Sequence[Location], *, err: bool = False
) -> None:
    """Print a comparison, and which files were written.

    Args:
        comparison: all of it.
        shown: ids of the results of which three or more sides have a matrix.
        written: files.
        err: whether to print to standard error.
    """
    screen = console(err=err)
    if len(comparison.sides) == 2:
        screen.print(_pair(comparison, screen))
    else:
        _print_several(comparison, shown, screen)
    for text in (*legend(comparison), *tests_of(comparison)):
        screen.print(cell(text, screen, "dim"))
    reasons: dict[str, list[str]] = {}
    for one in comparison.refused:
        reasons.setdefault(one.reason, []).append(f"{one.id} ({one.a}, {one.b})")
    for reason, names in reasons.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        screen.print(cell(f"Not compared: {', '.join(names[:3])}{more}: {reason}", screen))
    for note in comparison.notes:
        screen.print(cell(f"Note: {note}", screen))
    for path in written:
        screen.print(cell(f"wrote {path}", screen), soft_wrap=True)


def _table(titles: Sequence[Text]) -> Table:
    view = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for number, text in enumerate(titles):
        view.add_column(text, justify="right" if number else "left", overflow="fold")
    return view


def _split(name: str) -> list[str]:
    at = name.find("[")
    return [name[:at], name[at:]] if at > 0 else [name]


def _lines(parts: Sequence[str], screen: Console) -> Text:
    return Text("\n").join(cell(part, screen) for part in parts)


def _pair(comparison: Comparison, screen: Console) -> Table:
    """Return a line of two for every result."""
    a, b = (side.label for side in comparison.sides)
    heads = [f"A: {a}", f"B: {b}"] if max(len(a), len(b)) > _SHORT else [a, b]
    view = _table([cell(name, screen) for name in ("result", *heads, "difference", "verdict")])
    view.columns[3].no_wrap = view.columns[4].no_wrap = True
    short = {a: "A", b: "B"} if max(len(a), len(b)) > _SHORT else {a: a, b: b}
    for one in comparison.compared:
        values = [value_of(comparison, one.id, label) for label in (a, b)]
        advice = f", {one.advice}" if one.advice else ""
        view.add_row(
            _lines(_split(title(comparison, one.id)), screen),
            *(cell(value, screen) for value in values),
            _lines(difference_of(comparison, one), screen),
            _lines([verdict_of(one, short), f"p {p_text(one.p_adjusted)}{advice}"], screen),
        )
    return view


def _print_several(comparison: Comparison, shown: Sequence[str], screen: Console) -> None:
    numbers = {side.label: str(number) for number, side in enumerate(comparison.sides, 1)}
    for label, number in numbers.items():
        screen.print(cell(f"{number}  {label}", screen))
    screen.print()
    narrow = _NAME + len(numbers) * _NUMBER > screen.width
    values = {
        (name, label): value_of(comparison, name, label) + (" *" if label in comparison.best(name) else "")
        for name in comparison.ids
        for label in numbers
    }
    screen.print(_values(comparison, values, numbers, shown if narrow else (), screen))
    screen.print(cell(BEST_NOTE, screen, "dim"))
    if any(value.endswith(OTHER) for value in values.values()):
        screen.print(cell(OTHER_NOTE, screen, "dim"))
    if narrow:
        screen.print(cell(f"No room for the matrices of {len(numbers)}: see --json, or --csv.", screen, "dim"))
        return
    for name in shown:
        screen.print()
        screen.print(_matrix(comparison, name, numbers, screen))
        if advice := _advice(comparison, name, numbers):
            screen.print(cell(f"not told apart: {advice}", screen, "dim"))
    screen.print(cell(MATRIX_NOTE, screen, "dim"))


def _advice(comparison: Comparison, name: str, numbers: Mapping[str, str]) -> str:
    """Return the pairs that one result does not tell apart, each with what it would take."""
    pairs = [one for one in comparison.compared if one.id == name and not one.told_apart]
    return "; ".join(f"{numbers[one.a]} and {numbers[one.b]}, {one.advice}" for one in pairs)


def _values(
    comparison: Comparison,
    values: Mapping[tuple[str, str], str],
    numbers: Mapping[str, str],
    columns: Sequence[str],
    screen: Console,
) -> Table:
    """Return the values: a line for each result, or, of too many sides for that, a column for each of some."""
    if columns:
        view = _table([cell("", screen), *(_lines(_split(title(comparison, name)), screen) for name in columns)])
        for label, number in numbers.items():
            view.add_row(*(cell(text, screen) for text in (number, *(values[name, label] for name in columns))))
        return view
    view = _table([cell(name, screen) for name in ("result", *numbers.values())])
    for name in comparison.ids:
        texts = (title(comparison, name), *(values[name, label] for label in numbers))
        view.add_row(*(cell(text, screen) for text in texts))
    return view


def _matrix(comparison: Comparison, name: str, numbers: dict[str, str], screen: Console) -> Table:
    """Return the differences of all pairs of one result, and their p-values."""
    view = _table([cell(text, screen) for text in (title(comparison, name), *numbers.values())])
    decimals = decimals_of(comparison, name)
    for row, (label, number) in enumerate(numbers.items()):
        cells = [number]
        for column, other in enumerate(numbers):
            one = None if row == column else comparison.of(name, label, other)
            if one is None:
                cells.append("" if row == column else "–")
            elif row < column:
                cells.append(format_fixed(one.found.difference, decimals) + (" *" if one.told_apart else ""))
            else:
                cells.append(p_text(one.p_adjusted))
        view.add_row(*(cell(text, screen) for text in cells))
    return view
