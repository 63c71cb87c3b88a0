"""One CSV file of all numbers, a row for each logged step."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import cast

from ganbench.loggers.base import Begin, Logger
from ganbench.system.outputs import write_text
from ganbench.system.text import csv_text

FILE = "metrics.csv"


class CSV(Logger):
    """Writes ``metrics.csv``: the column ``step``, then a column for everything that came up.

    A resumed run makes the rows of earlier steps from the run's own log: what was undone is gone, and a log that is
    asked for only now begins with the first step.
    """

    def open(self, begin: Begin) -> None:
        """See ``Logger``."""
        self._path = begin.folder / FILE
        self._rows: dict[int, dict[str, object]] = {}  # by step
        for line in begin.logged:
            numbers = {name: value for name, value in line.items() if isinstance(value, (int, float))}
            if len(numbers) > 1:  # more than the step
                self._rows.setdefault(cast(int, numbers["step"]), {}).update(numbers)
        self._rows = dict(sorted(self._rows.items()))
        self._columns = list(dict.fromkeys(["step", *(name for row in self._rows.values() for name in row)]))
        self._rewrite()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """See ``Logger``; what comes later of the same step joins its row."""
        latest = max(self._rows, default=-1)
        if back := step < latest:  # the run has gone back: what it undid is gone
            self._rows = {other: row for other, row in self._rows.items() if other < step}
        row = self._rows.setdefault(step, {"step": step})
        row |= values
        new = [name for name in row if name not in self._columns]
        self._columns += new
        if new or back:
            self._rewrite()
        else:
            self._append(row, again=step == latest)

    def close(self, *, finished: bool) -> None:
        """See ``Logger``."""

    def _rewrite(self) -> None:
        write_text(self._path, _text(self._rows.values(), self._columns))
        last = list(self._rows.values())[-1:]
        self._start = self._path.stat().st_size - len(self._line(last[0])) if last else 0  # of the last row

    def _append(self, row: Mapping[str, object], *, again: bool) -> None:
        """Add a row, or write the last one again."""
        with self._path.open("r+b") as f:
            self._start = f.seek(self._start) if again else f.seek(0, os.SEEK_END)
            f.truncate()
            f.write(self._line(row))

    def _line(self, row: Mapping[str, object]) -> bytes:
        return _text([row], self._columns).partition("\n")[2].encode()


def _text(rows: Iterable[Mapping[str, object]], columns: list[str]) -> str:
    return csv_text([{name: _cell(value) for name, value in row.items()} for row in rows], columns)


def _cell(value: object) -> object:
    """Return a number as it is, and what is none as an empty cell."""
    return "" if isinstance(value, float) and math.isnan(value) else value
