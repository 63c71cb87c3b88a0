"""When something came, by whom that is said, and whether that was late."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from ganbench.grade.config import LateSection
from ganbench.grade.exports import Stated
from ganbench.grade.units import Unit

_DAY = timedelta(days=1)
MTIME, MARK = "the file's time", "the export's mark"


@dataclass(frozen=True)
class Came:
    """When a submission came.

    Attributes:
        moment: None: not known.
        by: what says so: the export's metadata, its names, or the file's own time.
        marked: whether the export calls it late; None where it says nothing of that.
    """

    moment: datetime | None
    by: str
    marked: bool | None = None


@dataclass(frozen=True)
class Lateness:
    """Whether a submission was late.

    Attributes:
        late: None where nothing says.
        days: begun days after the deadline; 0 in time.
        text: ``no``, ``yes: 1 d 2 h (the file's time)``, ``unknown: ...``, or "" without a deadline.
    """

    late: bool | None
    days: int
    text: str

    def factor(self, rule: LateSection) -> float:
        """Return what part of the points is left, 0..1."""
        if not self.late:
            return 1.0
        if rule.most_days is not None and self.days > rule.most_days:
            return 0.0
        return max(0.0, 1.0 - rule.per_day * self.days)


NEVER = Lateness(None, 0, "")


def came(unit: Unit, stated: Stated, rule: LateSection) -> Came:
    """Return when a submission came, by what the rule believes."""
    if rule.believe != "mtime":
        if (moment := _in_name(unit.parts[0], rule)) is not None:
            return Came(moment, "the export's name", stated.late)
        if stated.moment is not None:
            return Came(stated.moment, stated.by, stated.late)
        if stated.late is not None:
            return Came(_written(unit) if stated.late else None, MARK, stated.late)
        if rule.believe == "export":
            return Came(None, "")
    return Came(_written(unit), MTIME)


def _written(unit: Unit) -> datetime:
    return datetime.fromtimestamp(unit.mtime, timezone.utc)


def _in_name(name: str, rule: LateSection) -> datetime | None:
    """Return the time in a name that the export made; None without a pattern, or where there is none."""
    found = None if rule.in_name is None else re.search(rule.in_name, name)
    if found is None:
        return None
    try:
        moment = datetime.strptime(found[found.re.groups], rule.form)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc if rule.deadline is None else rule.deadline.tzinfo)
    return moment


def lateness(what: Came, rule: LateSection) -> Lateness:
    """Return whether a submission was late by the rule."""
    if what.by == MARK:
        if not what.marked:
            return Lateness(False, 0, "no")
        over = _over(what.moment, rule)
        return Lateness(True, max(1, _days(over)), f"yes ({MARK})")  # the export says so, whatever the file's time is
    if rule.deadline is None:
        return NEVER
    if what.moment is None:
        return Lateness(None, 0, "unknown: the export does not say when it came")
    over = _over(what.moment, rule)
    if over <= timedelta(0):
        return Lateness(False, 0, "no")
    return Lateness(True, _days(over), f"yes: {_in_words(over)} ({what.by})")


def _over(moment: datetime | None, rule: LateSection) -> timedelta:
    if moment is None or rule.deadline is None:
        return timedelta(0)
    return moment - rule.deadline - timedelta(minutes=rule.grace)


def _days(over: timedelta) -> int:
    return max(0, math.ceil(over / _DAY))


def _in_words(over: timedelta) -> str:
    minutes = math.ceil(over / timedelta(minutes=1))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return " ".join(part for part in parts if part)
