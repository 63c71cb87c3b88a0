"""One finding of an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One way in which a set of images differs from real ones.

    Attributes:
        kind: one of ``KINDS``.
        effect: how far the set is from what real sets of its size show, in spreads (standard deviations) of these.
        low: lower end of the 95 % interval of ``effect``, over sets of such images.
        high: upper end.
        text: what was found, one sentence.
        remedy: what to do about it, one sentence.
        measure: what ``value`` is.
        value: of the set.
        real: of real images.
        spread: of ``value`` between real sets of the same size.
        images: positions in the source of the images that show it most.
        real_images: names of real images that belong to it: members of a kind.
    """

    kind: str
    effect: float
    low: float
    high: float
    text: str
    remedy: str
    measure: str
    value: float
    real: float
    spread: float
    images: tuple[int, ...] = ()
    real_images: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind, "effect": self.effect, "low": self.low, "high": self.high, "text": self.text,
            "remedy": self.remedy, "measure": self.measure, "value": self.value, "real": self.real,
            "spread": self.spread, "images": list(self.images), "real_images": list(self.real_images),
        }  # fmt: skip
