"""What a student is told: what was measured, which rule was broken, the worst images, and what to try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganbench.grade.hints import hints_of
from ganbench.grade.measure import PRIVATE, PUBLIC, Picture
from ganbench.grade.student import Graded, Student
from ganbench.report.class_board import ClassBoard
from ganbench.scoring.flags import Flag
from ganbench.scoring.row import ARROWS, Row

SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Feedback:
    """The page of one student.

    Attributes:
        student: whose.
        title: of the class.
        rows: what was measured, by the public board; by the private one too where it may be told.
        place: on the public board, in words; "" without one.
        tells_grade: whether tier and points may be told.
        hints: what to try, one line each.
        flags: those of the student; they name nobody else.
        shown_reasons: why there is no tier, no points, or fewer of them.
    """

    student: Student
    title: str
    rows: Mapping[str, list[Row]]
    place: str
    tells_grade: bool
    hints: tuple[str, ...]
    flags: tuple[Flag, ...]
    shown_reasons: tuple[str, ...]

    def to_page(self) -> dict[str, Any]:
        """Return what the template shows."""
        look = self.student.public
        return {
            "feedback": self,
            "student": self.student,
            "checks": () if look is None else look.checks,
            "worst": () if look is None else look.worst,
            "first": () if look is None else look.first,
            "explained": () if look is None else look.explained,
            "arrows": ARROWS,
        }

    def to_dict(self) -> dict[str, object]:
        """Return it as plain data, without the pictures."""
        student, look = self.student, self.student.public
        content: dict[str, object] = {
            "schema": SCHEMA,
            "id": student.id,
            "name": student.name,
            "alias": student.alias,
            "submission": student.label or None,
            "passed_over": list(student.passed),
            "valid": student.valid,
            "late": student.late.text or None,
            "flags": [flag.to_dict() for flag in self.flags],
            "cleared": student.cleared,
            "reasons": list(self.shown_reasons),
            "rules": [] if look is None else [{"what": c.what, "ok": c.ok, "found": c.found} for c in look.checks],
            "results": {board: [row.to_dict() for row in rows] for board, rows in self.rows.items()},
            "place": self.place or None,
            "worst": [] if look is None else [_picture(picture) for picture in look.worst],
            "explained": [] if look is None else list(look.explained),
            "what_to_try": list(self.hints),
        }
        if self.tells_grade:
            content |= {"tier": student.tier or None, "points": student.points}
        return content


def _picture(picture: Picture) -> dict[str, object]:
    return {"name": picture.name, "why": picture.why}


def feedback_of(student: Student, graded: Graded, boards: Mapping[str, ClassBoard]) -> Feedback:
    """Return what a student is told. What only the private board says is told where the configuration reveals it."""
    reveal = graded.reveals
    looks = {PUBLIC: student.public}
    if graded.has_private and reveal:
        looks[PRIVATE] = student.private
    rows = {name: look.card.rows for name, look in looks.items() if look is not None and look.card is not None}
    place = boards[PUBLIC].places.get(student.id)
    said = "" if place is None else f"{place.position} of {boards[PUBLIC].ranked}"
    if place is not None and place.ties:
        said += f", tied with {place.ties}"
    reasons = student.reasons if reveal or not student.valid else ()
    return Feedback(
        student, graded.config.title, rows, said, reveal, tuple(hints_of(student)), _told(student), tuple(reasons)
    )


def _told(student: Student) -> tuple[Flag, ...]:
    """Return the flags as their student may read them: that with whom images are shared is for staff alone."""
    return tuple(
        replace(
            flag,
            text=f"{flag.share or 0:.1%} of the images were handed in by somebody else too, as they are or changed",
        )
        if flag.kind == "shared"
        else flag
        for flag in student.flags
    )
