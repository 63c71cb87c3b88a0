"""Standard output and standard error: whatever they can encode, and whoever reads them, nothing is lost in a traceback.

``prepare`` is called once, before the work. After it a character that a stream cannot encode degrades, and a standard
output that cannot be written to is known.
"""

from __future__ import annotations

import codecs
import io
import os
import stat
import sys
from typing import TYPE_CHECKING, TextIO

from ganbench.errors import GanbenchError
from ganbench.system.text import DEGRADE, terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def prepare() -> None:
    """Let both streams degrade what they cannot encode, and check that results can be written to standard output.

    Raises:
        GanbenchError: its disk is full, or it was opened for reading.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=DEGRADE)
    try:
        number = sys.stdout.fileno()
        os.write(number, b"")
        if stat.S_ISREG(os.fstat(number).st_mode) and hasattr(os, "fstatvfs") and not os.fstatvfs(number).f_bavail:
            raise GanbenchError("cannot write to standard output: no space left. Free space, or write elsewhere")
    except (AttributeError, io.UnsupportedOperation, BrokenPipeError):
        return  # closed, no file, or a reader who has left: nobody waits for it
    except OSError as e:
        raise unwritable(e) from e


def unwritable(error: OSError) -> GanbenchError:
    """Return what a user is told when standard output cannot be written to."""
    return GanbenchError(f"cannot write to standard output: {error.strerror}. Free space, or write elsewhere")


def flush() -> None:
    """Write out what standard output still holds.

    Raises:
        BrokenPipeError: the reader is gone.
        GanbenchError: it cannot be written.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as e:
        raise unwritable(e) from e


def discard() -> None:
    """Drop what standard output still holds, so that the flush at the exit is silent."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (AttributeError, ValueError, OSError):
        return  # there is none


def is_utf8(stream: TextIO) -> bool:
    """Tell whether a stream takes every character."""
    try:
        return codecs.lookup(stream.encoding or "utf-8").name.startswith("utf")
    except LookupError:
        return False


def put(text: str) -> None:
    """Write a document to standard output as it would stand in a file: in UTF-8, whatever a terminal's encoding is."""
    stream = sys.stdout
    if stream is None:
        return
    if is_utf8(stream) or not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        stream.write(text)
    else:
        stream.flush()
        stream.buffer.write(text.encode("utf-8", DEGRADE))


def shown(text: str, stream: TextIO | None, *, lines: bool = False) -> str:
    """Return a foreign text as it may be written to a stream; see ``terminal``.

    Args:
        text: any.
        stream: standard output or standard error.
        lines: whether line feeds stay.
    """
    return terminal(text, None if stream is None else stream.encoding, lines=lines)


def console(*, err: bool = False) -> Console:
    """Return a console of rich on standard output or standard error; markup and emoji codes in texts mean nothing."""
    from rich.console import Console

    return Console(stderr=err, highlight=False, markup=False, emoji=False)


def cell(text: str, on: Console | None = None, style: str = "") -> Text:
    """Return a foreign text for a table or a line of rich: no markup, no control character, one line.

    Args:
        text: any.
        on: the console that will show it.
        style: of rich, such as ``dim``.
    """
    from rich.text import Text

    return Text(terminal(text, None if on is None else on.encoding), style)
