"""Rules of the synthetic checks: each looks at mean values along a line, and says whether they are as they should be.

Those of metrics from 0 to 1 are the criteria of Raisa et al. 2025, with their thresholds: a value near a number is
within 0.05 of it, a level line varies by 0.05 at most, a curve that falls loses 0.2 from end to end. A diversity metric
may take wide distributions for good ("high") or for bad ("low"), but must keep to one of them.

The paper says nothing of distances, which have no upper end. Theirs are ours: the same shapes in parts of the largest
value on that side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Outcome = bool | str  # "low" and "high" are passes that must agree within a check
Rule = Callable[[Sequence[float], Sequence[float]], Outcome]

_NEAR, _LEVEL, _DROP, _PART, _ASTRAY = 0.05, 0.05, 0.2, 0.1, 0.1
_FLAT = 0.05  # of a distance: by how much of its mean it may vary where it should not


def near(target: float, at: float | str) -> Rule:
    """Return the rule that the value at a setting (or ``first``, ``last``) is within 0.05 of a number."""
    return lambda xs, ys: abs(_at(xs, ys, at) - target) <= _NEAR


def wide(at: str) -> Rule:
    """Return the rule that a diversity metric is near 1 or near 0."""

    def rule(xs: Sequence[float], ys: Sequence[float]) -> Outcome:
        value = _at(xs, ys, at)
        return "high" if abs(value - 1) <= _NEAR else "low" if abs(value) <= _NEAR else False

    return rule


def bell(middle: float) -> Rule:
    """Return the rule that values are highest at a setting and lower at both ends."""

    def rule(xs: Sequence[float], ys: Sequence[float]) -> Outcome:
        top = _at(xs, ys, middle)
        ends = ys[0], ys[-1]
        falls = min(top - end for end in ends) >= _DROP
        return falls and max(ys) - top <= _ASTRAY and min(end - min(ys) for end in ends) <= _ASTRAY

    return rule


def falls(part_way: float | None = None) -> Rule:
    """Return the rule that values fall from the first to the last; by 0.1 already at a setting, if one is named."""

    def rule(xs: Sequence[float], ys: Sequence[float]) -> Outcome:
        early = part_way is None or ys[0] - _at(xs, ys, part_way) >= _PART
        return early and ys[0] - ys[-1] >= _DROP and max(ys) - ys[0] <= _ASTRAY and ys[-1] - min(ys) <= _ASTRAY

    return rule


def climbs() -> Rule:
    """Return the rule that values climb from the first to the last."""

    def rule(xs: Sequence[float], ys: Sequence[float]) -> Outcome:
        return ys[-1] - ys[0] >= _DROP and ys[0] - min(ys) <= _ASTRAY and max(ys) - ys[-1] <= _ASTRAY

    return rule


def level() -> Rule:
    """Return the rule that all values are alike."""
    return lambda xs, ys: max(ys) - min(ys) <= _LEVEL


def settles() -> Rule:
    """Return the rule that the values of the second half are alike."""
    return lambda xs, ys: max(ys[len(ys) // 2 :]) - min(ys[len(ys) // 2 :]) <= _LEVEL


def low_or_high(low: Rule, high: Rule) -> Rule:
    """Return the rule of a diversity metric that may have one shape or the other."""
    return lambda xs, ys: "low" if low(xs, ys) else "high" if high(xs, ys) else False


def valley(bottom: float) -> Rule:
    """Return the rule that a distance is next to nothing at a setting, and grows from there to both ends."""

    def rule(xs: Sequence[float], ys: Sequence[float]) -> Outcome:
        place = _place(xs, bottom)
        return _grows(ys[place:]) and _grows(ys[: place + 1][::-1])

    return rule


def grows(part_way: float | None = None) -> Rule:
    """Return the rule that a distance grows from next to nothing to its largest; by a tenth at a setting, if named."""

    def rule(xs: Sequence[float], ys: Sequence[float]) -> Outcome:
        early = part_way is None or _at(xs, ys, part_way) - ys[0] >= _PART * max(ys)
        return early and _grows(ys)

    return rule


def steady(*, late: bool = False) -> Rule:
    """Return the rule that a distance varies by 5 % of its mean at most; in the second half alone, if ``late``."""

    def rule(xs: Sequence[float], ys: Sequence[float]) -> Outcome:
        part = ys[len(ys) // 2 :] if late else ys
        return max(part) - min(part) <= _FLAT * abs(sum(part) / len(part))

    return rule


def agreed(outcomes: Sequence[Outcome]) -> bool:
    """Tell whether all rules of a check are kept, and none that chose "low" stands beside one that chose "high"."""
    return all(outcomes) and not {"low", "high"} <= {one for one in outcomes if isinstance(one, str)}


def _grows(ys: Sequence[float]) -> bool:
    largest = max(ys)
    if largest <= 0:
        return False
    highest = ys[0]
    for value in ys:
        if value < highest - _ASTRAY * largest:
            return False
        highest = max(highest, value)
    return ys[0] <= _ASTRAY * largest and largest - ys[-1] <= _ASTRAY * largest


def _place(xs: Sequence[float], x: float) -> int:
    return min(range(len(xs)), key=lambda place: abs(xs[place] - x))


def _at(xs: Sequence[float], ys: Sequence[float], at: float | str) -> float:
    return ys[{"first": 0, "last": -1}[at] if isinstance(at, str) else _place(xs, at)]
