"""Known and looked at: the two sides of the question whether images repeat those that a generator learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.index import ImageIndex


@dataclass(frozen=True)
class HeldOut:
    """What images of the same origin show that are in no index: what an honest set shows.

    Attributes:
        n: how many were looked at.
        copies: how many of them are the same picture as one of the index: real sets hold pictures twice.
        nearer: how many are nearer to their nearest image of the index than that one is to its own nearest other.

    Raises:
        MetricError: counts that are none.
    """

    n: int
    copies: int
    nearer: int

    def __post_init__(self) -> None:
        if not (self.n > 0 and 0 <= self.copies <= self.n and 0 <= self.nearer <= self.n):
            raise MetricError(f"{self.copies} and {self.nearer} of {self.n} held-out images: no such counts.")


@dataclass(frozen=True, eq=False)
class KnownImages:
    """The real side: every image of a set, and what others of the same origin show beside it.

    Attributes:
        index: what is remembered of every image.
        held_out: what held-out images show; None where none were held out.
    """

    index: ImageIndex
    held_out: HeldOut | None = None


@dataclass(frozen=True, eq=False)
class CodedImages:
    """The fake side: images as an index of real ones sees them.

    Attributes:
        codes: (m, K) int8, as ``ImageIndex.encode`` gives them.
        signatures: (m, L) uint8.
        positions: of each in its source, (m,) int64, ascending.
        n: images in the source: m of them are a random part where there are more than are looked at one by one.

    Raises:
        MetricError: arrays that do not fit together.
    """

    codes: np.ndarray
    signatures: np.ndarray
    positions: np.ndarray
    n: int

    def __post_init__(self) -> None:
        count = len(self.codes)
        if len(self.signatures) != count or len(self.positions) != count or count > self.n:
            sizes = f"{count} codes, {len(self.signatures)} signatures and {len(self.positions)} positions"
            raise MetricError(f"{sizes} of {self.n} images do not fit together.")
