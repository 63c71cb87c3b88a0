"""What everybody handed in: of several submissions the one that counts, and what is nobody's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganbench.grade.config import ClassConfig
from ganbench.grade.exports import Export
from ganbench.grade.lateness import Came, Lateness, came, lateness
from ganbench.grade.people import People
from ganbench.grade.roster import Person
from ganbench.grade.units import Unit, find_units
from ganbench.images.names import natural_key


@dataclass(frozen=True)
class HandedIn:
    """One submission of somebody.

    Attributes:
        unit: the file or folder.
        came: when.
        late: whether that was late.
        number: grows from one upload to the next, where the export counts them.
        note: what there is to say of whose it is, or "".
    """

    unit: Unit
    came: Came
    late: Lateness
    number: int = 0
    note: str = ""

    @property
    def order(self) -> tuple[float, int, tuple]:
        """What tells which of two came later."""
        moment = 0.0 if self.number or self.came.moment is None else self.came.moment.timestamp()
        return moment, self.number, natural_key(self.unit.label)


@dataclass(frozen=True)
class Collected:
    """What was found in the folder of a class.

    Attributes:
        export: what made the folder: ``plain``, ``moodle``, ``gradescope`` or ``canvas``.
        taken: of everybody who handed in, by the key of their id, what counts.
        others: what of theirs does not count, by the same key: earlier submissions, and files of another kind.
        strays: label and reason of what is nobody's.
        note: what was seen in names and not believed, or "".
    """

    export: str
    taken: dict[str, HandedIn]
    others: dict[str, list[HandedIn]]
    strays: list[tuple[str, str]]
    note: str = ""


def collect(folder: Path, roster: Sequence[Person], config: ClassConfig, leave_out: Collection[Path]) -> Collected:
    """Find out who handed in what.

    Args:
        folder: of the class.
        roster: everybody.
        config: the class.
        leave_out: files and folders that are nobody's.

    Raises:
        GanbenchError: the folder or the export's metadata cannot be read.
    """
    units, passed = find_units(folder, leave_out)
    export = Export(folder, units, config.export)
    people = People(roster, config.id)
    theirs: dict[str, list[HandedIn]] = {}
    strays = [(label, why) for label, _, why in (line.partition(": ") for line in passed)]
    for unit in units:
        stated = export.of(unit)
        owners, note = people.whose(stated)
        if not owners:
            strays.append((unit.label, note))
            continue
        moment = came(unit, stated, config.late)
        one = HandedIn(unit, moment, lateness(moment, config.late), stated.number, note)
        for person in owners:
            theirs.setdefault(person.key, []).append(one)
    taken = {key: _counting(found, config.take) for key, found in theirs.items()}
    others = {key: [one for one in found if one is not taken[key]] for key, found in theirs.items()}
    return Collected(export.kind, taken, others, strays, export.note)


def _counting(found: Sequence[HandedIn], take: str) -> HandedIn:
    """Return the submission that counts: the latest that may hold images, or the latest of those in time."""
    candidates = [one for one in found if one.unit.holds] or list(found)
    if take == "latest-in-time":
        candidates = [one for one in candidates if not one.late.late] or candidates
    return max(candidates, key=lambda one: one.order)
