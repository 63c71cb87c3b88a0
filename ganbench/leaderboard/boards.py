"""Boards: entries that may be ranked together, and who is better than whom.

Rows of different protocols, references or n are never ranked together: each such class is a board of its own. What is
flagged has no rank: it is listed below the others, and what breaks the rules has no board of its own either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ganbench.leaderboard.better import is_better
from ganbench.leaderboard.choice import Choice, choose, directions
from ganbench.leaderboard.conditions import Conditions, conditions_of
from ganbench.leaderboard.entries import Entry
from ganbench.scoring.flags import withholding
from ganbench.scoring.row import Row

_SIGNS = {"lower": 1, "higher": -1, "none": 0}  # by which values sort with the best first; 0 leaves the order
_TO_RANK = "score it again, or rank by what all have (--sort)"


@dataclass
class Board:
    """Entries that may be ranked together, best first; without a direction, in the order they were given.

    Attributes:
        by: id of the result that they are ranked by.
        conditions: what their rows of it share.
        entries: the entries; each has a value of it. Those that have a rank come first.
        note: how the result was found, where it is not what was asked for.
        keep_flagged: whether flagged entries have a rank like the others.
    """

    by: str
    conditions: Conditions
    entries: list[Entry] = field(default_factory=list)
    note: str = ""
    keep_flagged: bool = False

    @property
    def protocol(self) -> str:
        """The protocol that all entries share, with the reference's images."""
        text, digest = self.conditions.protocol, self.conditions.reference
        return f"{text} (reference images {digest[:8]})" if digest else text

    @property
    def n(self) -> int:
        """Images per entry."""
        return self.conditions.n

    @property
    def better(self) -> str:
        """Direction of the result: ``lower``, ``higher`` or ``none``."""
        return self.conditions.better

    @property
    def sign(self) -> int:
        """What to multiply values with so that the best is the least; 0 without a direction."""
        return _SIGNS[self.better]

    @property
    def ranks(self) -> list[int | None]:
        """The rank of every entry: 1 + the number of significantly better ones; None without a direction or a rank."""
        if self.better == "none":
            return [None] * len(self.entries)
        rows = [measured(entry, self.by) if self.is_ranked(entry) else None for entry in self.entries]
        others = [row for row in rows if row is not None]
        return [
            None if row is None else 1 + sum(is_better(other, row, self.better) for other in others) for row in rows
        ]

    @property
    def ranks_any(self) -> bool:
        """Whether any entry may have a rank: not where all are flagged."""
        return any(self.is_ranked(entry) for entry in self.entries)

    def is_ranked(self, entry: Entry) -> bool:
        """Tell whether an entry of the board has a rank: flagged ones have none, unless they are kept."""
        return self.keep_flagged or not entry.flags


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Entries, and what was chosen to rank them by and to show of them.

    Attributes:
        entries: what ``collect`` returned.
        choice: what ``choose`` returned.
        keep_flagged: whether flagged entries are ranked like the others.
        rules: the assignment's rules that entries were held against, in words; empty without such.
    """

    entries: list[Entry]
    choice: Choice
    keep_flagged: bool = False
    rules: str = ""

    @classmethod
    def of(cls, entries: list[Entry], sort: str | None = None, columns: Sequence[str] | None = None) -> Leaderboard:
        """Return the leaderboard of entries by the results that they have.

        Args:
            entries: what ``collect`` returned.
            sort: see ``choose``.
            columns: see ``choose``.

        Raises:
            GanbenchError: as ``choose`` does.
        """
        return cls(entries, choose(directions(_rows(entries)), sort, columns))

    @property
    def by(self) -> str:
        """Id of the result that entries are ranked by."""
        return self.choice.by

    @cached_property
    def shown(self) -> list[str]:
        """Ids of the results that tables show, that ranked by first."""
        return self.choice.shown(dict.fromkeys(row.id for row in _rows(self.entries)))

    @cached_property
    def boards(self) -> list[Board]:
        """The boards, that of the most entries first."""
        with_values = [(entry, row) for entry in self.entries if (row := measured(entry, self.by)) is not None]
        ranked = [one for one in with_values if self.keep_flagged or not one[0].flags]
        flagged = [one for one in with_values if one not in ranked]
        boards: list[Board] = []
        for entry, row in ranked:
            self._board_of(boards, entry, row).entries.append(entry)
        boards.sort(key=lambda board: -len(board.entries))
        for entry, row in sorted(flagged, key=lambda one: _breaks_rules(one[0])):
            self._board_of(boards, entry, row, elsewhere=_breaks_rules(entry)).entries.append(entry)
        for board in boards:
            board.entries.sort(key=lambda entry: _order(board, entry))
        return boards

    def _board_of(self, boards: list[Board], entry: Entry, row: Row, *, elsewhere: bool = False) -> Board:
        """Return the board of an entry's conditions; if there is none yet, the first one or a new one.

        Args:
            boards: those that there are; a new one is added.
            entry: an entry.
            row: what it has of the result ranked by.
            elsewhere: whether the first board does where none is of its conditions.
        """
        conditions = conditions_of(entry.card, row)
        found = next((board for board in boards if board.conditions == conditions), None)
        if found is None and elsewhere and boards:
            return boards[0]
        if found is None:
            found = Board(self.by, conditions, note=self.choice.note, keep_flagged=self.keep_flagged)
            boards.append(found)
        return found

    @property
    def unranked(self) -> list[tuple[str, str]]:
        """(name, reason) of every entry that is on no board."""
        found = []
        for entry in self.entries:
            if entry.card is None:
                found.append((entry.name, entry.error))
            elif measured(entry, self.by) is None:
                has_row = self.by in entry.card
                why = entry.card[self.by].reason if has_row else f"its scorecard has no {self.by}: {_TO_RANK}"
                found.append((entry.name, why))
        return found


def _order(board: Board, entry: Entry) -> tuple[bool, bool, float]:
    """Return what the entries of a board sort by: a rank, whether its value compares with the others', the value."""
    row = measured(entry, board.by)
    if row is None or row.value is None:
        return True, True, 0.0
    return not board.is_ranked(entry), conditions_of(entry.card, row) != board.conditions, board.sign * row.value


def _breaks_rules(entry: Entry) -> bool:
    return any(flag.kind == "invalid" for flag in entry.flags)


def _rows(entries: list[Entry]) -> list[Row]:
    return [row for entry in entries if entry.card is not None for row in entry.card.rows]


def measured(entry: Entry, result_id: str) -> Row | None:
    """Return an entry's row of a result; None if it has none or no value in it."""
    if entry.card is None or result_id not in entry.card or entry.card[result_id].value is None:
        return None
    return entry.card[result_id]


def comparable(board: Board, entry: Entry, result_id: str) -> Row | None:
    """Return an entry's row if it compares with the others in its column: those of the best entry that has one."""
    row = measured(entry, result_id)
    if row is None:
        return None
    columns = ((other, measured(other, result_id)) for other in board.entries)
    first = next(conditions_of(other.card, found) for other, found in columns if found is not None)
    return row if first == conditions_of(entry.card, row) else None


def tier(entry: Entry) -> str:
    """Return the highest of the assignment's tiers whose AFD the entry reaches.

    Empty without an AFD, and where flags withhold it.
    """
    return entry.card.tier.withheld(withholding(entry.flags)).name if entry.card else ""
