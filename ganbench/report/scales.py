"""Scales of the pictures that a page draws itself: where a value stands, in per cent, and what its axis says."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_TICKS = 6  # at most, or one more
_LOG_FROM = 20.0  # the largest value over the least, from which the scale is logarithmic
_LARGEST = 1e150  # values beyond it are not drawn: their differences are no numbers any more


@dataclass(frozen=True)
class Tick:
    """A value that an axis names.

    Attributes:
        at: where it stands, 0..100.
        text: the value.
    """

    at: float
    text: str


class Scale:
    """A scale from the least value to the largest, with some room at both ends.

    Values that differ much are drawn in logarithms, so that one that is far off leaves the others told apart.

    Attributes:
        is_log: whether it is logarithmic.
        ticks: what the axis names.
    """

    def __init__(self, values: Iterable[float], *, linear: bool = False) -> None:
        """Set up.

        Args:
            values: all that will be drawn, with the ends of their intervals; one at least that ``drawable`` lets pass.
            linear: whether it is so whatever the values are, as of shares.
        """
        known = [value for value in values if drawable(value)]
        low, high = min(known), max(known)
        self.is_log = not linear and low > 0 and high / low > _LOG_FROM
        start, end = self._of(low), self._of(high)
        room = 0.04 * (end - start) or 0.05 * abs(end) or 0.5
        self._start, self._span = start - room, end - start + 2 * room
        named = self._named(self._start, self._start + self._span)
        self.ticks = [Tick(self.at(value), f"{value:g}") for value in named if self.holds(value)]

    def at(self, value: float) -> float:
        """Return where a value stands, 0..100; what is beyond an end stands at it."""
        if self.is_log and value <= 0:
            return 0.0
        return round(min(100.0, max(0.0, 100 * (self._of(value) - self._start) / self._span)), 2)

    def holds(self, value: float) -> bool:
        """Tell whether a value lies between its ends."""
        if self.is_log and value <= 0:
            return False
        return 0 <= self._of(value) - self._start <= self._span

    def _of(self, value: float) -> float:
        return math.log10(value) if self.is_log else value

    def _named(self, start: float, end: float) -> list[float]:
        from matplotlib.ticker import MaxNLocator

        if not self.is_log:
            found = MaxNLocator(_TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(start, end)
            return [round(float(value), 12) for value in found]
        decades = range(math.floor(start), math.ceil(end) + 1)
        steps = (1, 2, 5) if end - start <= 2.5 else (1,)
        every = max(1, len(decades) // _TICKS)
        return [step * 10.0**decade for decade in decades[::every] for step in steps]


def drawable(value: float | None) -> bool:
    """Tell whether a value can stand on a scale."""
    return value is not None and math.isfinite(value) and abs(value) < _LARGEST
