"""A comparison in words: what tables for people and for papers say alike."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.comparison.power import POWER
from ganbench.comparison.result import LEVEL, Compared, Comparison
from ganbench.scoring.numbers import column_decimals, format_fixed
from ganbench.scoring.row import ARROWS

OTHER = "†"  # a value that does not compare with the best one


def title(comparison: Comparison, result_id: str) -> str:
    """Return a result with the arrow of its direction."""
    better = next(one.better for one in comparison.compared if one.id == result_id)
    return f"{result_id} {ARROWS[better]}".strip()


def decimals_of(comparison: Comparison, result_id: str) -> int:
    """Return the decimals that all values of a result have."""
    values = [number.get(result_id) for side in comparison.sides for number in (side.values, side.deviations)]
    found = [one.found for one in comparison.compared if one.id == result_id]
    return column_decimals(result_id, [*values, *(end for one in found for end in (one.low, one.high))])


def value_of(comparison: Comparison, result_id: str, label: str) -> str:
    """Return the value of a side; over training seeds with the standard deviation; marked if the best is none of it."""
    side = next(side for side in comparison.sides if side.label == label)
    if result_id not in side.values:
        return "–"
    decimals = decimals_of(comparison, result_id)
    text = format_fixed(side.values[result_id], decimals)
    if result_id in side.deviations:
        text += f" ± {format_fixed(side.deviations[result_id], decimals)}"
    best = comparison.best(result_id)
    alone = bool(best) and label not in best and comparison.of(result_id, best[0], label) is None
    return f"{text} {OTHER}" if alone else text


def difference_of(comparison: Comparison, one: Compared) -> tuple[str, str]:
    """Return the difference and its interval."""
    found, decimals = one.found, decimals_of(comparison, one.id)
    difference, low, high = (format_fixed(number, decimals) for number in (found.difference, found.low, found.high))
    return difference, f"{low} … {high}"


def verdict_of(one: Compared, called: Mapping[str, str]) -> str:
    """Return who is better, or that nobody can tell; ``called`` says what to call each side, by its label."""
    if not one.told_apart:
        return "not told apart"
    return f"{called[one.winner]} better" if one.winner else "they differ"


def p_text(p: float) -> str:
    """Return a p-value with two digits."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.0995 else f"{p:.2f}"


def tests_of(comparison: Comparison) -> list[str]:
    """Return a sentence for every test that was used, with the results that it was used for."""
    used: dict[str, dict[str, None]] = {}
    for one in comparison.compared:
        used.setdefault(one.found.test, {})[one.id] = None
    return [f"Test, {test}: {', '.join(ids)}." for test, ids in used.items()]


def legend(comparison: Comparison) -> list[str]:
    """Return what a reader must know to read the tables."""
    lines = [f"Level {100 * LEVEL:g} %; {comparison.family}. Intervals are 95 %, of one pair by itself."]
    open_pairs = [one for one in comparison.compared if not one.told_apart]
    if any(one.needed is not None for one in open_pairs):
        what = "training seeds of each kind" if any(one.seeds for one in open_pairs) else "images in each set"
        name = "seeds" if any(one.seeds for one in open_pairs) else "n"
        lines.append(
            f"{name}: so many {what} would tell the two apart {100 * POWER:g} % of the time, if they differ by as "
            "much as it seems."
        )
    return lines
