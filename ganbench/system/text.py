"""What may be printed or exported: one function for each form of output, through which all foreign text goes.

File names, labels, protocols, reasons and recipes come from outside. Nothing of them may act in what is written: no
control character at a terminal, no tag in HTML, no markup in Markdown, no command in LaTeX, no formula in a sheet.

``visible`` stands below all of them. What cannot be seen is shown as an escape, as Python writes it: ``\\n``, ``\\x1b``
for a control character of ASCII, ``\\xa4`` for a byte of a file name that is not UTF-8, ``\\u202e`` for any other
character without a look of its own. So names stay recognisable, and two that differ in one byte stay two. A backslash
that is there already is left as it is.
"""

from __future__ import annotations

import codecs
import csv
import html as _html
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

DEGRADE = "ganbench.degrade"  # error handler of codecs: what a stream cannot encode gets a stand-in, or an escape

# Control, format (with all marks of direction), surrogate; separators of lines and paragraphs.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_STAND_INS = {
    "↓": "v", "↑": "^", "…": "...", "–": "-", "—": "-", "−": "-", "±": "+-", "†": "*", "×": "x", "→": "->",
    "≤": "<=", "≥": ">=", "’": "'", "‘": "'", "“": '"', "”": '"', "ρ": "rho", "•": "*", "\u3000": " ", "\xa0": " ",
}  # fmt: skip


def is_hidden(character: str) -> bool:
    """Tell whether a character has no look of its own: control, format, surrogate, separator, or none at all."""
    if character.isprintable():
        return False
    code = ord(character)
    return unicodedata.category(character) in _HIDDEN or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that it could not decode
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return _SHORT.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible(text: str, *, lines: bool = False) -> str:
    """Return a text with all that cannot be seen shown as escapes, in one line.

    Args:
        text: any.
        lines: whether line feeds stay: for a document of several lines.
    """
    if text.isprintable():
        return text
    return "".join(_escape(c) if is_hidden(c) and not (lines and c == "\n") else c for c in text)


def _degrade(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end]
    return "".join(_STAND_INS.get(c) or _escape(c) for c in part), error.end


codecs.register_error(DEGRADE, _degrade)


def terminal(text: str, encoding: str | None = None, *, lines: bool = False) -> str:
    """Return a text for a terminal.

    Args:
        text: any.
        encoding: of the terminal; a character that it has not got becomes a stand-in (``v`` for ``↓``) or an escape.
        lines: whether line feeds stay.
    """
    shown = visible(text, lines=lines)
    if encoding is None or shown.isascii():
        return shown
    return shown.encode(encoding, DEGRADE).decode(encoding)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese character takes two, a combining one none."""
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)


def pad(text: str, columns: int) -> str:
    """Return a text with blanks behind it up to so many columns of a terminal."""
    return text + " " * (columns - width(text))


def html(text: str, *, lines: bool = False) -> str:
    """Return a text for HTML, also inside the quotes of an attribute.

    Args:
        text: any.
        lines: whether line feeds stay.
    """
    return _html.escape(visible(text, lines=lines))


# Signs; a bracket that closes a link's text; an underscore at the edge of a word; what starts a template.
_MARKDOWN = re.compile(r"[\\`*~$|!<>&]|\](?=[(\[])|(?<![^\W_])_|_(?![^\W_])|\{(?=[{%])")
_BLOCK = re.compile(r"(\[|[-+=#]+(?=\s|$))|(\d+)[.)](?=\s|$)")  # at the start: address of a link, heading, list, rule
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "{": "&#123;", "]": "&#93;"}


def markdown(text: str) -> str:
    """Return a text for a line or a table's cell of Markdown: it shows as it is, and is no markup, tag or link."""

    def spell(found: re.Match[str]) -> str:
        character = found.group()
        return _ENTITIES.get(character) or f"\\{character}"

    shown = _MARKDOWN.sub(spell, visible(text))
    start = _BLOCK.match(shown)
    if start is None:
        return shown
    return f"\\{shown}" if start[1] else f"{start[2]}\\{shown[len(start[2]) :]}"


_LATEX = {"↓": r"$\downarrow$", "↑": r"$\uparrow$", "…": r"\ldots{}", "–": "--", "±": r"$\pm$", "†": r"\dag{}"}
_LATEX |= {character: f"\\{character}" for character in "&%#_{}$"}
_LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"}


def latex(text: str) -> str:
    """Return a text for a table's cell or a comment of LaTeX: no command, no group, no column in it."""
    shown = "".join(_LATEX.get(character, character) for character in visible(text))
    return "{}" + shown if shown.startswith(("[", "*")) else shown  # behind the \\ of a row it would be an argument


# What a spreadsheet starts a formula with, the full-width forms of East Asian ones too; behind blanks and quotes, and
# behind a semicolon, which separates cells where the comma is the decimal sign.
_FORMULA = re.compile(r"(^|;)(?=[\s'\"`´‘’“”«»]*[=+\-@＝＋－＠])")
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def csv_cell(value: object) -> object:
    """Return what to write into a cell of CSV for a value: numbers as they are, texts so that none is a formula.

    A text that a spreadsheet would run gets an apostrophe in front, which spreadsheets take as "this is a text".
    """
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return shown if _NUMBER.fullmatch(shown) else _FORMULA.sub(r"\1'", shown)


def csv_text(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Return rows as a CSV text, one line each; what a row has not got is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([csv_cell(column) for column in columns])
    writer.writerows([csv_cell(row.get(column, "")) for column in columns] for row in rows)
    return buffer.getvalue()


def csv_frame(frame: pd.DataFrame) -> str:
    """Return a data frame as a CSV text, without its index."""
    safe = frame.set_axis([csv_cell(str(column)) for column in frame.columns], axis=1)
    for place, kind in enumerate(frame.dtypes):
        if kind.kind == "O":
            safe.isetitem(place, frame.iloc[:, place].map(csv_cell))
    return str(safe.to_csv(index=False, lineterminator="\n"))


_BEYOND_ASCII = re.compile("[\x7f-\U0010ffff]")


def json_text(content: object, *, ascii_only: bool = False) -> str:
    r"""Return plain data as a JSON text that is valid UTF-8 and ends in a line feed.

    A byte of a file name that is no UTF-8 is written as it is shown elsewhere, as the four characters ``\xa4``: JSON
    has no place for half a surrogate pair. Every other character comes back as it was; hidden ones are written as
    ``\u202e``.

    Args:
        content: data of dicts, lists, texts, finite numbers, booleans and None.
        ascii_only: whether to write every character beyond ASCII so.

    Raises:
        ValueError: a number that is not finite.
    """

    def spell(found: re.Match[str]) -> str:
        character = found.group()
        if "\ud800" <= character <= "\udfff":
            return f"\\{_escape(character)}"
        return json.dumps(character)[1:-1] if ascii_only or is_hidden(character) else character

    return _BEYOND_ASCII.sub(spell, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
