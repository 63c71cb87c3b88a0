"""Notes to the user: plain sentences about what went otherwise than wished, handed to whoever collects them.

A function that has something to say takes ``note``, and calls it with one sentence. ``score`` collects the notes in its
scorecard; without a collector they go to the log. Nothing goes through Python's warnings: their state is that of the
whole process, and two threads would read each other's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

Note = Callable[[str], None]


def log_note(text: str) -> None:
    """Write a note to the log ``ganbench``, as a warning."""
    logging.getLogger("ganbench").warning("%s", text)


def once(note: Note) -> Note:
    """Return what passes every note on one time only: several processes say the same of the same thing."""
    said: set[str] = set()

    def pass_on(text: str) -> None:
        if text not in said:
            said.add(text)
            note(text)

    return pass_on
