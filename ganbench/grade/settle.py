"""From what was seen of a submission to valid or not, tier, points and the reasons: each by a stated rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ganbench.grade.config import ClassConfig, TierSection
from ganbench.grade.handed_in import HandedIn
from ganbench.grade.measure import Look
from ganbench.grade.student import Student
from ganbench.metrics.registry import metric_of, name_of
from ganbench.scoring.flags import Flag, joined
from ganbench.scoring.numbers import format_number

NOTHING = "nothing was handed in"
NOT_YET = "not looked at yet: grade the whole class"


def settle(student: Student, config: ClassConfig, shared: Iterable[Flag] = ()) -> Student:
    """Return a student with everything that follows from what was seen of the submission.

    Args:
        student: with ``handed``, ``public`` and ``private``.
        config: the class.
        shared: flags that only who sees several submissions can raise.
    """
    handed = student.handed
    if handed is None:
        return replace(student, reasons=(NOTHING,))
    notes = [handed.note] if handed.note else []
    if student.public is None:
        return replace(student, points=None, late=handed.late, reasons=(NOT_YET, *notes))
    faults = _faults(handed, student.public)
    flags = _flags(student, faults, shared)
    student = replace(student, valid=not faults, late=handed.late, flags=tuple(flags))
    if faults:
        return replace(student, points=0.0, reasons=(*faults, *notes))
    if why := _not_measured(student, config):
        return replace(student, points=None, reasons=(why, *notes))
    return _with_points(student, config, notes)


def _faults(handed: HandedIn, look: Look) -> list[str]:
    """Return which rules are broken."""
    if not handed.unit.holds:
        what = "an empty folder" if handed.unit.path.is_dir() else f"{handed.unit.path.name} is no archive of images"
        return [what]
    broken = [f"{check.what}: {check.found}" for check in look.checks if not check.ok]
    return broken or ([look.error] if look.error and look.lasting and not look.checks else [])


def _flags(student: Student, faults: Sequence[str], shared: Iterable[Flag]) -> list[Flag]:
    found: list[Flag] = []
    for _, card in student.cards():
        found = joined(found, card.flags)
    if faults:
        found = joined(found, [Flag("invalid", None, None, "; ".join(faults))])
    return joined(found, shared)


def _not_measured(student: Student, config: ClassConfig) -> str:
    """Say what a board could not measure of a submission that keeps the rules, or return ""."""
    looks = [student.public] + ([student.private] if config.private is not None else [])
    if any(look is None for look in looks):
        return NOT_YET
    return next((f"not measured: {look.error}" for look in looks if look is not None and look.error), "")


def _with_points(student: Student, config: ClassConfig, notes: Sequence[str]) -> Student:
    tier, missed = _tier(student, config.tiers)
    points: float | None = 0.0 if tier is None else tier.points
    reasons = [missed] if missed else []
    factor = student.late.factor(config.late)
    if points and factor < 1:
        days = f"{student.late.days} begun day{'s' * (student.late.days != 1)}"
        reasons.append(f"late by {days}: {factor:.0%} of {points:g} points")
        points = round(points * factor, 6)
    withheld = False
    flagged = [flag for flag in student.flags if flag.kind != "disagreeing"]
    if flagged:
        kinds = ", ".join(flag.kind for flag in flagged)
        if student.cleared:
            reasons.append(f"{kinds}: looked at, and cleared")
        elif config.flagged == "review":
            points, withheld = None, True
            reasons.append(f"{kinds}: somebody has to look at it before it earns points")
        elif config.flagged == "zero":
            points, withheld = 0.0, True
            reasons.append(f"{kinds}: no points")
    name = "" if tier is None else tier.name
    return replace(student, tier=name, withheld=withheld, points=points, reasons=(*reasons, *notes))


def _tier(student: Student, tiers: Sequence[TierSection]) -> tuple[TierSection | None, str]:
    """Return the highest tier whose gates are all reached, and what the next one wants."""
    reached, missed = None, ""
    for tier in tiers:
        wants = [text for gate, limit in tier.gates.items() if (text := _short_of(student, gate, limit))]
        if wants:
            missed = missed or f"{tier.name} wants {' and '.join(wants)}"
        else:
            reached, missed = tier, ""
    return reached, missed


def sign_of(gate: str) -> str:
    """Return on which side of its limit a gate's value has to be: ``<=`` or ``>=``."""
    metric = metric_of(name_of(gate))
    return "<=" if metric is not None and metric.better == "lower" else ">="


def _short_of(student: Student, gate: str, limit: float) -> str:
    """Say what a gate wants of a submission that does not reach it, or return ""."""
    row, sign = student.row(gate), sign_of(gate)
    if row is None or row.value is None:
        return f"{gate} {sign} {limit:g}, which was not measured"
    reached = row.value <= limit if sign == "<=" else row.value >= limit
    return "" if reached else f"{row.id} {sign} {limit:g} (it is {format_number(row.value)})"
