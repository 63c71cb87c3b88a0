"""Damage: bytes and trees of plain data with a few random faults in them, the same for the same seed."""

from __future__ import annotations

import copy
import random
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

ODD: list[Any] = [
    None, True, -1, 0, 1e308, float("nan"), float("inf"), "", "x", "<b>", "=cmd()", [], {}, [1], {"a": 1}, 10**400,
    "\ud800", "\x1b[31m", -0.0, 2**63, "1e5", [[[]]], "9" * 5000,
]  # fmt: skip


def mutated_bytes(data: bytes, seed: int) -> bytes:
    """Return the bytes with a fault: flipped, cut, zeroed, doubled or with others between."""
    rng, found = random.Random(seed), bytearray(data)
    place, length = rng.randrange(len(found)), rng.randint(1, 64)
    how = rng.randrange(5)
    if how == 0:
        for _ in range(rng.randint(1, 16)):
            found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    elif how == 1:
        del found[place:]
    elif how == 2:
        found[place : place + length] = bytes(len(found[place : place + length]))
    elif how == 3:
        found[place:place] = found[place : place + length]
    else:
        found[place:place] = rng.randbytes(length)
    return bytes(found)


def mutated_tree(tree: Any, seed: int) -> Any:
    """Return plain data with one or two values replaced, removed or added."""
    rng, found = random.Random(seed), copy.deepcopy(tree)
    for _ in range(rng.randint(1, 2)):
        spots = list(_spots(found))
        if not spots:
            return copy.deepcopy(rng.choice(ODD))
        holder, key = rng.choice(spots)
        how = rng.random()
        if how < 0.6:
            holder[key] = copy.deepcopy(rng.choice(ODD))
        elif how < 0.8:
            del holder[key]
        elif isinstance(holder, dict):
            holder[rng.choice(["x", "value", "", "__class__"])] = copy.deepcopy(rng.choice(ODD))
        else:
            holder.append(copy.deepcopy(rng.choice(ODD)))
    return found


def _spots(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _spots(tree[key])


def peak_memory(do: Callable[[], None]) -> int:
    """Return the most bytes that Python and NumPy held at a time while something was done."""
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
