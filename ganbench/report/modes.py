"""Which attributes of toy faces the samples of entries reach, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.diagnostics.toy_modes import Reached
from ganbench.leaderboard.entries import Entry
from ganbench.report.looks import Look


def modes_of(looks: Mapping[Entry, Look]) -> dict[str, list[object]] | None:
    """Return titles, lines, what is missing and what could not be read; None without toy faces."""
    pictured = [(entry.name, look.modes) for entry, look in looks.items() if look.modes]
    if not pictured:
        return None

    def title(reached: Reached) -> str:
        return f"{reached.attribute.replace('_', ' ')} ({reached.accuracy:.0%})"

    first = pictured[0][1]  # which attributes can be read, and how well, is the same for all
    return {
        "titles": ["toy faces", *(title(r) for r in first if r.readable)],
        "unread": [title(r) for r in first if not r.readable],
        "lines": [
            [
                name,
                f"{modes[0].faces:.1%}",
                *(f"{len(r.values) - len(r.missing)} of {len(r.values)}" for r in modes if r.readable),
            ]
            for name, modes in pictured
        ],
        "missing": [
            (name, r.attribute.replace("_", " "), r.missing)
            for name, modes in pictured
            for r in modes
            if r.readable and r.missing
        ],
    }
