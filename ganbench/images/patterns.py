"""Shards by their names: braces and wildcards that stand for them, and what is missing among numbered ones."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ganbench.errors import SourceError
from ganbench.images.names import natural_key

MOST_SHARDS = 100_000
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?")
_NUMBERED = re.compile(r"(.*?)(\d+)(?:-of-(\d+))?((?:\.[A-Za-z0-9]+)+)")
_FEW = 3


def is_pattern(text: str) -> bool:
    """Tell whether a text holds braces or wildcards."""
    return any(sign in text for sign in "*?[") or ("{" in text and "}" in text)


def expand(pattern: str, find: Callable[[str], list[str]] = glob.glob) -> list[str]:
    """Return what a pattern stands for: braces as in a shell, in the order written; wildcards in natural order.

    Args:
        pattern: such as ``faces-{000000..000019}.tar``, ``{train,extra}-*.tar``.
        find: returns the files that a text with wildcards stands for.

    Raises:
        SourceError: it stands for too many, or its wildcards for nothing.
    """
    texts = list(islice(_braces(pattern), MOST_SHARDS + 1))
    if len(texts) > MOST_SHARDS:
        raise SourceError(f"{pattern}: it stands for more than {MOST_SHARDS:,} shards")
    found: list[str] = []
    for text in texts:
        if not any(sign in text for sign in "*?["):
            found.append(text)
            continue
        matching = sorted(find(text), key=natural_key)
        if not matching:
            raise SourceError(f"{text}: no such file. In quotes, wildcards are looked for by ganbench")
        found += matching
    return found


def _braces(text: str) -> Iterator[str]:
    """Yield what a text with braces stands for; braces that hold no choice stand for themselves."""
    start = text.find("{")
    while start >= 0:
        choices = _choices(text, start)
        if choices is not None:
            options, end = choices
            for option in options:
                for rest in _braces(text[end:]):
                    yield text[:start] + option + rest
            return
        start = text.find("{", start + 1)
    yield text


def _choices(text: str, start: int) -> tuple[Iterator[str], int] | None:
    """Return the choices of the braces that open at ``start``, and where the text goes on after them."""
    depth, begin, parts = 0, start + 1, []
    for at in range(start, len(text)):
        if text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
        if depth == 0 or (depth == 1 and text[at] == ","):
            parts.append(text[begin:at])
            begin = at + 1
        if depth == 0:
            if len(parts) > 1:
                return (one for part in parts for one in _braces(part)), at + 1
            numbers = _RANGE.fullmatch(parts[0])
            return (_numbers(numbers), at + 1) if numbers else None
    return None


def _numbers(found: re.Match[str]) -> Iterator[str]:
    first, last, step = found.groups()
    padded = any(len(end.lstrip("-")) > 1 and end.lstrip("-").startswith("0") for end in (first, last))
    width = max(len(first), len(last)) if padded else 0
    by = abs(int(step or 1)) or 1
    low, high = int(first), int(last)
    for number in range(low, high + 1, by) if low <= high else range(low, high - 1, -by):
        yield f"{number:0{width}d}"


@dataclass(frozen=True)
class Numbering:
    """What the numbers in the names of shards tell.

    Attributes:
        sets: the sets that the shards belong to, by the beginning of their names.
        missing: names of shards that should be there between the others, some of them.
        begin: the least number.
        known: whether all names are numbered.
    """

    sets: list[str]
    missing: list[str]
    begin: int
    known: bool

    @property
    def whole(self) -> bool:
        """Whether these are all shards of one set."""
        return self.known and len(self.sets) == 1 and not self.missing and self.begin <= 1


def numbering(names: Sequence[str]) -> Numbering:
    """Look at the file names of shards, such as ``faces-000017.tar`` and ``train-00001-of-00005.parquet``."""
    found: dict[tuple[str, str, str], dict[int, str]] = {}
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match is None:
            return Numbering([], [], 0, False)
        prefix, number, total, ending = match.groups()
        found.setdefault((prefix, total or "", ending), {})[int(number)] = number
    missing: list[str] = []
    for (prefix, total, ending), numbers in found.items():
        first = 0 if total else min(numbers)
        last = int(total) - 1 if total else max(numbers)
        gaps = (number for number in range(first, last + 1) if number not in numbers)
        width = len(next(iter(numbers.values())))
        of = f"-of-{total}" if total else ""
        missing += [f"{prefix}{number:0{width}d}{of}{ending}" for number in islice(gaps, _FEW + 1 - len(missing))]
    begin = max((min(numbers) for numbers in found.values()), default=0)
    return Numbering(sorted({prefix for prefix, _, _ in found}), missing, begin, True)


def missing_note(names: Sequence[str]) -> list[str]:
    """Return one line if the numbers of shards have gaps."""
    missing = numbering(names).missing
    some = ", ".join(missing[:_FEW]) + (" and others" if len(missing) > _FEW else "")
    return [f"shards may be missing: there is no {some}"] if missing else []
