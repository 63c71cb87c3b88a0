"""Who leads a board, in a sentence."""

from __future__ import annotations

from ganbench.leaderboard.better import is_better
from ganbench.leaderboard.boards import Board, comparable
from ganbench.scoring.numbers import column_decimals, format_fixed

_NAMED = 3  # entries that are named


def standing_of(board: Board) -> str:
    """Return who is first and from whom the first can be told; empty where nobody is ranked, or one alone."""
    pairs = [(entry, comparable(board, entry, board.by)) for entry in board.entries if board.is_ranked(entry)]
    ranked = [(entry, row) for entry, row in pairs if row is not None]
    if len(ranked) < 2 or board.better == "none":
        return ""
    first, best = ranked[0]
    decimals = column_decimals(board.by, [end for _, row in ranked for end in (row.value, row.low, row.high)])
    value, low, high = (format_fixed(end, decimals) for end in (best.value, best.low, best.high))
    said = f"{first.name} is first with {board.by} {value}" + (f" ({low} … {high})" if best.low is not None else "")
    near = [entry.name for entry, row in ranked[1:] if not is_better(best, row, board.better)]
    others = len(ranked) - 1
    if not near:
        return f"{said}, significantly better than {'the other' if others == 1 else f'each of the {others} others'}."
    named = ", ".join(near[:_NAMED]) + (f" and {len(near) - _NAMED} more" if len(near) > _NAMED else "")
    return f"{said}. It is not told apart from {named}."
