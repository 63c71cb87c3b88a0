"""Progress bars: one style, on standard error, only for a person at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ganbench.system.streams import console, shown

_quiet = False


def set_quiet(quiet: bool) -> None:
    """Switch all progress bars of this process off or on (``--quiet``)."""
    global _quiet
    _quiet = quiet


@contextmanager
def track(what: str, total: int | None, done: int = 0, *, left: bool = True) -> Iterator[Callable[..., None]]:
    """Show a bar with count, rate and time left while the block runs; yields ``advance(count, note="")``.

    Args:
        what: the name of the work.
        total: how much there is to do; None when it is not known.
        done: how much of it was done before.
        left: whether to show the time left; False where the caller knows it better and puts it into the note.
    """
    screen = console(err=True)
    if _quiet or not screen.is_terminal:  # not a disabled bar: that leaves an empty line with rich before 15
        yield lambda count, note=None: None
        return
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
