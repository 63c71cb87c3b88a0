"""A leaderboard as Markdown, LaTeX, JSON and CSV."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from ganbench.leaderboard.boards import boards, over_seeds, tier, unranked
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.published import PUBLISHED, PUBLISHED_PROTOCOL
from ganbench.leaderboard.table import SEEDS_NOTE, columns, header, lines, notes, seed_lines

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


def to_frame(entries: list[Entry], by: str) -> pd.DataFrame:
    """Return a wide table, the best first.

    Columns: ``name``, then per result id ``<id>``, ``<id>.low`` and ``<id>.high``, then ``variant``, ``seed``,
    ``images_per_second`` and ``minutes`` where there are runs, and ``error``. Rows of different boards do not compare.
    """
    import pandas as pd

    ranked = [entry for board in boards(entries, by) for entry in board.entries]
    rows, timed = [], []
    for entry in [*ranked, *(e for e in entries if e not in ranked)]:
        line: dict[str, object] = {"name": entry.name}
        for row in entry.card.rows if entry.card else []:
            line |= {row.id: row.value, f"{row.id}.low": row.low, f"{row.id}.high": row.high}
        rows.append(line)
        speed = entry.speed
        timed.append(
            {
                "variant": entry.group if entry.is_run else None,
                "seed": entry.seed,
                "images_per_second": None if speed is None else speed.images_per_second,
                "minutes": None if speed is None else speed.minutes,
            }
        )
    frame = pd.DataFrame(rows)
    if any(entry.is_run for entry in entries):
        frame = pd.concat([frame, pd.DataFrame(timed).astype({"seed": "Int64"})], axis=1)
    return frame.assign(error=[e.error for e in [*ranked, *(e for e in entries if e not in ranked)]])


def to_csv(entries: list[Entry], by: str) -> str:
    """Return ``to_frame`` as CSV. It has no published rows: whoever sorts the file would rank them with ours."""
    return to_frame(entries, by).to_csv(index=False, lineterminator="\n")


def published_lines() -> list[list[str]]:
    """Return the published rows: name, FID, AFD."""
    return [[name, f"{fid:.1f}", f"{afd:g}"] for name, fid, afd in PUBLISHED]


def to_markdown(entries: list[Entry], by: str, *, published: bool = False) -> str:
    """Return all boards, the means over seeds, what was not ranked, and on request the published rows."""
    shown = columns(entries, by)
    parts = []
    for board in boards(entries, by):
        parts += [_markdown(header(board, shown), [[str(cell) for cell in line] for line in lines(board, shown)])]
        parts += [note + "\n" for note in notes(board, shown)]
        if seeds := seed_lines(board, shown):
            parts += [_markdown(["variant", "seeds", *shown], seeds), SEEDS_NOTE + "\n"]
    if missing := unranked(entries, by):
        parts += ["Not ranked:\n", _markdown(["name", "reason"], [list(pair) for pair in missing])]
    if published:
        parts += [_markdown(["published elsewhere", "FID", "AFD"], published_lines()), f"{PUBLISHED_PROTOCOL}.\n"]
    return "\n".join(parts)


def _markdown(titles: list[str], table: list[list[str]]) -> str:
    rows = [titles, ["---"] * len(titles), *table]
    return "\n".join("| " + " | ".join(_flat(cell).replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def _flat(text: str) -> str:
    return " ".join(text.split())


def to_latex(entries: list[Entry], by: str, *, published: bool = False) -> str:
    """Return booktabs tables: one per board, one of means over seeds, on request one of the published rows."""
    shown = columns(entries, by)
    parts = []
    for board in boards(entries, by):
        parts += [f"% {_flat(note)}" for note in notes(board, shown)]
        titles = header(board, shown)
        body = [[str(cell) for cell in line] for line in lines(board, shown)]
        alignment = "".join("l" if title in ("name", "AFD tier") else "r" for title in titles)
        parts.append(_tabular(alignment, titles, body))
        if seeds := seed_lines(board, shown):
            parts += [f"% {SEEDS_NOTE}", _tabular("lr" + "r" * len(shown), ["variant", "seeds", *shown], seeds)]
    parts += [f"% not ranked: {_flat(name)}: {_flat(reason)}" for name, reason in unranked(entries, by)]
    if published:
        parts += [f"% {PUBLISHED_PROTOCOL}", _tabular("lrr", ["published elsewhere", "FID", "AFD"], published_lines())]
    return "\n".join(parts) + "\n"


def _tabular(alignment: str, titles: list[str], table: list[list[str]]) -> str:
    body = " \\\\\n".join(" & ".join(_latex(cell) for cell in row) for row in table)
    head = " & ".join(_latex(title) for title in titles)
    return (
        f"\\begin{{tabular}}{{{alignment}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body} \\\\\n\\bottomrule\n"
        "\\end{tabular}\n"
    )


_LATEX = {"↓": r"$\downarrow$", "↑": r"$\uparrow$", "…": r"\ldots{}", "–": "--", "±": r"$\pm$", "†": r"\dag{}"}
_LATEX |= {character: f"\\{character}" for character in "&%#_{}$"}
_LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in _flat(text))


def to_json(entries: list[Entry], by: str, *, published: bool = False) -> str:
    """Return boards with ranks and scorecards, what was not ranked, and on request the published rows."""
    shown = columns(entries, by)
    content: dict[str, object] = {
        "schema": SCHEMA,
        "boards": [
            {
                "sorted_by": by,
                "protocol": board.protocol,
                "n": board.n,
                "entries": [
                    {
                        "rank": rank,
                        "name": e.name,
                        "path": str(e.path),
                        "tier": tier(e),
                        "variant": e.group if e.is_run else None,
                        "seed": e.seed,
                        "images_per_second": None if e.speed is None else e.speed.images_per_second,
                        "minutes": None if e.speed is None else e.speed.minutes,
                        "scorecard": e.card.to_dict(),
                    }
                    for rank, e in zip(board.ranks, board.entries, strict=True)
                ],
                "over_seeds": [
                    {"variant": group, "seeds": count, "results": {name: asdict(s) for name, s in spreads.items()}}
                    for group, count, spreads in over_seeds(board, shown)
                ],
            }
            for board in boards(entries, by)
        ],
        "not_ranked": [{"name": name, "reason": reason} for name, reason in unranked(entries, by)],
    }
    if published:
        rows = [{"name": name, "fid": fid, "afd": afd} for name, fid, afd in PUBLISHED]
        content["published"] = {"protocol": PUBLISHED_PROTOCOL, "rows": rows}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
