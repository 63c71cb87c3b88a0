"""What the doctor says of one run: records of ours or of anybody, and what the rules find in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.doctor.finding import Finding
from ganbench.doctor.foreign import read_foreign
from ganbench.doctor.ours import read_run
from ganbench.doctor.records import Records
from ganbench.doctor.rules import examine
from ganbench.errors import GanbenchError
from ganbench.system.text import json_text
from ganbench.training.run_folder import RunFolder


@dataclass(frozen=True)
class Diagnosis:
    """What the rules find in a run's records.

    Attributes:
        records: what they looked at.
        findings: the strongest first.
    """

    records: Records
    findings: list[Finding]

    @property
    def grave(self) -> list[Finding]:
        """Those from which a run does not recover by itself."""
        return [finding for finding in self.findings if finding.grave]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "run": self.records.label,
            "steps": self.records.last,
            "recorded": self.recorded(),
            "notes": list(self.records.notes),
        }

    def to_json(self) -> str:
        """Return ``to_dict`` as a text."""
        return json_text(self.to_dict())

    def recorded(self) -> list[str]:
        """Return what there was to look at: names of numbers, networks whose layers were measured, sheets, scores."""
        layers = [f"layers of the {name}" for name, frame in self.records.layers.items() if len(frame)]
        sheets = [f"{len(self.records.sheets)} sample sheets"] if self.records.sheets else []
        plain = [name for name in self.records.numbers if name not in self.records.scores]
        return [*plain, *layers, *sheets, *self.records.scores]


def diagnose(
    run: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    samples: Path | None = None,
    grid: tuple[int, int] | str = "guess",
    pad: int | None = None,
    probability: bool | None = None,
) -> Diagnosis:
    """Examine a finished or a running training.

    Args:
        run: a run folder of ours, or a log: CSV, JSON lines, TensorBoard's events or the folder that holds them.
        columns: of a log, their names by ours (``{"discriminator_loss": "lossD"}``), where they are not well known.
        samples: beside a log, a folder of sample sheets whose names hold the step.
        grid: rows and columns of such a sheet, or ``guess``.
        pad: pixels between its tiles; None: found.
        probability: of a log, whether the discriminator's answer is read as a probability.

    Raises:
        GanbenchError: nothing there that can be read, or options that are for logs of others given for a run of ours.
    """
    path = Path(run)
    if not path.exists():
        raise GanbenchError(f"{path}: no such run or log")
    if RunFolder(path).recipe_file.is_file():
        if columns or samples is not None or probability is not None:
            raise GanbenchError(f"{path} is a run of ganbench, which says itself what is what: leave out --column, "
                                "--samples and --scores")  # fmt: skip
        records = read_run(path)
    else:
        records = read_foreign(
            path, columns=columns or {}, samples=samples, grid=grid, pad=pad, probability=probability
        )
    return Diagnosis(records, examine(records))
