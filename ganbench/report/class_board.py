"""The board of a class: places by the intervals, flagged entries below honest ones, and who has no place and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ganbench.grade.config import TierSection
from ganbench.grade.measure import Look
from ganbench.grade.settle import sign_of
from ganbench.grade.student import Graded, Student
from ganbench.leaderboard.choice import Choice, choose
from ganbench.leaderboard.positions import NOTE, Standing, standings
from ganbench.leaderboard.table import Cell, caution_note
from ganbench.metrics.registry import metric_of
from ganbench.report.plots import Line, Plot, line_plot
from ganbench.scoring.numbers import column_decimals, format_fixed
from ganbench.scoring.row import ARROWS, Row

FLAGGED_NOTE = "Flagged entries have no position and stand below the others."
_WORDS = frozenset({"id", "alias", "tier", "flags", "late"})
_SIGNS = {"lower": 1, "higher": -1}


@dataclass(frozen=True, eq=False)
class ClassBoard:
    """One board of a class.

    Attributes:
        title: of the page.
        by: id of the result that it is ranked by.
        header: titles of the columns.
        named_at: which column names the entry.
        lines: the cells, best first; flagged entries last.
        places: of everybody who has one, by the student's id.
        ranked: how many have one.
        plot: the picture that it starts with; None where there are not two values to draw.
        below_header: titles of the columns of those who are not on the board.
        below: their cells; empty on a public board.
        notes: what a reader must know.
    """

    title: str
    by: str
    header: list[str]
    named_at: int
    lines: list[list[Cell]]
    places: Mapping[str, Standing]
    ranked: int
    plot: Plot | None
    notes: list[str]
    below_header: list[str] = field(default_factory=list)
    below: list[list[str]] = field(default_factory=list)

    @property
    def words(self) -> frozenset[str]:
        """Titles of columns that hold words, not numbers."""
        return _WORDS


@dataclass(frozen=True, eq=False)
class _Entry:
    student: Student
    rows: Mapping[str, Row]


def class_board(
    graded: Graded,
    *,
    private: bool,
    known: Mapping[str, str],
    sort: str | None,
    columns: Sequence[str] | None,
    named: bool,
) -> ClassBoard:
    """Return a board.

    Args:
        graded: the class.
        private: whether the private board's instruments count, else the public one's.
        known: ids of the results that there may be, with their directions.
        sort: the result to rank by; None: the one that heads a board.
        columns: results to show; None: the usual ones.
        named: whether people are named; else only their aliases stand on it.

    Raises:
        GanbenchError: no such result, or one without a direction.
    """
    choice = choose(known, sort, columns)
    better = _better(choice.by, known)
    entries: list[_Entry] = []
    others: list[_Entry] = []
    for student in graded.students:
        look = student.private if private else student.public
        rows = _rows(look)
        measured = choice.by in rows and student.valid
        (entries if measured else others).append(_Entry(student, rows))
    entries.sort(key=lambda entry: _SIGNS[better] * (entry.rows[choice.by].value or 0.0))
    ranked, unranked, note = _ranked(entries, choice.by, keep_flagged=graded.config.keep_flagged)
    found = standings([entry.rows[choice.by] for entry in ranked], better)
    place_of = {entry.student.id: place for entry, place in zip(ranked, found, strict=True)}
    shown = choice.shown(known)
    board_notes = _notes(ranked, choice, shown, others, note, named=named)
    tiers = named or graded.reveals  # they rest on the private board
    if tiers:
        board_notes.append(_tier_note(graded.config.tiers))
    lines = _lines([*ranked, *unranked], shown, place_of, named=named, tiers=tiers)
    what = "private board" if private else "public board" if not named else "board with names, for staff"
    return ClassBoard(
        f"{graded.config.title}: {what}",
        choice.by,
        _header(shown, known, named=named, tiers=tiers),
        3 if named else 2,
        lines,
        place_of,
        len(ranked),
        _plot(ranked, choice.by, known, place_of, named=named),
        board_notes,
        ["id", "name", "submission", "why"] if named else [],
        [_why(entry.student) for entry in others] if named else [],
    )


def _plot(
    ranked: Sequence[_Entry], by: str, known: Mapping[str, str], place_of: Mapping[str, Standing], *, named: bool
) -> Plot | None:
    """Return the picture of the entries that have a place."""
    lines = []
    for number, entry in enumerate(ranked, 1):
        student = entry.student
        name = f"{student.id} {student.name}".strip() if named else student.alias
        lines.append(Line(number, name, str(place_of[student.id].position), entry.rows[by]))
    return line_plot(_title(by, known), lines)


def _title(result: str, known: Mapping[str, str]) -> str:
    return f"{result} {ARROWS.get(known.get(result, 'none'), '')}".strip()


def _better(result: str, known: Mapping[str, str]) -> str:
    metric = metric_of(result)
    return known[result] if metric is None else metric.better


def _rows(look: Look | None) -> dict[str, Row]:
    if look is None or look.card is None:
        return {}
    return {row.id: row for row in look.card.rows if row.value is not None}


def _ranked(entries: Sequence[_Entry], by: str, *, keep_flagged: bool) -> tuple[list[_Entry], list[_Entry], str]:
    """Return who has a place, who has none, and what there is to say of it: rows of other conditions do not compare."""
    honest = [entry for entry in entries if keep_flagged or not entry.student.is_flagged]
    conditions = Counter((entry.rows[by].protocol, entry.rows[by].n) for entry in honest)
    usual = conditions.most_common(1)[0][0] if conditions else None
    ranked = [entry for entry in honest if (entry.rows[by].protocol, entry.rows[by].n) == usual]
    place = {id(entry) for entry in ranked}
    rest = [entry for entry in entries if id(entry) not in place]
    other = len(honest) - len(ranked)
    note = f"{other} of another number of images or protocol: no position, since they do not compare." if other else ""
    return ranked, rest, note


def _header(shown: Sequence[str], known: Mapping[str, str], *, named: bool, tiers: bool) -> list[str]:
    results = [_title(name, known) for name in shown]
    if named:
        return ["position", "tied with", "id", "name", "alias", "tier", "points", *results, "flags", "late"]
    return ["position", "tied with", "entry", *(["tier"] if tiers else []), *results, "flags"]


def _lines(
    entries: Sequence[_Entry], shown: Sequence[str], place_of: Mapping[str, Standing], *, named: bool, tiers: bool
) -> list[list[Cell]]:
    decimals = {name: _decimals(entries, name) for name in shown}
    table = []
    for entry in entries:
        student, place = entry.student, place_of.get(entry.student.id)
        position = Cell("–") if place is None else Cell(str(place.position), key=place.position)
        ties = Cell("" if place is None else place.ties, key=None if place is None else len(place.tied))
        counts = student.tier if not student.withheld else ""
        tier = Cell("withheld" if student.tier and not counts else counts or "–", key=counts or None)
        results = [_cell(entry.rows.get(name), decimals[name]) for name in shown]
        kinds = " ".join(flag.kind for flag in student.flags)
        flags = Cell(f"{kinds} (cleared)" if kinds and student.cleared and named else kinds, key=kinds or None)
        if not named:
            alias = Cell(student.alias, key=student.alias)
            table.append([position, ties, alias, *([tier] if tiers else []), *results, flags])
            continue
        points = Cell("–" if student.points is None else f"{student.points:g}", key=student.points)
        who = [Cell(text, key=text) for text in (student.id, student.name, student.alias)]
        late = Cell(student.late.text, key=student.late.text or None)
        table.append([position, ties, *who, tier, points, *results, flags, late])
    return table


def _decimals(entries: Sequence[_Entry], name: str) -> int:
    rows = [entry.rows[name] for entry in entries if name in entry.rows]
    return column_decimals(name, [number for row in rows for number in (row.value, row.low, row.high)])


def _cell(row: Row | None, decimals: int) -> Cell:
    if row is None:
        return Cell("–")
    value, low, high = (format_fixed(number, decimals) for number in (row.value, row.low, row.high))
    return Cell(value, "" if row.low is None else f"{low} … {high}", row.value)


def _why(student: Student) -> list[str]:
    return [student.id, student.name, student.label or "–", "; ".join(student.reasons)]


def _tier_note(tiers: Sequence[TierSection]) -> str:
    """Say what the tiers ask for, the lowest first."""
    asked = []
    for tier in tiers:
        gates = [f"{gate} {sign_of(gate)} {limit:g}" for gate, limit in tier.gates.items()]
        asked.append(f"{tier.name} ({' and '.join(gates) or 'no gate'})")
    return f"Tier: the highest whose gates are all passed: {', '.join(asked)}. Of flagged work it is withheld."


def _notes(
    ranked: Sequence[_Entry],
    choice: Choice,
    shown: Sequence[str],
    others: Sequence[_Entry],
    note: str,
    *,
    named: bool,
) -> list[str]:
    found = [NOTE, FLAGGED_NOTE]
    if ranked:
        row = ranked[0].rows[choice.by]
        found.insert(0, f"Ranked by {choice.by}, n = {row.n}; {row.protocol}.")
    found += [text for text in (choice.note, note, caution_note(shown)) if text]
    if others and not named:
        absent = sum(entry.student.handed is None for entry in others)
        broken = len(others) - absent
        parts = [f"{broken} that break a rule or could not be measured"] if broken else []
        parts += [f"{absent} that are not in"] if absent else []
        found.append(f"Not on the board: {' and '.join(parts)}.")
    return found
