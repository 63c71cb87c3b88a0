"""A leaderboard as text: Markdown, LaTeX, JSON, and the cells of the terminal's table."""

from __future__ import annotations

import json

from ganbench.leaderboard import (
    PUBLISHED,
    PUBLISHED_PROTOCOL,
    TIERS,
    Board,
    Entry,
    boards,
    by_group,
    is_tie,
    result,
    tier,
)
from ganbench.scorecard import ARROWS, format_number

SHOWN = ("fd[lite0]", "kd[lite0]", "precision[lite0]", "recall[lite0]", "coverage[lite0]")
TIE = "≈"  # not significantly different from the one above


def columns(entries: list[Entry], by: str) -> list[str]:
    """Return the result ids that a table shows: the one ranked by, the usual ones, and AFD."""
    present = list(dict.fromkeys(row.id for e in entries if e.card for row in e.card.rows))
    usual = [name for name in present if name in SHOWN or name.startswith(("fid[", "afd["))]
    return list(dict.fromkeys([by, *usual]))


def cells(board: Board, by: str, shown: list[str]) -> list[list[str]]:
    """Return the table of a board: rank, name, the shown results with intervals for the one ranked by, tier."""
    lines = []
    for rank, entry in enumerate(board.entries, 1):
        tied = rank > 1 and is_tie(result(board.entries[rank - 2], by), result(entry, by))
        line = [f"{rank}{TIE if tied else ''}", entry.name]
        for name in shown:
            row = result(entry, name)
            text = "–" if row is None else format_number(row.value)
            if row is not None and name == by and row.low is not None:
                text += f" ({format_number(row.low)} … {format_number(row.high)})"
            line.append(text)
        lines.append([*line, tier(entry)])
    return lines


def header(board: Board, shown: list[str]) -> list[str]:
    """Return the titles of ``cells``' columns."""
    first = board.entries[0].card
    arrows = {row.id: ARROWS[row.better] for row in first.rows}
    return ["", "name", *(f"{name} {arrows.get(name, '')}".strip() for name in shown), "AFD tier"]


def notes(board: Board, by: str) -> list[str]:
    """Return what a reader must know."""
    return [
        f"Ranked by {by}, n = {board.n}; {board.protocol}.",
        f"{TIE}: not significantly different from the one above (1.96 standard errors).",
        "AFD tier: the assignment's AFD gates "
        + ", ".join(f"{name} {gate:g}" for name, gate, _ in TIERS)
        + ", under our detector. The judge also asked for an FID of "
        + ", ".join(f"{fid} ({name})" for name, _, fid in TIERS)
        + " on a scale of its own, which cannot be reproduced and compares with nothing here.",
    ]


def to_markdown(entries: list[Entry], by: str, *, published: bool = False) -> str:
    """Return all boards, the means over seeds, what failed, and on request the published rows."""
    shown = columns(entries, by)
    parts = []
    for board in boards(entries, by):
        parts += [_table(header(board, shown), cells(board, by, shown)), *notes(board, by), ""]
    seeds = seed_cells(entries, shown)
    if seeds:
        parts += ["Mean and standard deviation over seeds:", "", _table(["variant", "seeds", *shown], seeds), ""]
    failed = [[e.name, e.error] for e in entries if e.card is None]
    if failed:
        parts += ["Not scored:", "", _table(["name", "reason"], failed), ""]
    if published:
        rows = [[name, format_number(fid), format_number(afd)] for name, fid, afd in PUBLISHED]
        parts += [_table(["published", "FID", "AFD"], rows), f"{PUBLISHED_PROTOCOL}.", ""]
    return "\n".join(parts).rstrip() + "\n"


def seed_cells(entries: list[Entry], shown: list[str]) -> list[list[str]]:
    """Return mean and standard deviation of the shown results for every group of more than one seed."""
    table = by_group(entries)
    lines = []
    for _, group in table.groupby("group", sort=False):
        values = group.set_index("id")
        if values["count"].max() < 2:
            continue
        texts = [
            f"{format_number(values.loc[name, 'mean'])} ± {format_number(values.loc[name, 'std'])}"
            if name in values.index
            else "–"
            for name in shown
        ]
        lines.append([group["variant"].iloc[0], str(int(values["count"].max())), *texts])
    return lines


def _table(titles: list[str], lines: list[list[str]]) -> str:
    rows = [titles, ["---"] * len(titles), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def to_latex(entries: list[Entry], by: str) -> str:
    """Return a booktabs table per board."""
    shown = columns(entries, by)
    parts = []
    for board in boards(entries, by):
        titles, lines = header(board, shown), cells(board, by, shown)
        body = " \\\\\n".join(" & ".join(_latex(cell) for cell in line) for line in lines)
        parts.append(
            f"% {'; '.join(notes(board, by)[:1])}\n\\begin{{tabular}}{{ll{'r' * len(shown)}l}}\n\\toprule\n"
            f"{' & '.join(_latex(t) for t in titles)} \\\\\n\\midrule\n{body} \\\\\n\\bottomrule\n\\end{{tabular}}\n"
        )
    return "\n".join(parts)


_LATEX = {"↓": r"$\downarrow$", "↑": r"$\uparrow$", "≈": r"$\approx$", "…": r"\ldots{}", "–": "--", "±": r"$\pm$"}
_LATEX |= {character: f"\\{character}" for character in "&%#_{}$"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def to_json(entries: list[Entry], by: str) -> str:
    """Return boards, scorecards and failures as JSON."""
    ranked = [
        {
            "sorted_by": by,
            "protocol": board.protocol,
            "n": board.n,
            "entries": [
                {"rank": rank, "name": e.name, "path": str(e.path), "tier": tier(e), "scorecard": e.card.to_dict()}
                for rank, e in enumerate(board.entries, 1)
            ],
        }
        for board in boards(entries, by)
    ]
    failed = [{"name": e.name, "path": str(e.path), "error": e.error} for e in entries if e.card is None]
    return json.dumps({"schema": 1, "boards": ranked, "failed": failed}, indent=2, ensure_ascii=False) + "\n"
