"""What follows from the real images alone, remembered: it is the same for every set that is compared with them.

Who explains a hundred submissions of one size in one process draws the same random real sets for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from ganbench.statistics.index import ImageIndex

_MOST = 512  # results remembered of an index, a few numbers each
_T = TypeVar("_T")
_known: WeakKeyDictionary[ImageIndex, dict[Hashable, Any]] = WeakKeyDictionary()


def once(index: ImageIndex, what: str, compute: Callable[[], _T]) -> _T:
    """Return what ``compute`` makes of an index, which is made once; it must not hold on to the index."""
    kept = _known.setdefault(index, {})
    found: _T = kept[what] if what in kept else kept.setdefault(what, compute())
    return found


def drawn(
    index: ImageIndex, what: Hashable, size: int, rng: np.random.Generator, compute: Callable[[], np.ndarray]
) -> np.ndarray:
    """Return what ``compute`` does, which draws from ``rng``; where that is known, ``rng`` goes on as if it had drawn.

    Args:
        index: of the images that are drawn from.
        what: is computed; with ``size`` and the state of ``rng``, all that it depends on.
        size: of the sets.
        rng: draws them.
        compute: draws them and computes something.
    """
    generator = rng.bit_generator
    kept = _known.setdefault(index, {})
    key = (what, size, repr(generator.state))
    found = kept.get(key)
    if found is None:
        values = compute()
        if len(kept) < _MOST:
            kept[key] = values, generator.state
        return values
    values, generator.state = found
    return values
