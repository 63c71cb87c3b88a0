"""Kinds of toy faces by name: which attributes the members of a missing or over-represented kind have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ganbench.diagnostics.toy_modes import ATTRIBUTES, read_attributes
from ganbench.explanation.finding import Finding
from ganbench.explanation.result import Explanation
from ganbench.images.source import Source

SHARED = 0.6  # least share of a kind's members that have a value
OFTEN = 1.5  # times as many of them as of all toy faces


def with_attributes(found: Explanation, real: Source) -> Explanation:
    """Return an explanation whose kinds are named by attributes; as it was where the real images are no toy faces.

    Args:
        found: the explanation.
        real: the real images that the reference was made from.
    """
    rows = read_attributes(real)
    if rows is None:
        return found
    by_name = dict(zip(real.names, rows, strict=True))
    return replace(found, findings=[_named(one, by_name, rows) for one in found.findings])


def _named(finding: Finding, by_name: dict[str, dict[str, str]], rows: Sequence[dict[str, str]]) -> Finding:
    members = [by_name[name] for name in finding.real_images if name in by_name]
    if not members:
        return finding
    said = []
    for attribute in ATTRIBUTES:
        value, count = Counter(row[attribute] for row in members).most_common(1)[0]
        usual = sum(row[attribute] == value for row in rows) / len(rows)
        if count / len(members) >= max(SHARED, OFTEN * usual):
            said.append(f"{attribute.replace('_', ' ')} {value} ({count} of its {len(members)} most central members)")
    return replace(finding, text=f"{finding.text} Its kind: {', '.join(said)}.") if said else finding
