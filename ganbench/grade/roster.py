"""The roster: everybody in the class, from a CSV file, and the line that is wrong if one is."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.system.parse import shown
from ganbench.system.text import visible
from ganbench.system.wall import wall

MOST_BYTES = 16 << 20
MOST_PEOPLE = 20_000
_ID = re.compile(r"[^\W_][\w@+-]*(?:\.[\w@+-]+)*")  # becomes a file's name on every system
_LONGEST_ID, _LONGEST_NAME = 64, 300
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Person:
    """Somebody on the roster.

    Attributes:
        id: as the roster writes it.
        name: likewise; may be empty.
    """

    id: str
    name: str

    @property
    def key(self) -> str:
        """What their id is known by, whatever its case and form."""
        return id_key(self.id)


def id_key(text: str) -> str:
    """Return an id in the form in which two are compared: no case, one form of Unicode, ASCII digits and letters."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def name_key(text: str) -> str:
    """Return a person's name in the form in which two are compared: letters alone, whatever case and spacing."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def read_roster(path: Path, pattern: str | None = None) -> list[Person]:
    """Read a roster: UTF-8 with or without a byte order mark, a line ``id,name``, then a line for everybody.

    Args:
        path: the file; other columns are passed over, and lines without anything in them.
        pattern: what an id looks like; one that does not is refused.

    Raises:
        GanbenchError: it cannot be read, or a line is wrong: the first such line is named.
    """
    text = _text_of(path)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    with wall(lambda why: GanbenchError(f"{path}: no CSV: {why}")):
        lines = list(_lines(text, delimiter, path))
    return _people(path, lines, None if pattern is None else re.compile(pattern, re.IGNORECASE))


def _lines(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line that each row begins on, and its cells.

    Raises:
        GanbenchError: a line that is no CSV, or too many.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for count, fields in enumerate(reader):
            if count > MOST_PEOPLE:
                raise GanbenchError(f"{path}: more than {MOST_PEOPLE:,} lines")
            yield begins, fields
            begins = reader.line_num + 1
    except csv.Error as e:
        raise GanbenchError(f"{path}: line {begins}: {e}") from e


def _text_of(path: Path) -> str:
    with wall(lambda why: GanbenchError(f"roster {path}: cannot be read: {why}")):
        with path.open("rb") as f:
            data = f.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise GanbenchError(f"roster {path}: more than {MOST_BYTES >> 20} MiB")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as e:
            line = data.count(b"\n", 0, e.start) + 1
            raise GanbenchError(
                f"{path}: line {line} is not UTF-8. Save it as CSV UTF-8 (in a spreadsheet program: that very format)"
            ) from e


def _people(path: Path, lines: list[tuple[int, list[str]]], pattern: re.Pattern[str] | None) -> list[Person]:
    filled = [(number, fields) for number, fields in lines if any(field.strip() for field in fields)]
    if not filled:
        raise GanbenchError(f"{path}: it is empty. The first line is id,name, then a line for everybody")
    (first, titles), *rest = filled
    columns = [name_key(title) for title in titles]
    absent = [name for name in ("id", "name") if columns.count(name) != 1]
    if absent:
        raise GanbenchError(
            f"{path}: line {first}: one column has to be called {absent[0]!r}; found {shown(', '.join(titles))}"
        )
    at_id, at_name = columns.index("id"), columns.index("name")
    people: list[Person] = []
    seen: dict[str, int] = {}
    for number, fields in rest:
        if len(fields) != len(titles):
            raise GanbenchError(f"{path}: line {number} has {len(fields)} cells, and the first line {len(titles)}")
        person = Person(fields[at_id].strip(), visible(unicodedata.normalize("NFC", fields[at_name].strip())))
        if why := _fault(person, pattern, seen):
            raise GanbenchError(f"{path}: line {number}: {why}")
        seen[person.key] = number
        people.append(person)
    if not people:
        raise GanbenchError(f"{path}: nobody is on it below line {first}")
    return people


def _fault(person: Person, pattern: re.Pattern[str] | None, seen: dict[str, int]) -> str:
    """Say what is wrong with a line, or return ""."""
    if not person.id:
        return f"no id{f' for {shown(person.name)}' if person.name else ''}"
    if len(person.id) > _LONGEST_ID or not _ID.fullmatch(person.id):
        return f"{shown(person.id)} is no id: up to {_LONGEST_ID} letters, digits and . _ @ + -, not led by a sign"
    if pattern is not None and not pattern.fullmatch(person.id):
        return f"{shown(person.id)} does not match the pattern of ids, {pattern.pattern}"
    if len(person.name) > _LONGEST_NAME:
        return f"a name of {len(person.name):,} characters"
    if person.key in seen:
        return f"{shown(person.id)} again; it is on line {seen[person.key]}"
    return ""
