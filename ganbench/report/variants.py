"""What a bench was run for: which variant is better, its seeds counted."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from ganbench.comparison.difference import Difference, of_seeds
from ganbench.comparison.holm import holm
from ganbench.comparison.result import LEVEL
from ganbench.comparison.words import p_text
from ganbench.leaderboard.boards import Board, comparable
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.seeds import values_over_seeds
from ganbench.report.scales import Scale, Tick, drawable
from ganbench.scoring.numbers import column_decimals, format_fixed


@dataclass(frozen=True)
class Run:
    """A run of a variant: its number on the page, its name, its value, and where it stands, 0..100."""

    number: int
    name: str
    text: str
    x: float


@dataclass(frozen=True)
class Variant:
    """A variant.

    Attributes:
        name: of the variant.
        series: its colour and shape.
        runs: those that are on the board, best first.
        mean: over its seeds, and the standard deviation, in words.
        seeds: how many.
        x: where the mean stands, 0..100.
        x_low: a standard deviation below it.
        x_high: and above.
        against: what tells it from the first variant, in words.
    """

    name: str
    series: int
    runs: list[Run]
    mean: str
    seeds: int
    x: float
    x_low: float
    x_high: float
    against: str


@dataclass(frozen=True)
class Variants:
    """The variants of a bench, best mean first.

    Attributes:
        shown: they.
        ticks: of the axis.
        is_log: whether it is logarithmic.
        answer: which is better, in a sentence or two.
        test: how they were told apart, in words.
    """

    shown: list[Variant]
    ticks: list[Tick]
    is_log: bool
    answer: str
    test: str


def variants_of(board: Board, numbers: Mapping[Entry, int], series: Mapping[str, int]) -> Variants | None:
    """Compare the variants of a board; None where there are not two, or entries that are no runs.

    Args:
        board: the entries.
        numbers: the number of every entry on the page.
        series: the colour and shape of every group of runs.
    """
    values = {name: found for name, found in values_over_seeds(board).items() if all(map(drawable, found))}
    if len(values) < 2 or board.better == "none" or not all(entry.is_run for entry in board.entries):
        return None
    spread = {name: statistics.stdev(found) if len(found) > 1 else 0.0 for name, found in values.items()}
    mean = {name: statistics.mean(found) for name, found in values.items()}
    ends = {name: (mean[name] - spread[name], mean[name] + spread[name]) for name in values}
    reached = [value for found in values.values() for value in found]
    scale = Scale([*reached, *(end for two in ends.values() for end in two)])
    decimals = column_decimals(board.by, [*reached, *spread.values()])
    against = _against(values)
    shown = []
    for name, found in values.items():
        text = format_fixed(mean[name], decimals)
        if len(found) > 1:
            text += f" ± {format_fixed(spread[name], decimals)}"
        runs = []
        for entry in board.entries:
            row = comparable(board, entry, board.by) if entry.group == name else None
            if row is not None and row.value is not None and drawable(row.value):
                one = format_fixed(row.value, decimals)
                runs.append(Run(numbers[entry], entry.name, one, scale.at(row.value)))
        low, high = ends[name]
        places = (scale.at(mean[name]), scale.at(low), scale.at(high))
        told = against.get(name)
        said = _said(told, decimals) if told else "first" if name == next(iter(values)) else "no spread to tell it by"
        shown.append(Variant(name, series.get(name, 0), runs, text, len(found), *places, said))
    test = _TEST.format(len(against)) if against else ""
    return Variants(shown, scale.ticks, scale.is_log, _answer(board, shown, against), test)


def _against(values: Mapping[str, list[float]]) -> dict[str, tuple[Difference, float]]:
    """Return of every other variant its difference from the first one and the adjusted p-value; both need two seeds."""
    first, *others = values.values()
    if len(first) < 2:
        return {}
    pairs = zip(list(values)[1:], others, strict=True)
    found = {name: of_seeds(other, first) for name, other in pairs if len(other) > 1}
    adjusted = holm([difference.p for difference in found.values()])
    return {name: (difference, p) for (name, difference), p in zip(found.items(), adjusted, strict=True)}


def _said(told: tuple[Difference, float], decimals: int) -> str:
    found, p = told
    sign = "+" if found.difference > 0 else ""
    difference, low, high = (format_fixed(number, decimals) for number in (found.difference, found.low, found.high))
    return f"{sign}{difference} ({low} … {high}), p {p_text(p)}: {'worse' if p < LEVEL else 'not told apart'}"


def _answer(board: Board, shown: list[Variant], against: Mapping[str, tuple[Difference, float]]) -> str:
    first = shown[0]
    seeds = "one seed" if first.seeds == 1 else f"{first.seeds} seeds"
    said = [f"{first.name} is first: {board.by} {first.mean} over {seeds}."]
    worse = [name for name, (_, p) in against.items() if p < LEVEL]
    unsure = [one.name for one in shown[1:] if one.name not in worse]
    if worse:
        said.append(f"Its seeds tell it from {_listed(worse)}.")
    if unsure:
        said.append(f"They do not tell it from {_listed(unsure)}: more seeds may." if first.seeds > 1 else _ONE_SEED)
    return " ".join(said)


_TEST = "Differences from the first by Welch’s t-test over seeds, with 95 % intervals; p adjusted by Holm over {}."
_ONE_SEED = "One seed tells nothing of a variant: how far another seed would be off, nobody knows."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
