"""Runs over seeds: what a variant reaches, and which runs are copies of one another and count once."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.leaderboard.boards import Board, comparable
from ganbench.leaderboard.entries import Entry
from ganbench.scoring.row import Row


@dataclass(frozen=True)
class Spread:
    """One result over seeds."""

    mean: float
    deviation: float
    count: int


@dataclass(frozen=True)
class Copies:
    """Runs of one group that count once over seeds.

    Attributes:
        group: their group.
        names: their names, best first.
        shared: what told them: ``seed 0``, ``samples``, ``scorecard``.
    """

    group: str
    names: tuple[str, ...]
    shared: tuple[str, ...]


def over_seeds(board: Board, shown: list[str]) -> list[tuple[str, int, dict[str, Spread]]]:
    """Return (group, seeds, spread of every shown result) for groups of several seeds, best mean first.

    Copies of one run count once, by their mean. Only rows that compare with those of the board's first entry count.
    """
    lines = []
    for group, seeds in distinct_trainings(board.entries).items():
        if len(seeds) < 2:
            continue
        spreads = {}
        for result_id in dict.fromkeys([board.by, *shown]):
            values = [mean for copies in seeds if (mean := _mean(board, copies, result_id)) is not None]
            if len(values) > 1:
                spreads[result_id] = Spread(statistics.mean(values), statistics.stdev(values), len(values))
        if board.by in spreads:  # of a group of which one run alone compares here there is no spread
            lines.append((group, len(seeds), spreads))
    return sorted(lines, key=lambda line: board.sign * line[2][board.by].mean)


def values_over_seeds(board: Board) -> dict[str, list[float]]:
    """Return of every group what its trainings reach in the result ranked by, the best mean first.

    Copies of one run count once, by their mean. Only rows that compare with those of the board's first entry count.
    """
    found = {}
    for group, seeds in distinct_trainings(board.entries).items():
        values = [mean for copies in seeds if (mean := _mean(board, copies, board.by)) is not None]
        if values:
            found[group] = values
    return dict(sorted(found.items(), key=lambda one: board.sign * statistics.mean(one[1])))


def copies_of(board: Board) -> list[Copies]:
    """Return the runs of a board that were taken as copies of one another."""
    found = []
    for group, seeds in distinct_trainings(board.entries).items():
        for copies in seeds:
            if len(copies) > 1:
                links = [what for i, a in enumerate(copies) for b in copies[:i] for what in _shared(b, a)]
                found.append(Copies(group, tuple(entry.name for entry in copies), tuple(dict.fromkeys(links))))
    return found


def distinct_trainings(entries: Sequence[Entry]) -> dict[str, list[list[Entry]]]:
    """Return the runs of every group, those that are copies of one another together."""
    groups: dict[str, list[list[Entry]]] = {}
    for entry in entries:
        if entry.is_run:
            seeds = groups.setdefault(entry.group, [])
            same = [copies for copies in seeds if any(_shared(other, entry) for other in copies)]
            if not same:
                seeds.append([entry])
                continue
            same[0] += [*(other for copies in same[1:] for other in copies), entry]
            seeds[:] = [copies for copies in seeds if not any(copies is gone for gone in same[1:])]
    return groups


def _shared(a: Entry, b: Entry) -> list[str]:
    """Return what tells that two runs of one group are the same training: independent seeds share none of it.

    Where both scorecards say which images they are of, that decides: shares of 0 are equal by chance.
    """
    found = [f"seed {a.seed}"] if a.seed == b.seed else []
    if a.card is None or b.card is None:
        return found
    digests = [card.source.get("digest") for card in (a.card, b.card)]
    if None not in digests:
        return [*found, "samples"] if digests[0] == digests[1] else found
    return [*found, "scorecard"] if _tells(a.card.rows) and a.card.rows == b.card.rows else found


def _tells(rows: list[Row]) -> bool:
    """Tell whether rows can show that two scorecards are of the same images: shares are counts, and meet by chance."""
    return any(row.value is not None and row.unit != "share" for row in rows)


def _mean(board: Board, copies: list[Entry], result_id: str) -> float | None:
    rows = [comparable(board, entry, result_id) for entry in copies]
    values = [row.value for row in rows if row is not None and row.value is not None]
    return statistics.mean(values) if values else None
