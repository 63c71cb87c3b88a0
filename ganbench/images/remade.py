"""What does not travel: something large or open that another process makes anew from a short description."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Remade(Generic[T]):
    """Something that pickles as what makes it, and is made where it is first asked for. Safe to use from threads."""

    def __init__(self, make: Callable[[], T], made: T | None = None) -> None:
        """Remember how it is made.

        Args:
            make: makes it; can be pickled.
            made: it, where this process has it already.
        """
        self._make = make
        self._made = made
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """Return it; the first call may take long."""
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what makes it."""
        return Remade, (self._make,)
