"""The wall around a parser of foreign data: whatever it throws, one error of ganbench comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ganbench.errors import GanbenchError


@contextmanager
def wall(error: Callable[[str], GanbenchError]) -> Iterator[None]:
    """Let only ganbench's own errors out of the block; every other exception becomes ``error(why)``.

    A parser of a damaged file may raise anything, and a list of what it is known to raise is never complete. So each
    format has one such block around its parser. ``KeyboardInterrupt`` and ``SystemExit`` pass. A wall bounds what a
    parser may throw, not what it may take: limits on bytes, counts and nesting are checked before it.

    Args:
        error: makes the error from the reason, one line such as ``"RecursionError: maximum recursion depth exceeded"``.

    Raises:
        GanbenchError: what the block raised, or what ``error`` made of it.
    """
    try:
        yield
    except GanbenchError:
        raise
    except Exception as e:
        raise error(reason(e)) from e


def reason(e: BaseException, limit: int = 200) -> str:
    """Return one line that says what an exception says: its text, led by its type where the text alone tells nothing.

    Args:
        limit: characters at most; a parser may quote the whole file in its message.
    """
    text = " ".join(str(e).split())
    if isinstance(e, OSError) and e.strerror:
        text = e.strerror
    elif not text or not isinstance(e, (ValueError, OSError)):
        text = f"{type(e).__name__}: {text}" if text else type(e).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"
