"""The pictures that a board starts with: every entry as a dot with its interval, and the distance against the faces.

They are drawn by the page itself, in its colours and at the width that it has: what is computed here is where the dots
stand. Each is a link to its entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ganbench.leaderboard.boards import Board, comparable
from ganbench.leaderboard.choice import direction
from ganbench.leaderboard.entries import Entry
from ganbench.metrics.registry import metric_of, name_of
from ganbench.report.scales import Scale, Tick, drawable
from ganbench.scoring.numbers import column_decimals, format_fixed
from ganbench.scoring.row import ARROWS, Row
from ganbench.scoring.tiers import GATED, TIERS

DOTS = 30  # entries with a line of their own in the first picture; the second one has all
SERIES = 7  # colours and shapes


class Line(NamedTuple):
    """An entry before it is drawn: its number on the page, its name, its rank, its result, its colour and shape."""

    number: int
    name: str
    rank: str
    row: Row
    series: int = 0


@dataclass(frozen=True)
class Dot:
    """An entry in a picture; positions are per cent of its width and height.

    Attributes:
        number: of the entry on the page.
        name: of the entry.
        series: which colour and shape, 0..6.
        flagged: whether it has no rank, because of its flags.
        rank: among the entries, "–" without one.
        text: what a reader is told: the value, or both results with their intervals.
        interval: of the value; "" where the text has it.
        x: where it stands.
        x_low: lower end of the interval; where it stands without one.
        x_high: upper end.
        y: where it stands, from the top; 0 where the picture has one direction only.
        y_low: as ``x_low``.
        y_high: as ``x_high``.
    """

    number: int
    name: str
    series: int
    flagged: bool
    rank: str
    text: str
    interval: str
    x: float
    x_low: float
    x_high: float
    y: float = 0.0
    y_low: float = 0.0
    y_high: float = 0.0


@dataclass(frozen=True)
class Plot:
    """A picture.

    Attributes:
        x: the result along it, with the arrow of its direction.
        y: the result up it; "" where there is none.
        x_ticks: what its axis names.
        y_ticks: the same.
        dots: the entries, best first.
        gates: lines across it, by what they are called.
        logs: the axes that are logarithmic, in words; "" without any.
        left_out: entries that are not in it.
        corner: which corner of it is the best, ``top left`` or so; "" where nothing says.
    """

    x: str
    y: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    dots: list[Dot]
    gates: list[Tick]
    logs: str
    left_out: int
    corner: str


def series_of(entries: Iterable[Entry]) -> dict[str, int]:
    """Return the colour and shape of every group of runs; empty where there are not two groups."""
    groups = list(dict.fromkeys(entry.group for entry in entries if entry.is_run))
    return {group: number % SERIES for number, group in enumerate(groups)} if len(groups) > 1 else {}


def dot_plot(board: Board, numbers: Mapping[Entry, int], series: Mapping[str, int]) -> Plot | None:
    """Return the picture of what a board is ranked by; None where there are not two values to draw.

    What is flagged has no rank, and is not in it.

    Args:
        board: the entries.
        numbers: the number of every entry on the page.
        series: what ``series_of`` returned.
    """
    ranks = _ranks(board)
    return line_plot(
        _title(board, board.by),
        [
            Line(numbers[entry], entry.name, ranks[entry], row, series.get(entry.group, 0))
            for entry, row in _rows(board, board.by).items()
            if board.is_ranked(entry)
        ],
    )


def line_plot(title: str, lines: Sequence[Line]) -> Plot | None:
    """Return the picture of one result, a line for each of the best entries; None where there are not two to draw.

    Args:
        title: the result, with the arrow of its direction.
        lines: the entries, best first; all have a value.
    """
    lines = [line for line in lines if drawable(line.row.value)]
    if len(lines) < 2:
        return None
    shown = lines[:DOTS]
    scale = _scale([line.row for line in shown])
    dots = []
    for line, text in zip(shown, _texts([line.row for line in lines]), strict=False):
        at, low, high = (scale.at(end) for end in _ends(line.row))
        dots.append(Dot(line.number, line.name, line.series, False, line.rank, *text, at, low, high))
    logs = "Logarithmic." if scale.is_log else ""
    return Plot(title, "", scale.ticks, [], dots, [], logs, len(lines) - len(shown), "")


def scatter_plot(
    board: Board, shown: Iterable[str], numbers: Mapping[Entry, int], series: Mapping[str, int]
) -> Plot | None:
    """Return the picture of a distance against a detection rate; None without two entries that have both.

    Its axes are those of the entries that have a rank: what is flagged may lie outside, and is left out.

    Args:
        board: the entries.
        shown: ids of the results that its table shows; the first ones of each kind are drawn.
        numbers: the number of every entry on the page.
        series: what ``series_of`` returned.
    """
    known = list(dict.fromkeys([board.by, *shown]))
    across = next((name for name in known if _is(name, "moments", "lower")), "")
    up = next((name for name in known if _is(name, "detections", "higher")), "")
    if not across or not up:
        return None
    rows, others = _rows(board, across), _rows(board, up)
    both = [entry for entry in board.entries if entry in rows and entry in others]
    ranked = [entry for entry in both if board.is_ranked(entry)]
    if len(ranked) < 2:
        return None
    x, y = (_scale([of[entry] for entry in ranked]) for of in (rows, others))
    drawn = [entry for entry in both if x.holds(rows[entry].value or 0.0) and y.holds(others[entry].value or 0.0)]
    x_texts, y_texts = (dict(zip(of, _texts(list(of.values())), strict=True)) for of in (rows, others))
    ranks = _ranks(board)
    dots = []
    for entry in drawn:
        told = ((across, *x_texts[entry]), (up, *y_texts[entry]))
        text = ", ".join(f"{name} {value} {interval}".strip() for name, value, interval in told)
        places = [scale.at(end) for scale, row in ((x, rows[entry]), (y, others[entry])) for end in _ends(row)]
        places[3:] = [round(100 - place, 2) for place in places[3:]]
        look = (series.get(entry.group, 0), not board.is_ranked(entry), ranks[entry], text, "")
        dots.append(Dot(numbers[entry], entry.name, *look, *places))
    logs = " and ".join(name for name, scale in ((across, x), (up, y)) if scale.is_log)
    gates = [Tick(100 - y.at(gate), f"{name} {gate:g}") for name, gate, _ in TIERS if gate > 0 and y.holds(gate)]
    return Plot(
        _title(board, across),
        _title(board, up),
        x.ticks,
        [Tick(round(100 - tick.at, 2), tick.text) for tick in y.ticks],
        dots,
        gates if name_of(up) == GATED else [],
        f"Logarithmic: {logs}." if logs else "",
        len(board.entries) - len(drawn),
        "top left",
    )


def _is(result_id: str, needs: str, better: str) -> bool:
    metric = metric_of(result_id)
    return metric is not None and (metric.needs, metric.better) == (needs, better)


def _ranks(board: Board) -> dict[Entry, str]:
    ranks = zip(board.entries, board.ranks, strict=True)
    return {entry: "–" if rank is None else str(rank) for entry, rank in ranks}


def _rows(board: Board, result_id: str) -> dict[Entry, Row]:
    """Return the rows that compare and can be drawn, in the order of the board."""
    found = {entry: comparable(board, entry, result_id) for entry in board.entries}
    return {entry: row for entry, row in found.items() if row is not None and drawable(row.value)}


def _scale(rows: Iterable[Row]) -> Scale:
    rows = list(rows)
    return Scale((end for row in rows for end in _ends(row)), linear=any(_is_share(row) for row in rows))


def _is_share(row: Row) -> bool:
    metric = metric_of(row.id)
    return (row.unit if metric is None else metric.unit) == "share"


def _ends(row: Row) -> tuple[float, float, float]:
    """Return value, low and high; without an interval the value in their place."""
    value = row.value or 0.0
    return (
        value,
        row.low if row.low is not None and drawable(row.low) else value,
        row.high if row.high is not None and drawable(row.high) else value,
    )


def _texts(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return value and interval of rows of one result in words, with decimals that all share."""
    decimals = column_decimals(rows[0].id, [end for row in rows for end in (row.value, row.low, row.high)])
    found = []
    for row in rows:
        value, low, high = (format_fixed(end, decimals) for end in (row.value, row.low, row.high))
        found.append((value, "" if row.low is None else f"({low} … {high})"))
    return found


def _title(board: Board, result_id: str) -> str:
    rows = (entry.card[result_id] for entry in board.entries if entry.card is not None and result_id in entry.card)
    return f"{result_id} {ARROWS[direction(next(rows))]}".strip()
