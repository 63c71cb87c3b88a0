"""Progress, in one style and on standard error: a bar for a person at a terminal, a line a minute for anybody else."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ganbench.system.streams import console, shown

FIRST_SECONDS = 10.0  # after which work without a bar says where it stands for the first time
EVERY_SECONDS = 60.0  # and then again and again

_quiet = False


def set_quiet(quiet: bool) -> None:
    """Switch all progress of this process off or on (``--quiet``)."""
    global _quiet
    _quiet = quiet


@contextmanager
def track(
    what: str, total: int | None, done: int = 0, *, unit: str = "", left: bool = True
) -> Iterator[Callable[..., None]]:
    """Show how far work is while the block runs; yields ``advance(count, note="")``.

    On a terminal that is a bar with count, rate and time left. Elsewhere (a log file, a cluster) it is a line after ten
    seconds and at most one a minute from there on, so that short work says nothing; work inside other work shares a
    line with it.

    Args:
        what: the name of the work.
        total: how much there is to do; None when it is not known.
        done: how much of it was done before.
        unit: what is counted, in the plural.
        left: whether to show the time left; False where the caller knows it better and puts it into the note.
    """
    screen = console(err=True)
    if _quiet:
        yield lambda count, note=None: None
        return
    if not screen.is_terminal:  # not a disabled bar: that leaves an empty line with rich before 15
        with _lines.inside(_Count(what, total, done, unit, left)) as count_up:
            yield count_up
        return
    from rich.progress import (  # slow to import, and only a person at a terminal has bars
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        *((TextColumn("left"), TimeRemainingColumn()) if left else ()),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(shown(what, sys.stderr), total=total, completed=done, note="")

        def advance(count: int, note: str | None = None) -> None:
            if note is None:
                bar.update(task, advance=count)
            else:
                bar.update(task, advance=count, note=shown(note, sys.stderr))

        yield advance


class _Count:
    """How far one piece of work is."""

    def __init__(self, what: str, total: int | None, done: int, unit: str, left: bool) -> None:
        self._what, self._total, self._unit, self._left = what, total, unit, left
        self._done = done
        self._note = ""
        self._since: tuple[float, int] | None = None  # when there was how much done: warming up does not count

    def add(self, more: int, note: str | None) -> None:
        """Take in that so much more is done."""
        self._done += more
        self._note = self._note if note is None else note
        if self._since is None:
            self._since = time.monotonic(), self._done

    def __str__(self) -> str:
        of = "" if self._total is None else f" of {self._total:,}"
        parts = [f"{self._what}: {self._done:,}{of} {self._unit}".rstrip()]
        if self._note:
            parts.append(self._note)
        to_do = 0 if self._total is None else self._total - self._done
        if self._left and to_do > 0 and self._since is not None and self._done > self._since[1]:
            rate = (time.monotonic() - self._since[0]) / (self._done - self._since[1])
            parts.append(f"{in_words(rate * to_do)} left")
        return ", ".join(parts)


class _Lines(threading.local):
    """Progress as lines, for where no bar can be drawn; each thread has its own."""

    def __init__(self) -> None:
        self._counts: list[_Count] = []  # the outermost work first
        self._next = 0.0

    @contextmanager
    def inside(self, count: _Count) -> Iterator[Callable[..., None]]:
        """Yield ``advance`` for a piece of work, which may be part of another."""
        if not self._counts:
            self._next = max(self._next, time.monotonic() + FIRST_SECONDS)
        self._counts.append(count)

        def advance(more: int, note: str | None = None) -> None:
            count.add(more, note)
            if time.monotonic() >= self._next:
                self._say()

        try:
            yield advance
        finally:
            self._counts.remove(count)

    def _say(self) -> None:
        self._next = time.monotonic() + EVERY_SECONDS
        with suppress(OSError, ValueError):  # standard error is closed or full: that must not cost the work
            sys.stderr.write(shown("; ".join(map(str, self._counts)), sys.stderr) + "\n")
            sys.stderr.flush()


_lines = _Lines()


def in_words(seconds: float) -> str:
    """Return a duration as a person would say it."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
