"""What a run of the test is: a variant, a seed, and what is wrong with it, if anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ailments.patches import Patch

HEALTHY = "healthy"


@dataclass(frozen=True)
class Ailment:
    """One way to break a training.

    Attributes:
        name: what it is called.
        what: in words, for the table.
        variants: which baselines are broken by it, one run each; one may be there again, with another seed.
        settings: ``KEY=VALUE`` of the recipe; for each variant its own where it is written ``variant:KEY=VALUE``.
        patch: what no setting does.
        images: how many of the training images are used; None: all.
    """

    name: str
    what: str
    variants: Sequence[str]
    settings: Sequence[str] = ()
    patch: Patch | None = None
    images: int | None = None

    def settings_of(self, variant: str) -> list[str]:
        """Return those that a variant gets."""
        general = [text for text in self.settings if ":" not in text]
        own = [text.partition(":")[2] for text in self.settings if text.startswith(f"{variant}:")]
        return general + own


@dataclass(frozen=True)
class Run:
    """One run; ``ailment`` is ``HEALTHY`` where it has none."""

    ailment: str
    variant: str
    seed: int

    @property
    def key(self) -> str:
        """What it is called: the name of its folder too."""
        return f"{self.ailment}-{self.variant}-{self.seed}"
