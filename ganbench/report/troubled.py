"""What differs in the samples of runs from real images, and what went wrong in their training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ganbench.doctor.diagnosis import diagnose
from ganbench.doctor.finding import Finding
from ganbench.errors import GanbenchError
from ganbench.leaderboard.entries import Entry
from ganbench.runs.explained import Told, explanation_of

_TOLD = 3  # findings of samples, a run


@dataclass(frozen=True, eq=False)
class Troubled:
    """What is known of one run.

    Attributes:
        number: of its entry on the page.
        name: of the run.
        told: the strongest findings in its samples; None where nobody explained them.
        ailments: what the doctor says of its training; None where there is nothing to read.
        unread: why not, or "".
    """

    number: int
    name: str
    told: list[Told] | None
    ailments: list[Finding] | None
    unread: str

    @property
    def samples(self) -> str:
        """The findings in its samples in a few words."""
        if self.told is None:
            return "not explained"
        return ", ".join(f"{_plain(one.kind)} {one.effect:.3g}" for one in self.told) or "nothing found"

    @property
    def training(self) -> str:
        """What the doctor says in a few words."""
        if self.ailments is None:
            return f"not read: {self.unread}"
        said = [f"{one.kind}, step {one.when:,}{'' if one.grave else ' (no emergency)'}" for one in self.ailments]
        return "; ".join(said) or "nothing found"


def troubles_of(numbers: Mapping[Entry, int]) -> dict[Entry, Troubled]:
    """Return what is known of every run among the entries.

    Args:
        numbers: the entries by their numbers on the page.
    """
    found = {}
    for entry, number in numbers.items():
        if not entry.is_run:
            continue
        digest = None if entry.card is None else entry.card.source.get("digest")
        told = explanation_of(entry.path, digest)
        try:
            ailments, unread = diagnose(entry.path).findings, ""
        except GanbenchError as e:
            ailments, unread = None, str(e)
        found[entry] = Troubled(number, entry.name, None if told is None else told[:_TOLD], ailments, unread)
    return found


def _plain(kind: str) -> str:
    return kind.replace("_", " ")
