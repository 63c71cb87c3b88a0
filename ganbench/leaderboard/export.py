"""A leaderboard as Markdown, LaTeX, JSON and CSV."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ganbench.leaderboard.boards import Board, Leaderboard, tier
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.published import PUBLISHED, PUBLISHED_PROTOCOL
from ganbench.leaderboard.seeds import copies_of, over_seeds
from ganbench.leaderboard.table import FLAGS, SEEDS_NOTE, TIER, cautions, flag_lines, header, lines, notes, seed_lines
from ganbench.system.frames import column_of, frame_of
from ganbench.system.text import csv_frame, json_text, latex, markdown

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


def to_frame(leaderboard: Leaderboard) -> pd.DataFrame:
    """Return a wide table of all results, the best first.

    Columns: ``name``, then per result id ``<id>``, ``<id>.low`` and ``<id>.high``, then ``variant``, ``seed``,
    ``images_per_second`` and ``minutes`` where there are runs, ``flags`` (their kinds, with blanks between them) and
    ``error``. Rows of different boards do not compare.
    """
    import pandas as pd

    ranked = [entry for board in leaderboard.boards for entry in board.entries]
    entries = [*ranked, *(e for e in leaderboard.entries if e not in ranked)]
    rows, timed = [], []
    for entry in entries:
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
    frame = frame_of(rows)
    if any(entry.is_run for entry in entries):
        frame = pd.concat([frame, frame_of(timed).astype({"seed": "Int64"})], axis=1)
    flags = column_of([" ".join(flag.kind for flag in e.flags) for e in entries])
    return frame.assign(flags=flags, error=column_of([e.error for e in entries]))


def to_csv(leaderboard: Leaderboard) -> str:
    """Return ``to_frame`` as CSV. It has no published rows: whoever sorts the file would rank them with ours."""
    return csv_frame(to_frame(leaderboard))


def published_lines() -> list[list[str]]:
    """Return the published rows: name, FID, AFD."""
    return [[name, f"{fid:.1f}", f"{afd:g}"] for name, fid, afd in PUBLISHED]


def to_markdown(leaderboard: Leaderboard, *, published: bool = False) -> str:
    """Return all boards, the means over seeds, what was not ranked, and on request the published rows."""
    shown = leaderboard.shown
    parts = []
    for board in leaderboard.boards:
        parts += [_markdown(header(board, shown), [[str(cell) for cell in line] for line in lines(board, shown)])]
        parts += [markdown(note) + "\n" for note in notes(board, shown)]
        if seeds := seed_lines(board, shown):
            parts += [_markdown(["variant", "seeds", *shown], seeds), SEEDS_NOTE + "\n"]
    if flagged := flag_lines(leaderboard):
        parts += ["Flagged:\n", _markdown(["name", "flag", "reason"], flagged)]
    if leaderboard.rules:
        parts += [markdown(leaderboard.rules) + "\n"]
    if missing := leaderboard.unranked:
        parts += ["Not ranked:\n", _markdown(["name", "reason"], [list(pair) for pair in missing])]
    if published:
        parts += [_markdown(["published elsewhere", "FID", "AFD"], published_lines()), f"{PUBLISHED_PROTOCOL}.\n"]
    return "\n".join(parts)


def _markdown(titles: list[str], table: list[list[str]]) -> str:
    rows = [
        [markdown(title) for title in titles],
        ["---"] * len(titles),
        *([markdown(c) for c in row] for row in table),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def to_latex(leaderboard: Leaderboard, *, published: bool = False) -> str:
    """Return booktabs tables: one per board, one of means over seeds, on request one of the published rows."""
    shown = leaderboard.shown
    parts = []
    for board in leaderboard.boards:
        parts += [f"% {latex(note)}" for note in notes(board, shown)]
        titles = header(board, shown)
        body = [[str(cell) for cell in line] for line in lines(board, shown)]
        alignment = "".join("l" if title in ("name", FLAGS, TIER) else "r" for title in titles)
        parts.append(_tabular(alignment, titles, body))
        if seeds := seed_lines(board, shown):
            parts += [f"% {SEEDS_NOTE}", _tabular("lr" + "r" * len(shown), ["variant", "seeds", *shown], seeds)]
    parts += [f"% flagged: {': '.join(map(latex, line))}" for line in flag_lines(leaderboard)]
    parts += [f"% {latex(leaderboard.rules)}"] if leaderboard.rules else []
    parts += [f"% not ranked: {latex(name)}: {latex(reason)}" for name, reason in leaderboard.unranked]
    if published:
        parts += [f"% {PUBLISHED_PROTOCOL}", _tabular("lrr", ["published elsewhere", "FID", "AFD"], published_lines())]
    return "\n".join(parts) + "\n"


def _tabular(alignment: str, titles: list[str], table: list[list[str]]) -> str:
    body = " \\\\\n".join(" & ".join(latex(cell) for cell in row) for row in table)
    head = " & ".join(latex(title) for title in titles)
    return (
        f"\\begin{{tabular}}{{{alignment}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body} \\\\\n\\bottomrule\n"
        "\\end{tabular}\n"
    )


def to_json(leaderboard: Leaderboard, *, published: bool = False) -> str:
    """Return ``to_dict`` as a JSON text."""
    return json_text(to_dict(leaderboard, published=published))


def to_dict(leaderboard: Leaderboard, *, published: bool = False) -> dict[str, object]:
    """Return boards with ranks and whole scorecards, what was not ranked, and on request the published rows."""
    content: dict[str, object] = {
        "schema": SCHEMA,
        "columns": leaderboard.shown,
        "cautions": cautions(leaderboard.shown),
        "rules": leaderboard.rules or None,
        "boards": [_board(board, leaderboard.shown) for board in leaderboard.boards],
        "not_ranked": [{"name": name, "reason": reason} for name, reason in leaderboard.unranked],
    }
    if published:
        rows = [{"name": name, "fid": fid, "afd": afd} for name, fid, afd in PUBLISHED]
        content["published"] = {"protocol": PUBLISHED_PROTOCOL, "rows": rows}
    return content


def _board(board: Board, shown: list[str]) -> dict[str, object]:
    return {
        "sorted_by": board.by,
        "protocol": board.protocol,
        "n": board.n,
        "entries": [_entry(entry, rank) for rank, entry in zip(board.ranks, board.entries, strict=True)],
        "over_seeds": [
            {"variant": group, "seeds": count, "results": {name: asdict(s) for name, s in spreads.items()}}
            for group, count, spreads in over_seeds(board, shown)
        ],
        "copies": [asdict(copies) for copies in copies_of(board)],
    }


def _entry(entry: Entry, rank: int | None) -> dict[str, object]:
    return {
        "rank": rank,
        "name": entry.name,
        "path": str(entry.path),
        "tier": tier(entry),
        "flags": [flag.to_dict() for flag in entry.flags],
        "variant": entry.group if entry.is_run else None,
        "seed": entry.seed,
        "images_per_second": None if entry.speed is None else entry.speed.images_per_second,
        "minutes": None if entry.speed is None else entry.speed.minutes,
        "scorecard": None if entry.card is None else entry.card.to_dict(),
    }
