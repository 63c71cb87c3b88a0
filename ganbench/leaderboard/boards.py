"""Boards: entries that may be ranked together, and who is better than whom.

Rows of different protocols, references or n are never ranked together: each such class is a board of its own.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

from ganbench.errors import UnknownName
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.published import tier_of
from ganbench.registry import did_you_mean
from ganbench.scoring.scorecard import Row

Conditions = tuple[str, int, str]  # protocol, n, digest of the reference's images


@dataclass
class Board:
    """Entries that may be ranked together, best first."""

    by: str
    conditions: Conditions
    entries: list[Entry] = field(default_factory=list)

    @property
    def protocol(self) -> str:
        """The protocol that all entries share, with the reference's images."""
        text, _, digest = self.conditions
        return f"{text} (reference images {digest[:8]})" if digest else text

    @property
    def n(self) -> int:
        """Images per entry."""
        return self.conditions[1]

    @property
    def ranks(self) -> list[int]:
        """The rank of every entry: 1 + the number of entries that are significantly better."""
        rows = [measured(entry, self.by) for entry in self.entries]
        return [1 + sum(is_better(other, row) for other in rows) for row in rows]


def boards(entries: list[Entry], by: str) -> list[Board]:
    """Rank the entries by one result; the largest board first.

    Raises:
        UnknownName: no entry has this result.
    """
    known = list(dict.fromkeys(row.id for e in entries if e.card for row in e.card.rows))
    if known:
        refuse_unknown(by, known)
    found: dict[Conditions, Board] = {}
    for entry in entries:
        row = measured(entry, by)
        if row is not None:
            conditions = conditions_of(entry, row)
            found.setdefault(conditions, Board(by, conditions)).entries.append(entry)
    for board in found.values():
        sign = -1 if measured(board.entries[0], by).better == "higher" else 1
        board.entries.sort(key=lambda entry: sign * measured(entry, by).value)
    return sorted(found.values(), key=lambda board: -len(board.entries))


def refuse_unknown(by: str, known: list[str]) -> None:
    """Refuse to rank by a result that there is not.

    Raises:
        UnknownName: it is not among the known ids.
    """
    if by not in known:
        same = [name for name in known if name.partition("[")[0] == by]  # the metric alone, without its brackets
        hint = f" Did you mean {same[0]!r}?" if same else did_you_mean(by, known)
        raise UnknownName(f"no result is called {by!r}.{hint}")


def unranked(entries: list[Entry], by: str) -> list[tuple[str, str]]:
    """Return (name, reason) of every entry that is on no board."""
    found = []
    for entry in entries:
        if entry.card is None:
            found.append((entry.name, entry.error))
        elif measured(entry, by) is None:
            reason = entry.card[by].reason if by in entry.card else f"its scorecard has no {by}"
            found.append((entry.name, reason))
    return found


def measured(entry: Entry, result_id: str) -> Row | None:
    """Return an entry's row of a result; None if it has none or no value in it."""
    if entry.card is None or result_id not in entry.card or entry.card[result_id].value is None:
        return None
    return entry.card[result_id]


def conditions_of(entry: Entry, row: Row) -> Conditions:
    """Return what two rows must share to compare."""
    reference = entry.card.reference.get(row.instrument)
    data = reference.get("data") if isinstance(reference, dict) else None
    return row.protocol, row.n or 0, str((data or {}).get("digest") or "")


def is_better(a: Row, b: Row) -> bool:
    """Tell whether ``a`` is significantly better than ``b``: the 95 % interval of their difference leaves out 0.

    The interval of the difference is put together from the two intervals, which may be lopsided, as Newcombe (1998)
    does it for shares. Without intervals the values alone decide.
    """
    low, high = (b, a) if a.better == "higher" else (a, b)
    gap = high.value - low.value
    if gap <= 0:
        return False
    below = 0.0 if high.low is None else high.value - high.low
    above = 0.0 if low.high is None else low.high - low.value
    return gap > math.hypot(below, above)


def afd_row(entry: Entry) -> Row | None:
    """Return an entry's detection rate, the first where there are several."""
    rows = entry.card.rows if entry.card else []
    return next((row for row in rows if row.id.startswith("afd[") and row.value is not None), None)


def tier(entry: Entry) -> str:
    """Return the highest of the assignment's tiers whose AFD the entry reaches."""
    row = afd_row(entry)
    return tier_of(None if row is None else row.value)


@dataclass(frozen=True)
class Spread:
    """One result over seeds."""

    mean: float
    deviation: float
    count: int


def over_seeds(board: Board, shown: list[str]) -> list[tuple[str, int, dict[str, Spread]]]:
    """Return (group, runs, spread of every shown result) for groups of several seeds, best mean first.

    Only rows that compare with those of the board's first entry count.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in board.entries:
        if entry.is_run:
            groups.setdefault(entry.group, []).append(entry)
    lines = []
    for group, members in groups.items():
        if len(members) < 2:
            continue
        spreads = {}
        for result_id in shown:
            values = [row.value for e in members if (row := comparable(board, e, result_id)) is not None]
            if len(values) > 1:
                spreads[result_id] = Spread(statistics.mean(values), statistics.stdev(values), len(values))
        lines.append((group, len(members), spreads))
    sign = -1 if measured(board.entries[0], board.by).better == "higher" else 1
    return sorted(lines, key=lambda line: sign * line[2][board.by].mean)


def comparable(board: Board, entry: Entry, result_id: str) -> Row | None:
    """Return an entry's row if it compares with the others in its column: those of the best entry that has one."""
    row = measured(entry, result_id)
    if row is None:
        return None
    first = next(e for e in board.entries if measured(e, result_id) is not None)
    return row if conditions_of(first, measured(first, result_id)) == conditions_of(entry, row) else None
