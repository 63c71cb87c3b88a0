"""What all trials say together: tables of how often each attack is caught, and what it would have reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from cheats.base import INVALID, Attack
from cheats.judge import Outcome
from ganbench.metrics.intervals import wilson


@dataclass(frozen=True)
class Line:
    """One attack over its trials.

    Attributes:
        name: of the attack.
        what: in words.
        honest: whether no flag may touch it.
        trials: how many.
        caught: in how many of them a flag that is to catch it did; of honest work, in how many any flag was raised.
        low: lower end of the 95 % interval (Wilson) of that share.
        high: upper end.
        by: kinds of flags that were raised, with the number of trials.
        per_image: mean share of guilty images that were found; of honest work, of images found guilty.
        fd: median FD[lite0].
        kd: median KD[lite0].
        afd: median AFD.
        above: in how many trials it ranked above an honest GAN, of those on a board.
        on_board: in how many it was on a board.
    """

    name: str
    what: str
    honest: bool
    trials: int
    caught: int
    low: float
    high: float
    by: dict[str, int]
    per_image: float | None
    fd: float | None
    kd: float | None
    afd: float | None
    above: int
    on_board: int


def tally(attacks: Sequence[Attack], outcomes: Sequence[Outcome]) -> list[Line]:
    """Return a line for every attack that was tried."""
    by_name = defaultdict(list)
    for outcome in outcomes:
        by_name[outcome.attack].append(outcome)
    return [_line(attack, by_name[attack.name]) for attack in attacks if by_name[attack.name]]


def is_caught(attack: Attack, outcome: Outcome) -> bool:
    """Tell whether a trial was caught: by a flag that is to do it, or by being refused where rules are broken."""
    if attack.honest:
        return bool(outcome.flags or outcome.refused)
    if outcome.refused:
        return INVALID in attack.caught_by
    return bool(attack.caught_by & set(outcome.flags))


def _line(attack: Attack, outcomes: Sequence[Outcome]) -> Line:
    caught = sum(is_caught(attack, outcome) for outcome in outcomes)
    kinds = [kind for outcome in outcomes for kind in [*outcome.flags, *(["refused"] if outcome.refused else [])]]
    low, high = wilson(caught / len(outcomes), len(outcomes))
    found = [outcome.per_image for outcome in outcomes if outcome.per_image is not None]
    ranked = [outcome.ranked for outcome in outcomes if outcome.ranked]
    return Line(
        attack.name,
        attack.what,
        attack.honest,
        len(outcomes),
        caught,
        low,
        high,
        {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        float(np.mean(found)) if found else None,
        *(_median(outcomes, metric) for metric in ("fd", "kd", "afd")),
        ranked.count("above"),
        len(ranked),
    )


def _median(outcomes: Sequence[Outcome], metric: str) -> float | None:
    values = [outcome.results[metric] for outcome in outcomes if metric in outcome.results]
    return float(np.median(values)) if values else None


def to_dict(lines: Sequence[Line], settings: dict[str, object]) -> dict[str, object]:
    """Return the lines and what was tried, as plain data."""
    return {"settings": settings, "lines": [asdict(line) for line in lines]}


def to_markdown(lines: Sequence[Line]) -> str:
    """Return a table of attacks and one of honest work, and what they come to in words."""
    attacks, honest = [x for x in lines if not x.honest], [x for x in lines if x.honest]
    parts = []
    if attacks:
        parts += [_table(attacks, "caught", "images found"), _sum_up(attacks)]
    if honest:
        parts += [_table(honest, "flagged", "images flagged"), _false_alarms(honest)]
    return "\n\n".join(parts) + "\n"


def _table(lines: Sequence[Line], caught: str, images: str) -> str:
    head = f"| what | way | FD | KD | AFD | {caught} | 95 % | by | {images} | above an honest GAN |"
    rows = [head, "|---|---|---|---|---|---|---|---|---|---|"]
    for line in lines:
        by = ", ".join(f"{kind} {count}" for kind, count in line.by.items()) or "nothing"
        cells = (
            line.what,
            f"`{line.name}`",
            _number(line.fd, 1),
            _number(line.kd, 4),
            _number(line.afd, 2),
            f"{line.caught} of {line.trials}",
            f"{line.low:.2f} to {line.high:.2f}",
            by,
            _number(line.per_image, 4 if line.honest else 3),
            f"{line.above} of {line.on_board}" if line.on_board else "",
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"


def _sum_up(lines: Sequence[Line]) -> str:
    trials, caught = sum(line.trials for line in lines), sum(line.caught for line in lines)
    low, high = wilson(caught / trials, trials)
    missed = [line.name for line in lines if line.caught < line.trials]
    said = f"{caught} of {trials} dishonest sets caught ({low:.3f} to {high:.3f})."
    return said + (f" Missed at least once: {', '.join(missed)}." if missed else " None missed.")


def _false_alarms(lines: Sequence[Line]) -> str:
    trials, flagged = sum(line.trials for line in lines), sum(line.caught for line in lines)
    low, high = wilson(flagged / trials, trials)
    return f"{flagged} of {trials} honest sets flagged ({low:.3f} to {high:.3f})."
