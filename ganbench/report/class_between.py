"""What only shows between the submissions of a class: images that two share, and ranks that two networks dispute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ganbench.errors import GanbenchError
from ganbench.grade.roster import id_key
from ganbench.grade.student import Student
from ganbench.grade.units import digest_of
from ganbench.images.source import Source
from ganbench.leaderboard.disagree import disagreeing, second_opinions
from ganbench.metrics.registry import metric_of
from ganbench.overlap.finding import compare
from ganbench.overlap.result import Overlap
from ganbench.scoring.flags import Flag
from ganbench.scoring.options import Images, ScoreOptions
from ganbench.scoring.row import Row
from ganbench.scoring.shared import shared_flags
from ganbench.system.cluster import Site

_BAD = 1000  # unreadable images that are left out, as where submissions are measured


class Between:
    """Compares the submissions of a class with each other, and keeps what it found for the page of staff.

    Attributes:
        overlap: what submissions share; None before they were compared, or where fewer than two can be read.
        failed: why they could not be compared, or "".
    """

    def __init__(self, ranked_by: str, *, device: str = "auto", site: Site | None = None) -> None:
        """Set up.

        Args:
            ranked_by: the result that the public board is ranked by.
            device: on which networks run.
            site: where the work is done; None: in this process.
        """
        self._by, self._device, self._site = ranked_by, device, site
        self.overlap: Overlap | None = None
        self.failed = ""

    def __call__(self, students: Sequence[Student]) -> dict[str, list[Flag]]:
        """Return flags by the key of a student's id."""
        found: dict[str, list[Flag]] = {}
        for student, flag in [*self._shared(students), *self._disputed(students)]:
            found.setdefault(id_key(student.id), []).append(flag)
        return found

    def _shared(self, students: Sequence[Student]) -> Iterator[tuple[Student, Flag]]:
        """Yield who shares images with whom; a submission of a group stands for all who handed it in."""
        first: dict[str, Student] = {}
        for student in students:
            if student.public is not None and student.public.card is not None:
                first.setdefault(student.label, student)
        unit_of = {student.id: student.handed.unit for student in first.values() if student.handed is not None}
        if len(unit_of) < 2:
            return
        opened = opener()
        try:
            paths: list[Images] = [unit.path for unit in unit_of.values()]
            contents = [f"{digest_of(unit)} {_BAD}" for unit in unit_of.values()]
            found = compare(paths, list(unit_of), opened, device=self._device, site=self._site, contents=contents)
        except GanbenchError as e:
            self.failed = str(e)
            return
        self.overlap = found
        flags = shared_flags(found.pairs)
        for student in students:
            owner = first.get(student.label)
            if owner is not None and owner.id in flags:
                yield student, flags[owner.id]

    def _disputed(self, students: Sequence[Student]) -> Iterator[tuple[Student, Flag]]:
        """Yield whose work the private board's network sees otherwise than the public one's."""
        metric = metric_of(self._by)
        valid = [student for student in students if student.valid and student.private is not None]
        others = dict.fromkeys(name for student in valid for name in _rows(student, private=True))
        for other in second_opinions(self._by, others):
            first = [_rows(student, private=False).get(self._by) for student in valid]
            second = [_rows(student, private=True).get(other) for student in valid]
            said_of = disagreeing(first, second, metric.better if metric else "none")
            for student, said in zip(valid, said_of, strict=True):
                if said is not None and said.favoured == 0:  # who gains by it
                    yield student, Flag("disagreeing", None, None, said.text)


def opener() -> Callable[[Images], Source]:
    """Return what opens a submission as it was measured."""
    return ScoreOptions(detector=None, skip_bad=_BAD).open


def _rows(student: Student, *, private: bool) -> dict[str, Row]:
    look = student.private if private else student.public
    card = None if look is None else look.card
    return {} if card is None else {row.id: row for row in card.rows if row.value is not None}
