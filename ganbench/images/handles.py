"""Which of many files stay open."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Protocol


class Closable(Protocol):
    """A file that opens by itself when it is read."""

    def close(self) -> None:
        """Close it until it is read again."""
        ...


class Handles:
    """Keeps the files open that were read last, and closes the others: there may be more than a process can open."""

    def __init__(self, most: int) -> None:
        """Allow so many open files."""
        self._most = most
        self._open: OrderedDict[int, Closable] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, file: Closable) -> None:
        """Take note that a file is read."""
        with self._lock:
            self._open[id(file)] = file
            self._open.move_to_end(id(file))
            closed = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - self._most)]
        for one in closed:
            one.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as one that has none open."""
        return Handles, (self._most,)
