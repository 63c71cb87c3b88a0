"""How likely chance makes a share as large as one that was seen."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, lgamma, log, log1p


def at_least(count: float, n: float, usual: float, usual_n: int = 0) -> float:
    """Return the chance of ``count`` or more of ``n`` images where nothing is wrong with them.

    Against a share that was itself counted: Fisher's exact test, one-sided. Against a fixed one: the upper tail of the
    binomial distribution.

    Args:
        count: images that were counted, of those to be judged; halves where images come in pairs.
        n: those to be judged.
        usual: the share that is usual, 0 to 1.
        usual_n: images that it was counted on; 0: it is a fixed one.
    """
    if usual_n:
        both = count + round(usual * usual_n)
        total = _ways(n + usual_n, both)
        return _tail(lambda k: _ways(n, k) + _ways(usual_n, both - k) - total, count, min(n, both))
    if not 0 < usual < 1:
        return float(usual >= 1 or count <= 0)
    return _tail(lambda k: _ways(n, k) + k * log(usual) + (n - k) * log1p(-usual), count, n)


def _ways(n: float, k: float) -> float:
    """Return the logarithm of how many ways there are to choose k of n; minus infinity where there is none."""
    return -inf if k < 0 or k > n else lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _tail(logarithm: Callable[[float], float], first: float, last: float) -> float:
    """Return the sum of what has these logarithms; it may rise, then falls, and is cut where it matters no more."""
    total, before = 0.0, 0.0
    for step in range(int(last - first) + 1):
        term = exp(logarithm(first + step))
        total += term
        if term < before and term < 1e-17 * total:
            break
        before = term
    return min(1.0, total)
