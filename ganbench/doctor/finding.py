"""What the doctor says: findings, the strongest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

GENERATOR, DISCRIMINATOR, BOTH = "generator", "discriminator", "both networks"
_MOST = 1000.0  # a size beyond says no more


@dataclass(frozen=True)
class Finding:
    """One sign of trouble.

    Attributes:
        kind: by which rule; ``docs/doctor.md`` lists them.
        where: a network, a layer of one, or what else shows it.
        when: the step at which it can be told.
        since: the step at which its evidence begins.
        size: how far beyond the rule's bound it is: 1 at the bound, twice as far 2. Bounds lie outside of all healthy
            runs, so sizes of different kinds compare.
        text: what was seen, with numbers, in a sentence.
        remedy: what usually helps, in a sentence.
        grave: whether the run cannot come to any good if nothing is done; ``--on-trouble`` acts on these alone.
        evidence: the numbers of the text.
    """

    kind: str
    where: str
    when: int
    since: int
    size: float
    text: str
    remedy: str
    grave: bool = True
    evidence: dict[str, float] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The text as a whole sentence; the name of a layer at its beginning stays as it is."""
        first = self.text.partition(" ")[0]
        return f"{self.text[:1].upper() if first.isalpha() else self.text[:1]}{self.text[1:]}."

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def beyond(value: float, bound: float) -> float:
    """Return how many times a value is its bound, at most 1,000; a bound from above is given the other way round."""
    return _MOST if bound <= 0 or value >= bound * _MOST else value / bound


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, those first from which a run does not recover, then by size."""
    return sorted(findings, key=lambda f: (not f.grave, -f.size, f.when, f.kind, f.where))
