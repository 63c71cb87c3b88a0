"""How numbers are written in tables; files for programs (CSV, JSON) hold them in full."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ganbench.metrics.registry import metric_of

DIGITS = 4  # significant ones


def format_number(value: float | None) -> str:
    """Format a value by itself, with four significant digits, three below 0.001, and without an exponent."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or abs(value) >= 1000:
        return f"{value:.0f}" if value == int(value) else f"{value:.1f}"
    if abs(value) >= 1e-3:
        return f"{value:.4g}"
    return format_fixed(value, min(10, DIGITS - 2 - math.floor(math.log10(abs(value)))))


def format_fixed(value: float | None, decimals: int) -> str:
    """Format a value with so many decimals; what rounds to nothing has no sign."""
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def fixed_decimals(result_id: str, values: Iterable[float | None]) -> int | None:
    """Return how many decimals a metric says that its values have; None where it leaves that to the values.

    Values that would not be told apart so, since all of them are smaller than the last decimal, are left to themselves.
    """
    metric = metric_of(result_id)
    decimals = None if metric is None else metric.decimals
    largest = _largest(values)
    return decimals if decimals is not None and 10.0**-decimals <= largest < 1000 else None


def column_decimals(result_id: str, values: Iterable[float | None]) -> int:
    """Return the decimals of all values of a column, so that they share one scale.

    They are what the metric says, else as many as give the largest value four significant digits, without zeros that
    would end all of them.

    Args:
        result_id: the result, such as ``kd[lite0]``.
        values: all values and ends of intervals of the column.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    fixed = fixed_decimals(result_id, known)
    largest = _largest(known)
    if fixed is not None or largest == 0:
        return fixed or 0
    most = min(10, max(1 if largest < 1e6 else 0, DIGITS - 1 - math.floor(math.log10(largest))))
    most = min(most, DIGITS) if largest >= 0.01 else most
    fractions = [f"{value:.{most}f}".partition(".")[2].rstrip("0") for value in known]
    return max(map(len, fractions))


def _largest(values: Iterable[float | None]) -> float:
    return max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
