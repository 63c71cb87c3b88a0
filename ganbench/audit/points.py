"""Points: one value of one metric on one set that was made for a check."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate


@dataclass(frozen=True)
class Point:
    """One value.

    Attributes:
        id: Result id such as ``fd[lite0]``; a metric's name alone where the check needs no images.
        series: What was done to the set, such as ``blur``.
        x: How much of it was done; which set of the series it is, where all are done to alike.
        n: Fake images.
        value: The metric's value; None where there is none.
        low: Lower end of its interval, or None.
        high: Upper end, or None.
        reason: Why there is no value.
    """

    id: str
    series: str
    x: float
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @classmethod
    def of(cls, result_id: str, series: str, x: float, n: int, found: Estimate | MetricError) -> Point:
        """Return the point of what a metric gave."""
        if isinstance(found, MetricError):
            return cls(result_id, series, x, n, None, reason=str(found))
        return cls(result_id, series, x, n, found.value, found.low, found.high)

    def plain(self) -> list[Any]:
        """Return plain data for JSON, which ``Point(*plain)`` takes."""
        return list(astuple(self))


def values_of(points: list[Point], series: str, n: int | None = None, x: float | None = None) -> list[float]:
    """Return the values of a series, in the order of the points; those without one are left out.

    Args:
        points: of one metric.
        series: which.
        n: of sets of so many images only.
        x: of this much only.
    """
    return [
        point.value
        for point in points
        if point.series == series
        and point.value is not None
        and (n is None or point.n == n)
        and (x is None or point.x == x)
    ]


def reason_of(points: list[Point]) -> str:
    """Return why there is no value at all among points; "" where there is one, or no point."""
    if any(point.value is not None for point in points):
        return ""
    return next((point.reason for point in points if point.reason), "")
