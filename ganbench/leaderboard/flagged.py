"""Flags that a board gives: by an assignment's rules, and by what several entries show together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ganbench.images.rules import HW6, TGZ, Rules
from ganbench.leaderboard.boards import Leaderboard, comparable
from ganbench.leaderboard.disagree import disagreeing, second_opinions
from ganbench.leaderboard.entries import Entry
from ganbench.scoring.flags import Flag
from ganbench.scoring.validity import invalid

_THREADS = 4  # submissions that are looked into at a time
_TO_DO = "Of honest images both say about the same: look at them, and rank by the other one too (--sort)."


def assumed(entries: Sequence[Entry]) -> Rules | None:
    """Return the assignment's rules where entries look like its submissions, else None.

    They do where most of what is no run and no scorecard is a .tgz, and one of these holds 1,000 images.
    """
    images = [entry for entry in entries if entry.is_submission]
    archives = [entry for entry in images if entry.path.name.lower().endswith(TGZ)]
    counted = [entry.card.source.get("count") == HW6.count for entry in archives if entry.card is not None]
    return HW6 if 2 * len(archives) > len(images) and any(counted) else None


def said(rules: Rules | None, *, chosen: bool) -> str:
    """Return by which rules entries were judged, in a sentence; empty without rules.

    Args:
        rules: of the assignment.
        chosen: whether the user did; else they were assumed.
    """
    if rules is None:
        return ""
    why = "" if chosen else " They were taken because most of the images are .tgz; --rules none ranks without them."
    return f"Rules: {rules}; of runs and of scorecards alone, number and size of the images.{why}"


def judged(entries: Sequence[Entry], rules: Rules | None) -> list[Entry]:
    """Flag as ``invalid`` what breaks a rule.

    Of a run, and of a scorecard without its images, only number and size of the images can be judged.

    Args:
        entries: what ``collect`` returned.
        rules: of the assignment; None: nothing is asked for.
    """

    def judge(entry: Entry) -> Entry:
        if rules is None or entry.card is None:
            return entry
        flag = invalid(entry.card, rules, entry.path if entry.is_submission else None)
        return entry if flag is None else replace(entry, added=(*entry.added, flag))

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(judge, entries))


def with_flags(entries: Sequence[Entry], flags: Mapping[str, Flag]) -> list[Entry]:
    """Return entries with further flags, given by their names."""
    return [
        replace(entry, added=(*entry.added, flags[entry.name])) if entry.card and entry.name in flags else entry
        for entry in entries
    ]


def contradicted(leaderboard: Leaderboard) -> dict[str, Flag]:
    """Return the flag ``disagreeing`` of every entry that stands better than another extractor says, by its name.

    One that another extractor finds better than its rank gains nothing by it, and is not flagged.
    """
    found: dict[str, Flag] = {}
    for board in leaderboard.boards:
        first = [comparable(board, entry, board.by) for entry in board.entries]
        results = dict.fromkeys(row.id for entry in board.entries if entry.card for row in entry.card.rows)
        for other in second_opinions(board.by, results):
            second = [comparable(board, entry, other) for entry in board.entries]
            for entry, said in zip(board.entries, disagreeing(first, second, board.better), strict=True):
                if said is not None and said.favoured == 0:
                    found.setdefault(entry.name, Flag("disagreeing", None, None, f"{said.text}. {_TO_DO}"))
    return found
