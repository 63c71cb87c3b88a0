"""The cells of a leaderboard: the same texts for the terminal, Markdown, LaTeX and the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ganbench.leaderboard.boards import Board, Leaderboard, comparable, measured, tier
from ganbench.leaderboard.choice import direction
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.seeds import Copies, copies_of, over_seeds
from ganbench.metrics.registry import metric_of, name_of
from ganbench.scoring.numbers import column_decimals, format_fixed
from ganbench.scoring.row import ARROWS
from ganbench.scoring.tiers import FID_NOTE, GATED, GATES

TIER = "AFD tier"  # title of the column
FLAGS = "flags"
OTHER = "†"  # a value that does not compare with the rest of its column
RANK_NOTE = (
    "Rank: 1 + the number of entries that are significantly better (95 % interval of the difference, pair by pair); "
    "equal ranks are not told apart."
)
OTHER_NOTE = f"{OTHER}: measured by another protocol, n or reference than the rest of the column; does not compare."
FLAGGED_NOTE = (
    "Flagged entries are listed last, without a rank (--keep-flagged ranks them like the others). Their AFD tier is "
    "withheld, but for what is disagreeing alone."
)
KEPT_NOTE = "Flagged entries are ranked like the others, as --keep-flagged asks. Their AFD tier is withheld."
SPEED_NOTE = (
    "images/s: real images that the discriminator saw per second of training, median over the log. minutes: of "
    "training at that speed, without samples, scores and checkpoints. Both depend on the machine."
)
SEEDS_NOTE = (
    "Mean ± standard deviation over training seeds. The interval of a run says how sure that run's value is; only this "
    "spread says how sure a variant is."
)
TIER_NOTE = f"AFD tier: the assignment's AFD gates {GATES}, under the detector named here. {FID_NOTE}"


@dataclass(frozen=True)
class Cell:
    """One cell: its text, its 95 % interval, and what it sorts by; None: after all others."""

    text: str
    interval: str = ""
    key: float | str | None = None

    def __str__(self) -> str:
        return f"{self.text} ({self.interval})" if self.interval else self.text


def header(board: Board, shown: list[str]) -> list[str]:
    """Return the titles of the columns."""
    rows = [row for entry in board.entries if entry.card is not None for row in entry.card.rows]
    arrows = {row.id: ARROWS[direction(row)] for row in rows if row.id in shown}
    titles = ["rank", "name", *(f"{name} {arrows.get(name, '')}".strip() for name in shown)]
    titles += [FLAGS] if _flagged(board) else []
    titles += [TIER] if _tiered(board, shown) else []
    return titles + (["images/s", "minutes"] if _timed(board) else [])


def lines(board: Board, shown: list[str]) -> list[list[Cell]]:
    """Return the rows of the table, best first."""
    table, tiered = [], _tiered(board, shown)
    decimals = {name: _decimals(board, name) for name in shown}
    for rank, entry in zip(board.ranks, board.entries, strict=True):
        line = [Cell("–" if rank is None else str(rank), key=rank), Cell(entry.name, key=entry.name)]
        line += [_cell(board, entry, name, decimals[name]) for name in shown]
        if _flagged(board):
            kinds = ", ".join(flag.kind for flag in entry.flags)
            line.append(Cell(kinds or "–", key=kinds or None))
        if tiered:
            line.append(Cell(tier(entry) or "–", key=tier(entry) or None))
        if _timed(board):
            speed = entry.speed
            values = (None, None) if speed is None else (speed.images_per_second, speed.minutes)
            line += [Cell(_three_digits(value), key=value) for value in values]
        table.append(line)
    return table


def _decimals(board: Board, name: str) -> int:
    """Return the decimals of a column: the same for all entries."""
    rows = [row for entry in board.entries if (row := measured(entry, name)) is not None]
    return column_decimals(name, [number for row in rows for number in (row.value, row.low, row.high)])


def _cell(board: Board, entry: Entry, name: str, decimals: int) -> Cell:
    row = measured(entry, name)
    if row is None:
        return Cell("–")
    value, low, high = (format_fixed(number, decimals) for number in (row.value, row.low, row.high))
    interval = "" if row.low is None else f"{low} … {high}"
    if comparable(board, entry, name) is None:
        return Cell(f"{value} {OTHER}", interval)
    return Cell(value, interval, row.value)


def _three_digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _tiered(board: Board, shown: list[str]) -> bool:
    return any(name_of(name) == GATED for name in shown) and any(tier(entry) for entry in board.entries)


def _flagged(board: Board) -> bool:
    return any(entry.flags for entry in board.entries)


def _timed(board: Board) -> bool:
    return any(entry.speed is not None for entry in board.entries)


def notes(board: Board, shown: list[str]) -> list[str]:
    """Return what a reader must know about a board."""
    if board.better == "none":
        found = [f"Not ranked: {board.by} has no direction. In the order given; n = {board.n}; {board.protocol}."]
    elif not board.ranks_any:
        found = [f"Not ranked: every entry is flagged. In the order of {board.by}, n = {board.n}; {board.protocol}."]
    else:
        found = [f"Ranked by {board.by}, n = {board.n}; {board.protocol}.", RANK_NOTE]
    if board.note:
        found.insert(1, board.note)
    if any(cell.text.endswith(OTHER) for line in lines(board, shown) for cell in line):
        found.append(OTHER_NOTE)
    if _flagged(board):
        found.append(KEPT_NOTE if board.keep_flagged else FLAGGED_NOTE)
    if beware := caution_note(shown):
        found.append(beware)
    if _tiered(board, shown):
        found.append(TIER_NOTE)
    if _timed(board):
        found.append(SPEED_NOTE)
    return found + [_copies_note(copies) for copies in copies_of(board)]


def cautions(shown: Iterable[str]) -> dict[str, str]:
    """Return what a reader must beware of in each column, by what stands before the brackets of its results."""
    metrics = {name_of(result): metric_of(result) for result in shown}
    return {name: metric.caution for name, metric in metrics.items() if metric is not None and metric.caution}


def caution_note(shown: Iterable[str]) -> str:
    """Return ``cautions`` as one note; empty where there are none."""
    found = [f"{name}: {text}." for name, text in cautions(shown).items()]
    return " ".join(["Beware.", *found]) if found else ""


def _copies_note(copies: Copies) -> str:
    names = f"{', '.join(copies.names[:-1])} and {copies.names[-1]}"
    return (
        f"{names} are taken as copies of one another, because they share {' and '.join(copies.shared)}: "
        f"they count as one seed of {copies.group}, with the mean of their values."
    )


def flag_lines(leaderboard: Leaderboard) -> list[list[str]]:
    """Return name, kind and reason of every flag of every entry."""
    return [[entry.name, flag.kind, flag.text] for entry in leaderboard.entries for flag in entry.flags]


def seed_lines(board: Board, shown: list[str]) -> list[list[str]]:
    """Return variant, number of seeds, and mean and standard deviation of the shown results; best first."""
    found = []
    groups = over_seeds(board, shown)
    decimals = {}
    for name in shown:
        spreads = [group[2][name] for group in groups if name in group[2]]
        decimals[name] = column_decimals(name, [number for s in spreads for number in (s.mean, s.deviation)])
    for group, count, of in groups:
        texts = []
        for name in shown:
            if name not in of:
                texts.append("–")
                continue
            mean, deviation = (format_fixed(number, decimals[name]) for number in (of[name].mean, of[name].deviation))
            texts.append(f"{mean} ± {deviation}" + (f" ({of[name].count})" if of[name].count != count else ""))
        found.append([group, str(count), *texts])
    return found
