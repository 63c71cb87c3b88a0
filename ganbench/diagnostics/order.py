"""The order in which a forward pass uses the watched layers, also where it is compiled."""

from __future__ import annotations

import itertools
import weakref


class Order:
    """Notes which layer runs when; the first time counts."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._places: dict[int, int] = {}
        self.key = next(_KEYS)  # by which a compiler's tracing finds this object
        _KNOWN[self.key] = self

    def note(self, index: int) -> None:
        """Note that a layer runs."""
        self._places.setdefault(index, len(self._places))

    def layers(self) -> list[int]:
        """Return the numbers of all layers in order.

        One that was never seen to run, as the parts of an attention that torch computes in one go, comes behind the
        one that is defined before it.
        """
        order = sorted(self._places, key=self._places.__getitem__)
        for index in range(self._count):
            if index not in self._places:
                order.insert(order.index(index - 1) + 1 if index else 0, index)
        return order


_KEYS = itertools.count()
_KNOWN: weakref.WeakValueDictionary[int, Order] = weakref.WeakValueDictionary()


def note_traced(key: int, index: int) -> int:
    """Note a layer while a compiler traces the forward pass; the graph holds nothing of it."""
    order = _KNOWN.get(key)
    if order is not None:
        order.note(index)
    return 0


# As torch.compiler.assume_constant_result does, which would import the compiler, two seconds, for every probe.
note_traced._dynamo_marked_constant = True  # type: ignore[attr-defined]  # the compiler asks functions for it
