"""What the trials say: how often the right finding comes first, and how often honest faces are left in peace.

Real faces: right is a set whose first finding is of an accepted kind (``kinds.py``). An honest set must be one of which
nothing is found at all.

Samples of a generator have faults of their own. A finding counts by what it adds to those of the clean twin, the set of
samples before the fault (where the fault chooses the images: as many, drawn at random): its gain is its effect less the
strongest effect of its kind in the twin, both without sign, 0 where the twin has none of it. Right is a set where the
finding with the largest gain is of an accepted kind, and the gain is above 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from blemishes.base import LEVELS
from blemishes.pool import FACES, GAN
from blemishes.trials import BY_NAME, CLEAN, Trial

TARGET = 0.95


def strongest(findings: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the strongest effect of every kind, without its sign."""
    effects: dict[str, float] = {}
    for finding in findings:
        effects[finding["kind"]] = max(effects.get(finding["kind"], 0.0), abs(finding["effect"]))
    return effects


def first_kind(findings: Sequence[Mapping[str, Any]], twin: Sequence[Mapping[str, Any]] | None) -> str:
    """Return the kind that is told first, by the rules above; empty: nothing is.

    Args:
        findings: of the set, strongest first.
        twin: those of the clean twin; None: the set is of real faces.
    """
    if twin is None:
        return findings[0]["kind"] if findings else ""
    before = strongest(twin)
    gains = {kind: effect - before.get(kind, 0.0) for kind, effect in strongest(findings).items()}
    best = max(gains, key=lambda kind: gains[kind], default="")
    return best if best and gains[best] > 0 else ""


@dataclass(frozen=True)
class Line:
    """One fault on one material.

    Attributes:
        material: see ``Trial``.
        fault: likewise.
        right: sets with the right finding first, by level.
        trials: sets, by level.
        instead: what came first where it was not right, with how often; ``nothing`` among it.
    """

    material: str
    fault: str
    right: dict[str, int]
    trials: dict[str, int]
    instead: dict[str, int]


def tally(
    trials: Sequence[Trial], outcomes: Mapping[str, Mapping[str, Any]], accepted: Mapping[str, frozenset[str]]
) -> list[Line]:
    """Count the sets with a fault."""
    lines: dict[tuple[str, str], Line] = {}
    for trial in trials:
        if trial.fault == CLEAN or trial.key not in outcomes:
            continue
        twin = outcomes[Trial(GAN, CLEAN, "", trial.number).key]["findings"] if trial.material == GAN else None
        kind = first_kind(outcomes[trial.key]["findings"], twin)
        zero = dict.fromkeys(LEVELS, 0)
        line = lines.setdefault((trial.material, trial.fault), Line(trial.material, trial.fault, zero, dict(zero), {}))
        line.trials[trial.level] += 1
        if kind in accepted[trial.fault]:
            line.right[trial.level] += 1
        else:
            said = f"{kind or 'nothing'} ({trial.level})"
            line.instead[said] = line.instead.get(said, 0) + 1
    return list(lines.values())


def peace(trials: Sequence[Trial], outcomes: Mapping[str, Mapping[str, Any]]) -> tuple[int, int, dict[str, int]]:
    """Return how many honest sets nothing is found of, how many there are, and what is found of the others."""
    keys = [trial.key for trial in trials if trial.material == FACES and trial.fault == CLEAN]
    sets = [outcomes[key]["findings"] for key in keys if key in outcomes]
    found: dict[str, int] = {}
    for findings in sets:
        for kind in {finding["kind"] for finding in findings}:
            found[kind] = found.get(kind, 0) + 1
    return sum(not findings for findings in sets), len(sets), found


def share(lines: Sequence[Line], levels: Sequence[str]) -> tuple[int, int]:
    """Return how many sets of these levels are right, and how many there are."""
    right = sum(line.right[level] for line in lines for level in levels)
    return right, sum(line.trials[level] for line in lines for level in levels)


def to_dict(lines: Sequence[Line], honest: tuple[int, int, dict[str, int]]) -> dict[str, Any]:
    """Return plain data."""
    upper = {}
    for material in dict.fromkeys(line.material for line in lines):
        right, sets = share([line for line in lines if line.material == material], LEVELS[1:])
        upper[material] = {"right": right, "sets": sets}
    quiet, sets, found = honest
    honest_sets = {"nothing": quiet, "sets": sets, "found": found}
    return {"upper": upper, "honest": honest_sets, "lines": [asdict(line) for line in lines]}


def to_markdown(lines: Sequence[Line], honest: tuple[int, int, dict[str, int]]) -> str:
    """Return the table, and under it the two figures that it is about."""
    rows = [f"| images | fault | {' | '.join(LEVELS)} | first instead |", "| --- " * (3 + len(LEVELS)) + "|"]
    for line in lines:
        counts = " | ".join(f"{line.right[level]} of {line.trials[level]}" for level in LEVELS)
        instead = ", ".join(f"{times} x {said}" for said, times in line.instead.items())
        fault = BY_NAME[line.fault]
        rows.append(f"| {line.material} | {fault.name}: {fault.what} | {counts} | {instead} |")
    said = []
    for material in dict.fromkeys(line.material for line in lines):
        for levels in (LEVELS[1:], LEVELS[:1]):
            right, of = share([line for line in lines if line.material == material], levels)
            what = f"{material}, {' and '.join(levels)}"
            said.append(f"{what}: right finding first in {right} of {of} sets ({right / max(of, 1):.1%})")
    quiet, sets, found = honest
    instead = "".join(f"; {kind} in {times}" for kind, times in found.items())
    said.append(f"honest faces: nothing found in {quiet} of {sets} sets{instead}")
    return "\n".join([*rows, "", *said])


def passed(lines: Sequence[Line], honest: tuple[int, int, dict[str, int]]) -> bool:
    """Tell whether both figures are what they must be, on every material."""
    good = all(
        right >= TARGET * of
        for material in dict.fromkeys(line.material for line in lines)
        for right, of in [share([line for line in lines if line.material == material], LEVELS[1:])]
    )
    return good and honest[0] >= TARGET * honest[1]
