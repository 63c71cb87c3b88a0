"""The verdict on a metric: what all checks say of it, in words, by stated rules.

A metric carries as many checks as it passes of those that judge it. What it says first is what a reader needs first:
what it tells apart at his number of images, then how it is fooled, then how it is to be read.
"""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.audit.check import Finding
from ganbench.metrics.base import Metric

_FIRST = "corruptions"
_THEN = ("copies", "matched", "outliers", "modes", "drawn", "sizes", "order", "sanity")


def verdict_of(metric: Metric, findings: Mapping[str, Finding], n: int) -> str:
    """Return the verdict on a metric for a reader who scores ``n`` images.

    Args:
        metric: the metric.
        findings: by the name of the check.
        n: images.
    """
    judged = {name: one for name, one in findings.items() if one.passed is not None}
    if not judged:
        reason = next((one.text for one in findings.values()), "nothing was tried")
        return f"no verdict: {reason}"
    parts = []
    if _FIRST in judged:
        parts.append(f"At n = {n:,} it {judged[_FIRST].text}")
    said = [judged[name].text for name in _THEN if name in judged]
    parts += [text[0].upper() + text[1:] for text in said]
    passed = sum(bool(one.passed) for one in judged.values())
    return f"{'. '.join(parts)}. Passes {passed} of {len(judged)} checks."
