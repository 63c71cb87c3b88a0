"""What two rows must share to compare."""

from __future__ import annotations

from typing import NamedTuple

from ganbench.leaderboard.choice import direction
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard


class Conditions(NamedTuple):
    """What two rows must share to compare."""

    protocol: str
    n: int
    reference: str  # digest of its images
    better: str


def conditions_of(card: Scorecard | None, row: Row) -> Conditions:
    """Return what a row of a scorecard must share with others to compare."""
    reference = card.reference.get(row.instrument) if card else None
    data = reference.get("data") if isinstance(reference, dict) else None
    return Conditions(row.protocol, row.n or 0, str((data or {}).get("digest") or ""), direction(row))
