"""What the doctor said: ailments that were found and when, and alarms of healthy runs.

An alarm is a kind of trouble that is told of a run at any look; told again at later looks of that run, it is the same
alarm. An ailment is found in a run if a kind that is right for it (``kinds.py``) is told at any look, and the steps to
the alarm are those of the first such look; there is one every 50 steps. Alarms of healthy runs are counted whatever
their kind, per 10,000 steps of all healthy runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from ailments.base import HEALTHY, Run
from ailments.catalogue import BY_NAME

FOUND, FALSE = 0.9, 1.0  # at least, of the runs of each ailment together; less than, per 10,000 healthy steps


def alarms(looks: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return when each kind of trouble was told first."""
    first: dict[str, int] = {}
    for look in looks:
        for kind in look["kinds"]:
            first.setdefault(kind, look["step"])
    return first


@dataclass
class Line:
    """One ailment over its runs.

    Attributes:
        ailment: its name.
        runs: how many there are.
        found: in how many a right kind was told.
        told: in how many any kind was.
        steps: to the first right alarm, of those that were found.
        kinds: everything that was told, in how many runs.
    """

    ailment: str
    runs: int = 0
    found: int = 0
    told: int = 0
    steps: list[int] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)


def tally(
    runs: Sequence[Run], judged: Mapping[str, Mapping[str, Any]], accepted: Mapping[str, frozenset[str]]
) -> list[Line]:
    """Count, one line an ailment, the healthy ones last."""
    lines = {name: Line(name) for name in [*BY_NAME, HEALTHY]}
    for run in runs:
        line, first = lines[run.ailment], alarms(judged[run.key]["looks"])
        right = [step for kind, step in first.items() if kind in accepted.get(run.ailment, frozenset())]
        line.runs += 1
        line.told += bool(first)
        line.found += bool(right)
        line.steps += [min(right)] if right else []
        for kind in first:
            line.kinds[kind] = line.kinds.get(kind, 0) + 1
    return [line for line in lines.values() if line.runs]


def false_alarms(
    runs: Sequence[Run], made: Mapping[str, Mapping[str, Any]], judged: Mapping[str, Mapping[str, Any]]
) -> tuple[int, int]:
    """Return the alarms of healthy runs, and the steps of these."""
    healthy = [run.key for run in runs if run.ailment == HEALTHY]
    return sum(len(alarms(judged[key]["looks"])) for key in healthy), sum(made[key]["steps"] for key in healthy)


def to_dict(lines: Sequence[Line], false: tuple[int, int]) -> dict[str, Any]:
    """Return plain data."""
    broken = [line for line in lines if line.ailment != HEALTHY]
    return {
        "ailments": [vars(line) for line in broken],
        "healthy": {"alarms": false[0], "steps": false[1], "per_10000": rate(false)},
        "found": {"runs": sum(line.runs for line in broken), "found": sum(line.found for line in broken)},
    }


def rate(false: tuple[int, int]) -> float | None:
    """Return false alarms per 10,000 healthy steps; None of no steps."""
    return 1e4 * false[0] / false[1] if false[1] else None


def to_markdown(lines: Sequence[Line], false: tuple[int, int]) -> str:
    """Return the table, and under it the figures that it is about."""
    rows = ["| ailment | found | any alarm | steps to the right alarm, median (most) | told |", "| --- " * 5 + "|"]
    for line in lines:
        told = ", ".join(f"{kind} ({times})" for kind, times in sorted(line.kinds.items(), key=lambda item: -item[1]))
        if line.ailment == HEALTHY:
            rows.append(f"| healthy | – | {line.told} of {line.runs} | – | {told} |")
            continue
        steps = f"{median(line.steps):.0f} ({max(line.steps)})" if line.steps else "–"
        what = BY_NAME[line.ailment].what
        rows.append(
            f"| {line.ailment}: {what} | {line.found} of {line.runs} | {line.told} of {line.runs} | {steps} | {told} |"
        )
    broken = [line for line in lines if line.ailment != HEALTHY]
    runs, found = sum(line.runs for line in broken), sum(line.found for line in broken)
    said = [f"found: {found} of {runs} broken runs ({found / max(runs, 1):.0%})"]
    if (per := rate(false)) is not None:
        said.append(f"false alarms: {false[0]} in {false[1]:,} healthy steps, {per:.2f} per 10,000")
    return "\n".join([*rows, "", *said])


def passed(lines: Sequence[Line], false: tuple[int, int]) -> bool:
    """Tell whether the figures are what they must be."""
    broken = [line for line in lines if line.ailment != HEALTHY]
    found = sum(line.found for line in broken) >= FOUND * sum(line.runs for line in broken)
    return found and (rate(false) or 0.0) < FALSE
