"""Settings that belong to the whole process, held by several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable


class SharedState:
    """Keeps a setting of the process changed while any thread needs it so.

    The first thread that enters changes it, the last one that leaves puts it back: a thread that comes or goes in
    between neither finds it restored under its hands, nor restores what another thread had set. A context manager, for
    any number of threads, and as often within one thread as one likes.
    """

    def __init__(self, change: Callable[[], Callable[[], None]]) -> None:
        """Set up; nothing is changed yet.

        Args:
            change: makes the change and returns what undoes it.
        """
        self._change = change
        self._undo: Callable[[], None] | None = None
        self._inside = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._undo = self._change()
            self._inside += 1

    def __exit__(self, *reason: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._undo is not None:
                self._undo()
                self._undo = None
