"""How a cell ended, as ``status.json`` holds it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ganbench.bench.grid import Cell
from ganbench.errors import GanbenchError
from ganbench.system.parse import parse_json, read_text
from ganbench.system.wall import wall

STATES = ("done", "failed", "stopped", "held")
_MOST_BYTES = 1 << 20  # a traceback has a few kB


@dataclass(frozen=True)
class Status:
    """How a cell ended: ``done``, ``failed`` or ``stopped``, and why; ``held``: another process works on it."""

    name: str
    variant: str
    seed: int
    state: str
    reason: str = ""
    traceback: str = ""

    @classmethod
    def of(cls, cell: Cell, state: str, reason: str = "", story: str = "") -> Status:
        """Return the status of a cell."""
        return cls(cell.name, cell.recipe.variant, cell.recipe.training.seed, state, reason, story)

    @classmethod
    def read(cls, path: Path) -> Status | None:
        """Return what a file says; None where there is none, or it says nothing that can be understood."""
        try:
            with wall(GanbenchError):
                found = cls(**parse_json(read_text(path, _MOST_BYTES)))
        except GanbenchError:
            return None
        texts = (found.name, found.variant, found.state, found.reason, found.traceback)
        if not all(isinstance(text, str) for text in texts) or found.state not in STATES:
            return None
        return found

    def to_dict(self) -> dict[str, object]:
        """Return it as ``status.json`` holds it."""
        return asdict(self)
