"""A run as it stood at a step: what a doctor could have seen then, and nothing that came later."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path


def cut(run: Path, to: Path, step: int) -> Path:
    """Copy what a run had recorded up to a step; returns the copy.

    Lines of ``.jsonl`` and rows of ``.csv`` files go by their ``step``, sample sheets by their names. What is written
    at the end alone (the checkpoint, samples, a scorecard) is left out, and so is what says nothing of a step.
    """
    shutil.rmtree(to, ignore_errors=True)
    (to / "samples").mkdir(parents=True)
    for name in ("recipe.toml", "environment.json"):
        shutil.copy(run / name, to / name)
    for path in run.glob("*.jsonl"):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        (to / path.name).write_text("".join(line for line in lines if _step(line) <= step), "utf-8")
    for path in run.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        if rows and "step" in rows[0]:
            with (to / path.name).open("w", encoding="utf-8", newline="") as f:
                writer = csv.DictWriter(f, list(rows[0]))
                writer.writeheader()
                writer.writerows(row for row in rows if int(row["step"]) <= step)
    for sheet in (run / "samples").glob("*.png"):
        if sheet.stem.isdigit() and int(sheet.stem) <= step:
            shutil.copy(sheet, to / "samples" / sheet.name)
    return to


def _step(line: str) -> float:
    """Return the step of a line; half a line, and one without a step, is never there."""
    try:
        step = json.loads(line).get("step")
    except (ValueError, AttributeError):
        return float("inf")
    return step if isinstance(step, int) else float("inf")
