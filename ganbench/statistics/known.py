"""Known and looked at: the two sides of the question whether images repeat those that a generator learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.signatures import SIGNATURE

T = TypeVar("T")


@dataclass(frozen=True)
class HeldOut:
    """What images of the same origin show that are in no index: what an honest set shows.

    Where none were held out, images of the index are looked at, each as if it were not in it.

    Attributes:
        n: how many were looked at.
        copies: how many of them are the same picture as one of the index: real sets hold pictures twice.
        nearer: how many are nearer to their nearest image of the index than that one is to its own nearest other.
        repeated: how many of them, as one set, are the same picture as another one of them; None: not looked at here.
        blended: how many of them one or two other ones explain; None: not looked at here.
        is_known: whether they are images of the index.

    Raises:
        MetricError: counts that are none.
    """

    n: int
    copies: int
    nearer: int
    repeated: int | None = None
    blended: int | None = None
    is_known: bool = False

    def __post_init__(self) -> None:
        if not (self.n > 0 and 0 <= self.copies <= self.n and 0 <= self.nearer <= self.n):
            raise MetricError(f"{self.copies} and {self.nearer} of {self.n} held-out images: no such counts.")


@dataclass(frozen=True, eq=False)
class KnownImages:
    """The real side: every image of a set, and what others of the same origin show beside it.

    Attributes:
        index: what is remembered of every image.
        held_out: what held-out images show, or what stands for them; None where nothing does.
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
    _kept: dict[tuple[str, int], tuple[Any, Any]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        count = len(self.codes)
        if len(self.signatures) != count or len(self.positions) != count or count > self.n:
            sizes = f"{count} codes, {len(self.signatures)} signatures and {len(self.positions)} positions"
            raise MetricError(f"{sizes} of {self.n} images do not fit together.")

    def once(self, what: str, index: ImageIndex, compute: Callable[[], T]) -> T:
        """Return ``what`` follows from these images and an index, computed once: several metrics ask for it."""
        key = what, id(index)
        if key not in self._kept:
            self._kept[key] = (index, compute())  # the index is held, so that no other one gets its id
        found: T = self._kept[key][1]
        return found


def require_comparable(index: ImageIndex, fake: CodedImages) -> None:
    """Refuse what cannot be held against an index image by image.

    Raises:
        MetricError: no images, or signatures of another form.
    """
    if not len(fake.codes):
        raise MetricError("needs at least 1 image, got 0.")
    if index.form != SIGNATURE:
        raise MetricError(
            f"the reference remembers its images as {index.form!r}, and this ganbench compares {SIGNATURE!r}: "
            "build it anew (ganbench reference build)."
        )
