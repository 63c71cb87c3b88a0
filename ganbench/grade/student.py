"""What a class comes to: everybody's result as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ganbench.grade.config import ClassConfig
from ganbench.grade.handed_in import HandedIn
from ganbench.grade.lateness import NEVER, Lateness
from ganbench.grade.measure import Look
from ganbench.scoring.flags import Flag
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard


@dataclass(frozen=True, eq=False)
class Student:
    """Somebody on the roster, and what their work earns.

    Attributes:
        id: as the roster writes it.
        name: likewise.
        alias: what public pages call them.
        handed: the submission that counts; None: nothing was handed in.
        passed: of theirs that does not count, each with why.
        public: what the public board's instruments saw; None: nothing was handed in, or it was not looked at yet.
        private: likewise of the private board's; None without a private board too.
        valid: whether every rule is kept.
        tier: the highest whose gates are all reached; "" without one.
        withheld: whether flags keep the tier from counting: somebody has to look first, or has taken the points.
        points: that the work earns; None where somebody has to look at it first.
        late: whether it came late.
        flags: why its numbers may not be a generator's.
        cleared: whether somebody looked at the flags and found nothing wrong.
        reasons: why there is no tier, no points, or fewer of them; and what else there is to say.
    """

    id: str
    name: str
    alias: str
    handed: HandedIn | None = None
    passed: tuple[str, ...] = ()
    public: Look | None = None
    private: Look | None = None
    valid: bool = False
    tier: str = ""
    withheld: bool = False
    points: float | None = 0.0
    late: Lateness = NEVER
    flags: tuple[Flag, ...] = ()
    cleared: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The path of what counts below the folder of the class; "" without it."""
        return "" if self.handed is None else self.handed.unit.label

    @property
    def is_flagged(self) -> bool:
        """Whether flags keep the entry below honest ones."""
        return bool(self.flags) and not self.cleared

    def cards(self) -> Iterator[tuple[str, Scorecard]]:
        """Yield the scorecards there are, each with what its board is called: that which grades rest on comes first."""
        for board, look in (("private", self.private), ("public", self.public)):
            if look is not None and look.card is not None:
                yield board, look.card

    def row(self, result: str) -> Row | None:
        """Return the row of a result, by its id or its metric alone, from the first scorecard with a value of it."""
        for _, card in self.cards():
            for row in card.rows:
                if row.value is not None and result in (row.id, row.metric):
                    return row
        return None


@dataclass(frozen=True, eq=False)
class Graded:
    """A class, graded.

    Attributes:
        config: what it was graded by.
        students: everybody on the roster, in its order.
        strays: label and reason of what is nobody's.
        export: what made the folder.
        public: ids of the public board's results, in order, with their directions.
        private: those of the private board; empty without one.
        notes: what a reader must know, one line each.
    """

    config: ClassConfig
    students: list[Student]
    strays: list[tuple[str, str]]
    export: str
    public: Mapping[str, str]
    private: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def has_private(self) -> bool:
        """Whether there is a private board with instruments of its own."""
        return self.config.private is not None

    @property
    def reveals(self) -> bool:
        """Whether students may see what grades rest on."""
        return self.config.reveal or not self.has_private
