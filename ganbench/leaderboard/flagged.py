"""Flags that a board gives: by an assignment's rules, and by what several entries show together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ganbench.images.rules import HW6, TGZ, Rules
from ganbench.leaderboard.entries import Entry
from ganbench.scoring.chance import at_least
from ganbench.scoring.flags import CHANCE, EXCESS, Flag
from ganbench.scoring.validity import invalid

_THREADS = 4  # submissions that are looked into at a time
_MET = 0.001  # share of images that two honest sets may share at most: pictures that only look alike


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


def sharing(entries: Sequence[Entry], pairs: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Flag as ``shared`` what has many images in common with another entry; who had them first cannot be told.

    Args:
        entries: what ``collect`` returned.
        pairs: of entries that share anything, as ``ganbench overlap --json`` writes them: ``a`` and ``b`` are names of
            entries, ``shared`` is how many images of the smaller set the other one has too.
    """
    counts: dict[str, dict[str, int]] = {}
    for pair in pairs:
        for one, other in ((pair["a"], pair["b"]), (pair["b"], pair["a"])):
            counts.setdefault(one, {})[other] = pair["shared"]
    return [_sharing(entry, counts.get(entry.name, {})) for entry in entries]


def _sharing(entry: Entry, counts: Mapping[str, int]) -> Entry:
    if entry.card is None or not counts:
        return entry
    n = int(entry.card.source["count"])
    found = {
        other: count
        for other, count in counts.items()
        if count > (_MET + EXCESS) * n and at_least(count, n, _MET) < CHANCE
    }
    if not found:
        return entry
    most = max(found.values())
    with_whom = ", ".join(f"{count:,} with {name}" for name, count in sorted(found.items(), key=lambda one: -one[1]))
    text = (
        f"shares pictures, as they are or changed, with {len(found)} other entries: of {n:,} images {with_whom}; two "
        f"honest sets share {_MET:.1%} at most. Who had them first cannot be told from images: look at the pairs "
        "(ganbench overlap), and ask both."
    )
    flag = Flag("shared", min(1.0, most / n), at_least(most, n, _MET), text)
    return replace(entry, added=(*entry.added, flag))
