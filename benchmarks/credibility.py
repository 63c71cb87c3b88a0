"""Print the tables of docs/credibility.md from what ``ganbench audit --json`` wrote.

    ganbench audit faces.zip --resize 64 --json audit.json
    python benchmarks/credibility.py audit.json [other-seed.json]

With a second audit, of another seed, it says what moved.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ganbench.audit.corruptions import CORRUPTIONS

_WORDS = {True: "yes", False: "**no**", None: "–"}
_SHOWN = ("250", "1000", "5000")


def table(titles: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def found(audit: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of an audit by result id and check."""
    return {(row["id"], row["check"]): row for row in audit["rows"]}


def passes(audit: dict[str, Any]) -> str:
    """Return which metric passes which check."""
    rows, ids = found(audit), [one["id"] for one in audit["verdicts"]]
    judged = {place: row["passed"] for place, row in rows.items() if row["passed"] is not None}
    checks = [name for name in audit["checks"] if any((one, name) in judged for one in ids)]
    cells = [[f"`{one}`", *(_WORDS[judged.get((one, name))] for name in checks)] for one in ids]
    return table(["result", *checks], cells)


def told(audit: dict[str, Any]) -> str:
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


def figures(audit: dict[str, Any]) -> str:
    """Return the other figures, a line for each metric."""
    rows = found(audit)

    def figure(one: str, check: str, *path: str) -> str:
        value: Any = rows.get((one, check), {}).get("figures", {})
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)

    titles = ["result", "at n = 1,000", "spread", "bias, spreads", "interval holds", "kinds dropped, from"]
    titles += ["hair colours, from", "real outliers, d'", "fooled", "copies, d'", "matched, d'", "synthetic"]
    titles += ["ms per 1,000"]
    cells = []
    for one in (verdict["id"] for verdict in audit["verdicts"]):
        copied = rows.get((one, "copies"), {}).get("figures", {}).get("d", {})
        cells.append(
            [
                f"`{one}`",
                figure(one, "sizes", "mean", "1000"),
                figure(one, "sizes", "spread", "1000"),
                figure(one, "sizes", "bias"),
                figure(one, "sizes", "coverage"),
                figure(one, "modes", "dropped", "first"),
                figure(one, "drawn", "dropped", "first"),
                figure(one, "outliers", "real"),
                figure(one, "outliers", "fooled"),
                " / ".join(f"{d:.3g}" for d in copied.values()) or "–",
                figure(one, "matched", "d"),
                f"{figure(one, 'sanity', 'passed')} of {figure(one, 'sanity', 'asked')}",
                figure(one, "cost", "ms"),
            ]
        )
    return table(titles, cells)


def moved(audit: dict[str, Any], other: dict[str, Any]) -> str:
    """Return what another audit says otherwise, one line each."""
    theirs = found(other)
    lines = [
        f"- `{one}`, {check}: {row['text']}; with the other seed: {theirs[one, check]['text']}"
        for (one, check), row in found(audit).items()
        if (one, check) in theirs and row["passed"] != theirs[one, check]["passed"]
    ]
    judged = sum(row["passed"] is not None for row in audit["rows"])
    return "\n".join([f"{len(lines)} of {judged} judgements moved.", *lines])


def main() -> None:
    first, *rest = [json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:]]
    verdicts = "\n".join(f"- `{one['id']}`: {one['text']}" for one in first["verdicts"])
    print("\n\n".join([passes(first), told(first), figures(first), verdicts, *(moved(first, other) for other in rest)]))


if __name__ == "__main__":
    main()
