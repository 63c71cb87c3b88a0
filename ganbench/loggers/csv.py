"""One CSV file of all numbers, a row for each logged step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

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
        self._rows: list[Mapping[str, object]] = []
        for line in begin.logged:
            numbers = {name: value for name, value in line.items() if not isinstance(value, str)}
            if len(numbers) > 1:  # more than the step
                self._rows.append(numbers)
        self._columns = list(dict.fromkeys(["step", *(name for row in self._rows for name in row)]))
        self._rewrite()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """See ``Logger``; a column that is new changes the header, so that the file is written anew."""
        row = {"step": step, **values}
        self._rows.append(row)
        if new := [name for name in row if name not in self._columns]:
            self._columns += new
            self._rewrite()
        else:
            _append(self._path, _text([row], self._columns).partition("\n")[2])

    def close(self, *, finished: bool) -> None:
        """See ``Logger``."""

    def _rewrite(self) -> None:
        write_text(self._path, _text(self._rows, self._columns))


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as f:
        f.write(text)


def _text(rows: list[Mapping[str, object]], columns: list[str]) -> str:
    return csv_text([{name: _cell(value) for name, value in row.items()} for row in rows], columns)


def _cell(value: object) -> object:
    """Return a number as it is, and what is none as an empty cell."""
    return "" if isinstance(value, float) and math.isnan(value) else value
