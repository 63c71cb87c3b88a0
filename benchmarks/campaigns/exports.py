"""What must not be in an export: what a browser runs, a spreadsheet computes, LaTeX executes or a terminal obeys."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import re

# C0 but tab and line ends, DEL, C1, and what turns the direction of text around or hides in it.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_COMMAND = re.compile(
    r"\\(input|include|immediate|write|openout|catcode|def|csname|read|special|usepackage|url|href)\b"
)
_LINK = re.compile(r"\]\(\s*(?!https?:|#|[\w./-]*\))", re.IGNORECASE)


class _Page(html.parser.HTMLParser):
    """Counts what runs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag in ("iframe", "object", "embed", "base"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            address = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or address.startswith(("javascript:", "data:text", "vbscript:")):
                self.found.append(f"<{tag} {name}>")
            ours = ("https:", "#", "data:,") if tag in ("a", "link") else ("data:image/", "#")
            if name in ("src", "href") and address and not address.startswith(ours):
                self.found.append(f"<{tag} {name}={address[:40]}>")


def scripts(page: str) -> int:
    """Return how many scripts a page has."""
    parser = _Page()
    parser.feed(page)
    return parser.scripts


def faults_of(kind: str, text: str, *, scripts_of_ours: int | None = None) -> list[str]:
    """Return what is wrong with an export.

    Args:
        kind: ``csv``, ``markdown``, ``latex``, ``json``, ``html`` or ``terminal``.
        text: the export.
        scripts_of_ours: scripts that the page has anyway; None: not looked at.
    """
    if kind == "json":
        return _json(text)
    # Colours of our own are the terminal's business: none are written to what is no terminal.
    found = [f"control characters {sorted(set(hits))[:4]!r}"] if (hits := CONTROL.findall(text)) else []
    check = {"csv": _csv, "markdown": _markdown, "latex": _latex}.get(kind)
    if check is not None:
        found += check(text)
    if kind == "html":
        page = _Page()
        page.feed(text)
        found += [f"what runs or loads: {page.found[:3]}"] if page.found else []
        if scripts_of_ours is not None and page.scripts != scripts_of_ours:
            found.append(f"{page.scripts} scripts instead of {scripts_of_ours}")
    return found


def _json(text: str) -> list[str]:
    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError as e:
        return [f"not JSON: {e}"]
    return [f"raw control characters {hits[:4]!r}"] if (hits := re.findall("[\x00-\x09\x0b-\x1f]", text)) else []


def _csv(text: str) -> list[str]:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    risky = [cell for row in rows for cell in row if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)]
    found = [f"cells that a spreadsheet computes: {risky[:4]}"] if risky else []
    widths = {len(row) for row in rows if row}
    return found + ([f"lines of {sorted(widths)} cells"] if len(widths) > 1 else [])


def _markdown(text: str) -> list[str]:
    bare = re.sub(r"`[^`\n]*`", "", text)
    found = []
    if tags := re.findall(r"(?<!\\)<[a-zA-Z/!][^\n|]{0,20}", bare):
        found.append(f"raw HTML: {tags[:3]}")
    if any(_LINK.search(line) and "\\]" not in line and "\\[" not in line for line in bare.splitlines()):
        found.append("a link that somebody else wrote")
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        if len(bars) > 1:
            found.append(f"a table with {sorted(bars)} bars in a line")
    return found


def _latex(text: str) -> list[str]:
    live = "\n".join(re.sub(r"(?<!\\)%.*", "", line) for line in text.splitlines())
    return [f"commands: {hits[:3]}"] if (hits := _COMMAND.findall(live)) else []
