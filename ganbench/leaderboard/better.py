"""Whether one result is better than another, its interval counted."""

from __future__ import annotations

import math

from ganbench.scoring.row import Row


def is_better(a: Row, b: Row, better: str) -> bool:
    """Tell whether ``a`` is significantly better than ``b``: the 95 % interval of their difference leaves out 0.

    The interval of the difference is put together from the two intervals, which may be lopsided, as Newcombe (1998)
    does it for shares. Without intervals the values alone decide.

    Args:
        a: a row.
        b: another one that compares with it.
        better: ``lower`` or ``higher``; with ``none``, or without a value, nothing is better.
    """
    low, high = (b, a) if better == "higher" else (a, b)
    if better == "none" or low.value is None or high.value is None:
        return False
    gap = high.value - low.value
    if gap <= 0:
        return False
    below = 0.0 if high.low is None else high.value - high.low
    above = 0.0 if low.high is None else low.high - low.value
    return gap > math.hypot(below, above)
