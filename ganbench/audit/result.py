"""What an audit found, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ganbench.audit.check import Finding
from ganbench.audit.points import Point
from ganbench.audit.scale import Scale
from ganbench.system.text import csv_text, json_text
from ganbench.system.versions import library_versions

SCHEMA = 1
COLUMNS = ("id", "metric", "instrument", "check", "passed", "text")


@dataclass(frozen=True)
class Judged:
    """What one check says of one metric.

    Attributes:
        id: Result id.
        metric: Its metric.
        instrument: What it is measured with.
        check: Name of the check.
        finding: What it says.
    """

    id: str
    metric: str
    instrument: str
    check: str
    finding: Finding

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "id": self.id,
            "metric": self.metric,
            "instrument": self.instrument,
            "check": self.check,
            "passed": self.finding.passed,
            "text": self.finding.text,
            "figures": self.finding.figures,
        }


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        scale: How much was done.
        rows: One for each metric and check, in the order of the tables.
        verdicts: One in words for each metric, by its result id.
        points: All values, for curves; those of the synthetic checks are left out.
        titles: Of the checks, by their names.
        notes: What a reader must know, one line each.
    """

    scale: Scale
    rows: tuple[Judged, ...]
    verdicts: dict[str, str]
    points: tuple[Point, ...]
    titles: dict[str, str]
    notes: tuple[str, ...] = ()

    def row(self, result_id: str, check: str) -> Judged | None:
        """Return what a check says of a metric, None where it was not tried."""
        return next((row for row in self.rows if row.id == result_id and row.check == check), None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "schema": SCHEMA,
            "ganbench": library_versions()["ganbench"],
            "scale": self.scale.plain(),
            "checks": self.titles,
            "verdicts": [{"id": one, "n": self.scale.n, "text": text} for one, text in self.verdicts.items()],
            "rows": [row.to_dict() for row in self.rows],
            "points": [point.__dict__ for point in self.points],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return ``to_dict`` as a JSON text."""
        return json_text(self.to_dict())

    def to_csv(self) -> str:
        """Return a row for each metric and check."""
        return csv_text([{**row.to_dict(), "passed": _word(row.finding.passed)} for row in self.rows], COLUMNS)


def _word(passed: bool | None) -> str:
    return "" if passed is None else "yes" if passed else "no"
