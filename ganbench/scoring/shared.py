"""The flag ``shared``: sources that hold the same pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ganbench.scoring.chance import at_least
from ganbench.scoring.flags import CHANCE, EXCESS, Flag

USUAL = 0.001  # share of images that two honest sets have in common at most
_NAMED = 3  # others that a flag names


class Pair(Protocol):
    """Two sources that share pictures, as ``overlap`` finds them: their labels, how many, and of how many images."""

    @property
    def a(self) -> str:
        """Label of the one."""
        ...

    @property
    def b(self) -> str:
        """Label of the other."""
        ...

    @property
    def shared(self) -> int:
        """How many pictures they share."""
        ...

    @property
    def n_a(self) -> int:
        """Images of the one."""
        ...

    @property
    def n_b(self) -> int:
        """Images of the other."""
        ...


def shared_flags(pairs: Iterable[Pair]) -> dict[str, Flag]:
    """Return the flag of every source that has too many images in common with another one, by its label.

    Both of a pair are flagged: who had the pictures first cannot be told from them.

    Args:
        pairs: those that share anything.
    """
    found: dict[str, list[tuple[int, int, str]]] = {}
    for pair in pairs:
        for one, n, other in ((pair.a, pair.n_a, pair.b), (pair.b, pair.n_b, pair.a)):
            if pair.shared > (USUAL + EXCESS) * n and at_least(pair.shared, n, USUAL) < CHANCE:
                found.setdefault(one, []).append((pair.shared, n, other))
    return {label: _flag(sorted(held, key=lambda one: -one[0])) for label, held in found.items()}


def _flag(held: list[tuple[int, int, str]]) -> Flag:
    most, n, _ = held[0]
    named = [f"{count:,} of {n:,} images ({100 * count / n:.3g} %) with {other}" for count, n, other in held[:_NAMED]]
    more = f", and with {len(held) - _NAMED} others" if len(held) > _NAMED else ""
    text = (
        f"the same pictures, as they are or changed: {', '.join(named)}{more}; two honest sets have {100 * USUAL:g} % in common "
        "at most. Who had them first cannot be told from images: look at the pairs (ganbench overlap), and ask both."
    )
    return Flag("shared", min(1.0, most / n), at_least(most, n, USUAL), text)
