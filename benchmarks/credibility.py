"""Print the tables of docs/credibility.md from what ``ganbench audit --json`` wrote.

    ganbench audit faces.zip --resize 64 --json audit.json
    python benchmarks/credibility.py audit.json [--again other-seed.json] [--beside other-extractor.json]

With the same audit of another seed it says which judgements moved, and how far the figures did. An audit of another
extractor has tables of its own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from ganbench.audit.corruptions import CORRUPTIONS
from ganbench.audit.rules import TOLD

Audit = dict[str, Any]
Rows = dict[tuple[str, str], dict[str, Any]]  # by result id and check
Figures = dict[str, Any]  # of one of them
Named = Iterator[tuple[str, Any]]
_WORDS = {True: "yes", False: "**no**", None: "–"}
_SHOWN = ("250", "1000", "5000")
_AT = "1000"  # images, where one number of them is told
_MOST = 0.9  # of all changes
_NOTHING = 5e-5  # what rounds to 0.0000


def table(titles: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def found(audit: Audit) -> Rows:
    """Return the rows of an audit by result id and check."""
    return {(row["id"], row["check"]): row for row in audit["rows"]}


def ids(audit: Audit) -> list[str]:
    """Return the result ids of an audit, in the order of its tables."""
    return [one["id"] for one in audit["verdicts"]]


def passes(audit: Audit) -> str:
    """Return which metric passes which check."""
    rows = found(audit)
    judged = {place: row["passed"] for place, row in rows.items() if row["passed"] is not None}
    checks = [name for name in audit["checks"] if any((one, name) in judged for one in ids(audit))]
    cells = [[f"`{one}`", *(_WORDS[judged.get((one, name))] for name in checks)] for one in ids(audit)]
    return table(["result", *checks], cells)


def told(audit: Audit) -> str:
    """Return the smallest strength of every corruption that each metric tells apart, at three numbers of images."""
    cells = []
    for row in audit["rows"]:
        if row["check"] != "corruptions" or not row["figures"]:
            continue
        line = [f"`{row['id']}`"]
        for name in CORRUPTIONS:
            one = row["figures"]["corruptions"].get(name)
            smallest = [] if one is None else [one["smallest"].get(n) for n in _SHOWN]
            text = " / ".join("–" if s is None else f"{s:g}" for s in smallest)
            line.append(f"{text}{'' if one is None or one['monotone'] else ' (!)'}")
        cells.append(line)
    return table(["result", *(f"{name}, {one.what}" for name, one in CORRUPTIONS.items())], cells)


def figures(audit: Audit) -> str:
    """Return the other figures, a line for each metric."""
    rows = found(audit)
    titles = [title for title, _ in _COLUMNS]
    return table(["result", *titles], [[f"`{one}`", *(show(rows, one) for _, show in _COLUMNS)] for one in ids(audit)])


def _figure(rows: Rows, one: str, check: str, *path: str) -> Any:
    """Return a figure of a result and a check; None where there is none."""
    value: Any = rows.get((one, check), {}).get("figures", {})
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _shown(check: str, *path: str, how: str = ".3g") -> Callable[[Rows, str], str]:
    """Return what shows a figure; whole numbers as they are."""

    def show(rows: Rows, one: str) -> str:
        value = _figure(rows, one, check, *path)
        return "–" if value is None else format(value, how) if isinstance(value, float) else str(value)

    return show


def _fresh(rows: Rows, one: str) -> str:
    means = _figure(rows, one, "sizes", "mean") or {}
    shown = [means.get(n) for n in _SHOWN]
    return " / ".join("–" if v is None else "0.0000" if abs(v) < _NOTHING else f"{v:.3g}" for v in shown)


def _copied(rows: Rows, one: str) -> str:
    return " / ".join(f"{d:.3g}" for d in (_figure(rows, one, "copies", "d") or {}).values()) or "–"


def _synthetic(rows: Rows, one: str) -> str:
    asked = _figure(rows, one, "sanity", "asked")
    return f"{_figure(rows, one, 'sanity', 'passed')} of {asked}" if asked else "–"


_COLUMNS: tuple[tuple[str, Callable[[Rows, str], str]], ...] = (
    ("fresh real images, n = 250 / 1,000 / 5,000", _fresh),
    ("spread at 1,000", _shown("sizes", "spread", _AT, how=".2g")),
    ("bias, spreads", _shown("sizes", "bias")),
    ("95 % interval holds", _shown("sizes", "coverage", how=".0%")),
    ("clusters missing, from", _shown("modes", "dropped", "first")),
    ("hair colours missing, from", _shown("drawn", "dropped", "first")),
    ("matched moments, d'", _shown("matched", "d")),
    ("copies, d': as they are / mirrored / JPEG", _copied),
    ("1 % real outliers, d'", _shown("outliers", "real")),
    ("fooled by one", _shown("outliers", "fooled", how=".2g")),
    ("synthetic cells", _synthetic),
    ("ms per 1,000", _shown("cost", "ms", how=".0f")),
)


def moved(audit: Audit, other: Audit) -> str:
    """Return which judgements another audit has otherwise, one line each, and how far the figures moved."""
    theirs = found(other)
    mine = {place: row for place, row in found(audit).items() if place in theirs}
    lines = [
        f"- `{one}`, {check}: {row['text']}; with the other seed: {theirs[one, check]['text']}"
        for (one, check), row in mine.items()
        if row["passed"] != theirs[one, check]["passed"]
    ]
    judged = sum(row["passed"] is not None for row in mine.values())
    rows = []
    for title, how, of, change in _CHANGES:
        known: dict[str, float] = {}
        for one, check in mine:
            here, there = (dict(of(side[one, check]["figures"], check)) for side in (mine, theirs))
            known |= {f"`{one}` {what}".strip(): change(here[what], there[what]) for what in here if what in there}
        if known:
            most = max(known, key=lambda place: known[place])
            usual = sorted(known.values())
            shown = (median(usual), usual[int(_MOST * len(usual))], known[most])
            rows.append([title, f"{len(known):,}", *(format(change, how) for change in shown), most])
    view = table(["figure", "compared", "median change", "nine of ten within", "largest", "of"], rows)
    return "\n\n".join(["\n".join([f"{len(lines)} of {judged} judgements moved.", *lines]), view])


def _spreads(figures: Figures, check: str) -> Named:
    if check == "sizes" and (spread := figures.get("spread", {}).get(_AT)):
        yield "", spread


def _values(figures: Figures, check: str) -> Named:
    for _, spread in _spreads(figures, check):
        yield "", (figures["mean"][_AT], spread)


def _ds(figures: Figures, check: str) -> Named:
    """Yield every d' of a check, by what it is of."""
    for name, one in figures.get("corruptions", {}).items():
        yield from zip((f"{name} {s:g}" for s in CORRUPTIONS[name].strengths), one["d"].get(_AT, ()), strict=False)
    for series in _MODES:
        one = figures.get(series, {"along": [], "d": []})
        yield from ((f"{check} {series} {step}", d) for step, d in zip(one["along"][1:], one["d"][1:], strict=True))
    if check == "copies":
        yield from ((f"copies {kind}", d) for kind, d in figures.get("d", {}).items())
    if check == "matched" and "d" in figures:
        yield "matched moments", figures["d"]
    if check == "outliers" and "real" in figures:
        yield "real outliers", figures["real"]


def _firsts(figures: Figures, check: str) -> Named:
    """Yield the number of the first step that is told apart, by what it is of; one beyond the last where none is."""
    for name, one in figures.get("corruptions", {}).items():
        yield name, _place(one["smallest"].get(_AT), list(CORRUPTIONS[name].strengths))
    for series in _MODES:
        if series in figures:
            yield f"{check} {series}", _place(figures[series]["first"], figures[series]["along"][1:])


def _place(step: float | None, along: list[float]) -> int:
    return len(along) if step is None else along.index(step)


_MODES = ("dropped", "weighted")
_CHANGES: tuple[tuple[str, str, Callable[[Figures, str], Named], Callable[[Any, Any], float]], ...] = (
    (f"spread at {int(_AT):,}, of the larger one", ".0%", _spreads, lambda a, b: abs(b - a) / max(a, b)),
    (f"fresh real images at {int(_AT):,}, in spreads", ".2g", _values, lambda a, b: abs(b[0] - a[0]) / max(a[1], b[1])),
    (f"d', of the larger one or {TOLD:g}", ".0%", _ds, lambda a, b: abs(b - a) / max(abs(a), abs(b), TOLD)),
    ("first step that is told apart, in steps", "g", _firsts, lambda a, b: abs(b - a)),
)


def tables(audit: Audit) -> list[str]:
    """Return the tables of an audit in the order of the page."""
    return [passes(audit), figures(audit), told(audit)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("audit", type=Path, help="what ganbench audit --json wrote")
    parser.add_argument("--again", type=Path, metavar="F", help="the same with another seed: what moved is told")
    parser.add_argument("--beside", type=Path, metavar="F", help="that of another extractor: it has tables of its own")
    asked = parser.parse_args()
    first = _read(asked.audit)
    parts = tables(first)
    if asked.again is not None:
        parts.append(moved(first, _read(asked.again)))
    if asked.beside is not None:
        parts += tables(_read(asked.beside))
    print("\n\n".join(parts))


def _read(path: Path) -> Audit:
    found: Audit = json.loads(path.read_text("utf-8"))
    return found


if __name__ == "__main__":
    main()
