"""Pixels: what is known of a set of images without any network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class PixelSet:
    """What the pixels of a set of images say.

    Attributes:
        digests: SHA-256 of each image's decoded pixels, hex, in the order of the source.
    """

    digests: Sequence[str]

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.digests)
