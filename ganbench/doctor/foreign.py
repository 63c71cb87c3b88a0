"""Reads a log that another program wrote: CSV, JSON lines or TensorBoard events; and sample sheets beside it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ganbench.doctor.events import EVENTS, read_events
from ganbench.doctor.names import STEP, mapped
from ganbench.doctor.records import Facts, Records, Scores, Series, Sheet, series_of
from ganbench.doctor.sheets import tiles_of
from ganbench.errors import GanbenchError
from ganbench.images.decode import EXTENSIONS
from ganbench.images.sheets import SheetSource
from ganbench.system.parse import parse_json, read_text
from ganbench.system.wall import wall

_MOST_BYTES = 64 << 20
_MOST_COLUMNS = 2000
_MOST_SHEETS = 40
_TABLES = (".csv", ".tsv")
_LINES = (".jsonl", ".ndjson", ".json")
LOGS = (*_TABLES, *_LINES, f"{EVENTS}*")


def read_foreign(
    path: Path,
    *,
    columns: Mapping[str, str],
    samples: Path | None = None,
    grid: tuple[int, int] | str = "guess",
    pad: int | None = None,
    probability: bool | None = None,
) -> Records:
    """Read a log.

    Args:
        path: a file, or the folder of TensorBoard's events.
        columns: theirs by ours, where names are not well known.
        samples: a folder of sample sheets, whose names hold the step.
        grid: rows and columns of their tiles, or ``guess``.
        pad: pixels between tiles; None: found.
        probability: whether the discriminator's answer is read as a probability; None: nobody knows.

    Raises:
        GanbenchError: no such log, nothing in it that a rule looks at, or sheets that cannot be read.
    """
    lines, header = _read(path)
    found, notes = mapped(header, columns, str(path))
    if STEP in found:
        table = [
            {STEP: line[found[STEP]], **{ours: line[theirs] for ours, theirs in found.items() if theirs in line}}
            for line in lines
            if math.isfinite(line.get(found[STEP], math.nan))
        ]
    else:
        notes.append("no column of steps: lines are counted from 1; --column step=NAME names one")
        table = [
            {STEP: float(number), **{ours: line[theirs] for ours, theirs in found.items() if theirs in line}}
            for number, line in enumerate(lines, 1)
        ]
    numbers = series_of(table)
    fd = numbers.pop("fd", None)
    if not numbers and fd is None and samples is None:
        shown = ", ".join(header[:12]) + (" ..." if len(header) > 12 else "")
        raise GanbenchError(f"{path}: no column that a rule looks at ({shown}). Name one: --column generator_loss=NAME")
    sheets, said = ((), []) if samples is None else _sheets(samples, grid, pad)
    return Records(
        label=str(path),
        numbers=numbers,
        sheets=sheets,
        scores={} if fd is None else {"fd": _scores(fd)},
        facts=Facts(probability=probability),
        notes=(*notes, *said),
    )


def _scores(series: Series) -> Scores:
    none = np.full(len(series), np.nan)
    return Scores(series.steps, series.values, none, none)


def _read(path: Path) -> tuple[list[dict[str, float]], list[str]]:
    """Return the numbers of every line, and all names in order."""
    if path.is_dir() or path.name.startswith(EVENTS):
        lines = read_events(path)
    else:
        with wall(lambda why: GanbenchError(f"{path}: no readable log: {why}")):
            text = read_text(path, _MOST_BYTES)
            if path.suffix.lower() in _TABLES:
                lines = _of_table(text, "\t" if path.suffix.lower() == ".tsv" else None)
            elif path.suffix.lower() in _LINES:
                lines = _of_json(text)
            else:
                raise GanbenchError(f"{path}: not a log that is known by its name: {', '.join(LOGS)}")
    header = list(dict.fromkeys(name for line in lines for name in line))
    if len(header) > _MOST_COLUMNS:
        raise GanbenchError(f"{path}: more than {_MOST_COLUMNS:,} columns")
    if not header:
        raise GanbenchError(f"{path}: no line of numbers in it")
    return lines, header


def _of_table(text: str, delimiter: str | None) -> list[dict[str, float]]:
    head = text.partition("\n")[0]
    if delimiter is None:
        delimiter = max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [_numbers(row) for row in rows]


def _of_json(text: str) -> list[dict[str, float]]:
    """Read a line at a time; the last one may be cut short, where a training was killed."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = []
    for number, line in enumerate(lines, 1):
        try:
            content = parse_json(re.sub(r"(?<=[:\s,])-?(?:NaN|Infinity)(?=\s*[,}])", _text_of, line))
        except ValueError as e:
            if number == len(lines) > 1:
                break
            raise ValueError(f"line {number}: {e}") from e
        if not isinstance(content, dict):
            raise ValueError(f"line {number} is not an object with names and numbers")
        found.append(_numbers(content))
    return found


def _text_of(match: re.Match[str]) -> str:
    """Return a number that JSON has not got, and Python writes, as a text."""
    return f'"{match.group()}"'


def _numbers(row: Mapping[object, object]) -> dict[str, float]:
    """Return what of a row is a number; texts such as dates, and empty cells, are none."""
    found = {}
    for name, value in row.items():
        if isinstance(name, str) and name and isinstance(value, int | float | str) and not isinstance(value, bool):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                continue
            if name.strip() == STEP and abs(number) > 1e15:
                continue
            found[name.strip()] = number
    return found


def _sheets(folder: Path, grid: tuple[int, int] | str, pad: int | None) -> tuple[tuple[Sheet, ...], list[str]]:
    """Return the sheets of a folder, at most so many, evenly spread over the steps that their names hold."""
    if not folder.is_dir():
        raise GanbenchError(f"{folder}: no such folder of sample sheets")
    named = sorted(
        (int(digits[-1]), path)
        for path in folder.iterdir()
        if path.suffix.lower() in EXTENSIONS and (digits := re.findall(r"\d{1,12}", path.stem))
    )
    if not named:
        raise GanbenchError(f"{folder}: no image with a step in its name, such as samples-001000.png")
    if len(named) > _MOST_SHEETS:
        named = [named[i] for i in np.linspace(0, len(named) - 1, _MOST_SHEETS).round().astype(int)]
    sheets = []
    for step, path in named:
        source = SheetSource(path, grid=grid, pad=pad)
        sheets.append(Sheet(step, tiles_of(source)))
    return tuple(sheets), [f"{folder}: the last number in a sheet's name is taken for its step; {source.geometry}"]
