"""The table of grades: a row for everybody on the roster, for a spreadsheet program and for the university's forms."""

from __future__ import annotations

from ganbench.grade.student import Graded, Student
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.text import csv_text

BOM = "\ufeff"  # without it, spreadsheet programs take UTF-8 for something else
_BEFORE = ("id", "name", "valid", "tier", "points")
_AFTER = ("flags", "late", "reason")
PRIVATE = "private."  # in front of the private board's results


def to_csv(graded: Graded) -> str:
    """Return the grades as CSV text, led by a byte order mark.

    Columns: id, name, valid (yes or no), tier, points (empty where somebody has to look first), every result of the
    public board by its id, those of the private board with ``private.`` in front, flags, late, reason.
    """
    results = [*graded.public, *(f"{PRIVATE}{name}" for name in graded.private)]
    columns = [*_BEFORE, *results, *_AFTER]
    return BOM + csv_text([_line(student) for student in graded.students], columns)


def _line(student: Student) -> dict[str, object]:
    line: dict[str, object] = {
        "id": student.id,
        "name": student.name,
        "valid": "yes" if student.valid else "no",
        "tier": student.tier,
        "points": "" if student.points is None else student.points,
        "flags": " ".join(flag.kind for flag in student.flags),
        "late": student.late.text,
        "reason": "; ".join(student.reasons),
    }
    for prefix, look in (("", student.public), (PRIVATE, student.private)):
        if look is not None and look.card is not None:
            line |= _values(look.card, prefix)
    return line


def _values(card: Scorecard, prefix: str) -> dict[str, object]:
    return {f"{prefix}{row.id}": row.value for row in card.rows if row.value is not None}
