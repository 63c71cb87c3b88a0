"""What it is that two results do not share, so that they are not compared."""

from __future__ import annotations

from ganbench.leaderboard.conditions import Conditions


def why_not(a: Conditions, b: Conditions) -> str:
    """Say why two values do not compare; "" where they do."""
    if a == b:
        return ""
    if a.n != b.n:
        least = min(a.n, b.n)
        return f"is of {a.n:,} and of {b.n:,} images, and its value depends on that. Score as many: --limit {least}"
    if a.reference != b.reference:
        first, second = (one.reference[:8] or "unknown" for one in (a, b))
        return f"is against references of different images ({first}, {second})"
    mine, other = (one.protocol.split("; ") for one in (a, b))
    only = [[part for part in one if part not in two] for one, two in ((mine, other), (other, mine))]
    if any(only):
        return f"is of different protocols: {'; '.join(only[0]) or 'nothing'} against {'; '.join(only[1]) or 'nothing'}"
    return "is of different protocols or directions"
