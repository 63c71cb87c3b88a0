"""The log: what happens without a word to the user, for whoever looks for a fault.

Every module writes to ``logging.getLogger(__name__)``, below the logger ``ganbench``, which is silent until somebody
asks: ``ganbench -v`` on the command line, ``logging.basicConfig(level="INFO")`` in a program of one's own. What the
user has to know does not go there: it travels with the result, in ``warnings``.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from ganbench.system.streams import shown
from ganbench.system.urls import masked

_LOGGER = logging.getLogger("ganbench")


class _Formatter(logging.Formatter):
    """One line per record; names come from outside, so that what cannot be printed is shown as an escape."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return shown(masked(super().format(record)), sys.stderr)


class _Stderr(logging.Handler):
    """Writes to what standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


@contextmanager
def log_to_stderr(level: int) -> Iterator[None]:
    """Show the log on standard error while the block runs.

    Args:
        level: the least that is shown, such as ``logging.INFO``.
    """
    handler, before = _Stderr(level), _LOGGER.level
    handler.setFormatter(_Formatter())
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(level)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(before)


def shown_level() -> int | None:
    """Return the level at which ``log_to_stderr`` shows the log now, or None: for processes that are to do the same."""
    return next((handler.level for handler in _LOGGER.handlers if isinstance(handler, _Stderr)), None)


def log_warnings() -> None:
    """Send Python's own warnings to the log, from now on, in a process of ours.

    They speak of lines of libraries, such as Pillow's on every damaged tag of an image that is read all the same:
    whoever types a command can do nothing with them. A program that uses ganbench decides for itself.
    """
    warnings.showwarning = _log_warning


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del file, line
    _LOGGER.info("%s:%d: %s: %s", filename, lineno, category.__name__, message)
