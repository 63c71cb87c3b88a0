"""What sources share, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.metrics.intervals import wilson
from ganbench.system.text import json_text

SCHEMA = 1


@dataclass(frozen=True)
class Shared:
    """One picture that two sources hold.

    Attributes:
        a: its name in the one.
        b: its name in the other.
        equal: whether the pixels are equal.
        alike: how much alike they are once laid over each other, 0 to 1; 1 for equal pixels.
        a_index: its position in the one, for whoever shows it.
        b_index: its position in the other.
    """

    a: str
    b: str
    equal: bool
    alike: float
    a_index: int
    b_index: int


@dataclass(frozen=True)
class Pair:
    """Two sources that share pictures.

    Attributes:
        a: label of the one.
        b: label of the other.
        shared: how many pictures they share. A picture counts as often as both hold it: five times in the one and twice
            in the other are two.
        equal: how many of those are equal pixel for pixel.
        n_a: images of the one that were compared.
        n_b: images of the other.
        images: the shared pictures, equal ones first, then the most alike; of very many only the first.
    """

    a: str
    b: str
    shared: int
    equal: int
    n_a: int
    n_b: int
    images: tuple[Shared, ...]

    @property
    def share(self) -> float:
        """What part of the smaller source is shared, 0 to 1."""
        return self.shared / min(self.n_a, self.n_b)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share (Wilson)."""
        return wilson(self.share, min(self.n_a, self.n_b))

    def to_dict(self) -> dict[str, object]:
        """Return plain data."""
        low, high = self.interval
        return {
            "a": self.a,
            "b": self.b,
            "shared": self.shared,
            "equal": self.equal,
            "share": self.share,
            "low": low,
            "high": high,
            "n_a": self.n_a,
            "n_b": self.n_b,
            "images": [
                {"a": one.a, "b": one.b, "equal": one.equal, "alike": round(one.alike, 4)} for one in self.images
            ],
        }


@dataclass(frozen=True)
class Compared:
    """A source that was compared.

    Attributes:
        label: what it is called.
        n: images that could be read.
    """

    label: str
    n: int


@dataclass(frozen=True)
class Overlap:
    """What some sources share.

    Attributes:
        sources: what was compared, in the order given.
        pairs: those that share anything, the largest share first.
        failed: label and reason of each source that could not be compared.
        protocol: all that the answer depends on besides the images, in one line.
        notes: what a reader must know, one line each.
    """

    sources: tuple[Compared, ...]
    pairs: tuple[Pair, ...]
    failed: tuple[tuple[str, str], ...]
    protocol: str
    notes: tuple[str, ...] = ()

    @property
    def images(self) -> int:
        """How many images were compared."""
        return sum(source.n for source in self.sources)

    def over(self, most: float) -> list[Pair]:
        """Return the pairs that share more than is allowed.

        Args:
            most: from 1 on, or 0, a number of pictures; between, a share of the smaller source.
        """
        return [pair for pair in self.pairs if (pair.share if 0 < most < 1 else pair.shared) > most]

    def to_dict(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "schema": SCHEMA,
            "sources": [{"label": source.label, "n": source.n} for source in self.sources],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "failed": [{"label": label, "reason": reason} for label, reason in self.failed],
            "protocol": self.protocol,
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return ``to_dict`` as a JSON text."""
        return json_text(self.to_dict())
