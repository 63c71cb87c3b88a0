"""What an export says of a submission besides the submission itself: whose it is, and when it came.

What the export made (its metadata, its folders' names) is believed before what a student chose (the names of files):
else anybody could hand in as somebody else. Forms: Moodle's ``NAME_NUMBER_assignsubmission_file_``; Gradescope's
``submission_123`` with ``submission_metadata.yml``; Canvas's, which NTU COOL is, ``NAME_LATE_USER_ATTACHMENT_FILE``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.grade.units import METADATA, Unit
from ganbench.system.parse import shown
from ganbench.system.wall import wall

MOST_BYTES = 64 << 20  # of the metadata: they may hold what an autograder printed
_MOST_NESTED = 64  # tables in tables: what makes data of them recurses
_MOODLE = re.compile(r"(?P<name>.+?)_\d+_assignsubmission_[a-z]+_(?P<rest>.*)", re.DOTALL)
_CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<number>\d+)_(?P<rest>.+)", re.DOTALL)


@dataclass(frozen=True)
class Stated:
    """What an export says of one submission.

    Attributes:
        names: people, as the export calls them.
        texts: where an id may stand, the most trustworthy first.
        moment: when it came.
        by: where that stands.
        late: whether the export calls it late; None where it says nothing of that.
        number: grows from one upload to the next, where the export counts them.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    moment: datetime | None = None
    by: str = ""
    late: bool | None = None
    number: int = 0


class Export:
    """The export that a folder was made by."""

    def __init__(self, folder: Path, units: Sequence[Unit], kind: str = "auto") -> None:
        """Look at what made the folder.

        Args:
            folder: of the class.
            units: what is in it.
            kind: ``plain``, ``moodle``, ``gradescope``, ``canvas``, or ``auto``.

        Raises:
            GanbenchError: Gradescope's metadata cannot be read, or are not there although they were asked for.
        """
        metadata = folder / METADATA
        tops = {unit.parts[0] for unit in units}
        if kind == "auto":
            kind = "plain"
            if metadata.is_file():
                kind = "gradescope"
            elif any(_MOODLE.fullmatch(top) for top in tops):
                kind = "moodle"
            elif tops and all(_CANVAS.fullmatch(top) for top in tops):  # one that is not: anybody may call files so
                kind = "canvas"
        self.kind = kind
        marked = 0 if kind == "canvas" else sum(_is_marked_late(top) for top in tops)
        self.note = (
            f"{marked:,} {'names carry' if marked > 1 else 'name carries'} the mark LATE of Canvas (NTU COOL), which "
            f'is not read in a {kind} export: keep exports apart, or say export = "canvas" in class.toml'
            if marked
            else ""
        )
        self._stated = _gradescope(metadata) if kind == "gradescope" else {}

    def of(self, unit: Unit) -> Stated:
        """Return what the export says of a unit."""
        top, *inner = unit.parts
        if self.kind == "gradescope" and top in self._stated:
            stated = self._stated[top]
            return replace(stated, texts=(*stated.texts, *inner))
        found = {"moodle": _MOODLE, "canvas": _CANVAS}.get(self.kind, _NOTHING).fullmatch(top)
        if found is None:
            return Stated((), unit.parts)
        texts = tuple(text for text in (found["name"], found["rest"], *inner) if text)
        if self.kind == "moodle":
            return Stated((found["name"],), texts)
        return Stated((found["name"],), texts, late=found["late"] is not None, number=int(found["number"][:18]))


_NOTHING = re.compile(r"(?!)")


def _is_marked_late(top: str) -> bool:
    found = _CANVAS.fullmatch(top)
    return found is not None and found["late"] is not None


def _gradescope(path: Path) -> dict[str, Stated]:
    """Return what Gradescope says of every submission, by the name of its folder.

    Raises:
        GanbenchError: the file cannot be read, or is not what Gradescope writes.
    """
    with wall(lambda why: GanbenchError(f"{path}: cannot be read: {why}")):
        data = _parse_yaml(path)
        if not isinstance(data, dict):
            raise GanbenchError(f"{path}: not the metadata of an export of Gradescope: no table of submissions")
        return {str(name): _stated(name, content, path) for name, content in data.items()}


def _parse_yaml(path: Path) -> Any:
    import yaml

    with path.open("rb") as f:
        data = f.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES >> 20} MiB")
    text = data.decode("utf-8-sig")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_NESTED:
            raise ValueError(f"nested more than {_MOST_NESTED} levels deep")
    return yaml.load(text, Loader=loader)  # one of the two safe loaders: no object is made


def _stated(name: object, content: Any, path: Path) -> Stated:
    content = _plain(content)
    people = content.get("submitters") if isinstance(content, dict) else None
    if not isinstance(people, list):
        raise GanbenchError(f"{path}: {shown(name)}: no list of submitters")
    people = [person for person in map(_plain, people) if isinstance(person, dict)]
    texts = [str(person[key]) for key in ("sid", "email") for person in people if person.get(key)]
    moment = content.get("created_at")
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    aware = isinstance(moment, datetime) and moment.tzinfo is not None
    return Stated(
        tuple(str(person["name"]) for person in people if person.get("name")),
        tuple(texts),
        moment if aware else None,
        METADATA if aware else "",
    )


def _plain(table: Any) -> Any:
    """Return a table with the colon of Ruby's symbols off its keys."""
    return {str(key).lstrip(":"): value for key, value in table.items()} if isinstance(table, dict) else table
