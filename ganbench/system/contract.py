"""What the checks of all contracts share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_THREADS = 2


def require(holds: bool, otherwise: str) -> None:
    """Raise if something does not hold; not ``assert``, which Python may be told to leave out.

    Raises:
        AssertionError: with ``otherwise``.
    """
    if not holds:
        raise AssertionError(otherwise)


def same_every_time(name: str, compute: Callable[[], T], first: T, same: Callable[[T, T], bool]) -> None:
    """Check that a computation gives the same once more, and in several threads at once.

    Raises:
        AssertionError: it does not.
    """
    require(same(compute(), first), f"{name}: the same images give something else the second time")
    with ThreadPoolExecutor(_THREADS) as pool:
        results = list(pool.map(lambda _: compute(), range(_THREADS)))
    require(all(same(result, first) for result in results), f"{name}: threads that use it together get something else")
