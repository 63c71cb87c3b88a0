"""The assignment's tiers: which of them a scorecard reaches, and which numbers that was read off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# (name, least AFD, the judge's FID as published; its scale cannot be reproduced).
TIERS = (
    ("simple", 0.0, "<= 30000"),
    ("medium", 0.4, "<= 12000"),
    ("strong", 0.5, "<= 10000"),
    ("boss", 0.6, "<= 9000"),
)
GATED = "afd"  # the metric that the gates are of
GATES = ", ".join(f"{name} {gate:g}" for name, gate, _ in TIERS)
FID_NOTE = (
    "The judge also asked for an FID of "
    + ", ".join(f"{fid} ({name})" for name, _, fid in TIERS)
    + " on a scale of its own, which cannot be reproduced and compares with nothing here."
)


@dataclass(frozen=True)
class Tier:
    """A tier of the assignment, by its gate on AFD alone.

    Attributes:
        name: the highest one whose gate is reached; empty without an AFD, and where it is withheld.
        by: id of the AFD that the gates looked at, such as ``afd[yolo-nano]``; empty without one.
        value: that AFD, 0..1; None without one.
        reason: why there is no tier, or "".
    """

    name: str
    by: str = ""
    value: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        if not self.name:
            return f"no tier: {self.reason}"
        return f"tier {self.name}: the gates ({GATES}) looked at {self.by} = {self.value:.6g} alone, at no FID"

    def to_dict(self) -> dict[str, object]:
        """Return it as plain data, with the gates."""
        gates = {name: gate for name, gate, _ in TIERS}
        name = self.name or None
        return {"name": name, "by": self.by or None, "value": self.value, "gates": gates, "reason": self.reason}

    def withheld(self, kinds: Sequence[str]) -> Tier:
        """Return it without its name: the AFD of images that are flagged says nothing of a generator."""
        if not self.name or not kinds:
            return self
        why = f"withheld, since the images are flagged as {' and '.join(kinds)}; their {self.by} is {self.value:.6g}"
        return Tier("", self.by, self.value, why)


def tier_of(detection_rates: Iterable[tuple[str, float | None, str]]) -> Tier:
    """Return the highest tier whose gate is reached.

    Args:
        detection_rates: id, value (None where it could not be measured) and reason of every AFD; the first that has a
            value counts.
    """
    rates = list(detection_rates)
    for by, value, _ in rates:
        if value is not None and not 0 <= value <= 1:
            return Tier("", reason=f"{by} is {value:g}, and no share of images")
        if value is not None:
            return Tier([name for name, gate, _ in TIERS if value >= gate][-1], by, value)
    why = "; ".join(dict.fromkeys(reason for _, _, reason in rates if reason))
    return Tier("", reason="AFD not measured" + (f" ({why})" if why else ""))
