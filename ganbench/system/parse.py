"""JSON and TOML from files of unknown origin: size and nesting are bounded before a parser sees them.

Parsers of nested text recurse, and what they make of a hostile file may end in any exception or in the whole memory.
Call these inside a ``wall``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

MOST_NESTED = 32  # brackets in brackets; a scorecard has 5, and a recipe 3
MOST_TOML_BYTES = 256 << 10  # a recipe has one or two kilobytes

_ESCAPED = re.compile(r"\\.", re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
# Every alternative matches what it begins, to the end of the text if it must: so the search is linear.
_TOML_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*(?:""")?'
    r"|'''(?:[^']|'(?!''))*(?:''')?"
    r'|"(?:[^"\\\n]|\\.)*"?'
    r"|'[^'\n]*'?"
    r"|\#[^\n]*"
    r"|[\[\]{}.=,\n]",
    re.DOTALL,
)


def read_text(path: Path, most_bytes: int) -> str:
    """Return the text of a file, UTF-8 with or without a byte order mark.

    Raises:
        OSError: it cannot be read.
        ValueError: it has more bytes than that, or is not UTF-8.
    """
    with path.open("rb") as f:
        data = f.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"it has more than {most_bytes >> 10:,} KiB")
    return data.decode("utf-8-sig")


def parse_json(text: str) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: not JSON, nested too deeply, numbers that JSON has not got (NaN), or texts that are no Unicode.
    """
    outside = "".join(_ESCAPED.sub("", text).split('"')[::2])
    _refuse_depth(_NO_BRACKETS.sub("", outside))
    data = json.loads(text, parse_constant=_refuse_constant)
    if "\\u" in text:  # half a surrogate pair could never be written anywhere again
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    return data


def parse_toml(text: str) -> dict[str, Any]:
    """Return what a TOML text says, as plain data.

    Raises:
        ValueError: not TOML, or nested too deeply.
    """
    import tomlkit

    if len(text) > MOST_TOML_BYTES:
        raise ValueError(f"it has more than {MOST_TOML_BYTES >> 10:,} KiB")
    brackets, dots = [], 0
    for token in _TOML_TOKEN.finditer(text):
        mark = token.group()
        if mark in "[]{}":
            brackets.append(mark)
        if mark == ".":
            dots += 1
        elif mark in "=,\n[]{}":
            dots = 0
        if dots > MOST_NESTED:
            raise ValueError(f"a key of more than {MOST_NESTED} parts")
    _refuse_depth("".join(brackets))
    return tomlkit.parse(text).unwrap()


def shown(value: object, most: int = 120) -> str:
    """Return a value as an error may quote it: a file's values may be of any length."""
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def faults_of(e: ValidationError, most: int = 3) -> str:
    """Return in one line what pydantic finds wrong with data, without quoting them: they may be of any length."""
    errors = e.errors(include_url=False, include_context=False, include_input=False)
    found = [f"{'.'.join(str(part)[:80] for part in error['loc'])}: {error['msg']}" for error in errors[:most]]
    return "; ".join([*found, f"and {len(errors) - most:,} more"] if len(errors) > most else found)


def _refuse_depth(brackets: str) -> None:
    depth = 0
    for mark in brackets:
        depth += 1 if mark in "[{" else -1
        if depth > MOST_NESTED:
            raise ValueError(f"nested more than {MOST_NESTED} levels deep")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")
