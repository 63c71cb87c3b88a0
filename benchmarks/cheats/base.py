"""What an attack is: a way to make a submission, and the flags that are to catch it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cheats.files import Packed
from cheats.pool import Pool

COPIED, REPEATED, SHARED, INVALID = "copied", "repeated", "shared", "invalid"
DISAGREEING = "disagreeing"


@dataclass(frozen=True)
class Made:
    """What an attack made.

    Attributes:
        entry: the submission.
        others: submissions of others that it is compared with, the victims; they lie on the same board.
        guilty: share of its images that break a rule; what is found of them is the rate per image.
    """

    entry: Packed
    others: Sequence[Packed] = ()
    guilty: float = 1.0


Make = Callable[[Pool, np.random.Generator, int], Made]


@dataclass(frozen=True)
class Attack:
    """One way to cheat, or, with no flag that is to catch it, one way to be honest.

    Attributes:
        name: group and way, such as ``single/jpeg-50``.
        what: in words, for the table.
        make: makes it of real faces, with a random generator, of so many images.
        caught_by: flags any of which catches it; empty for honest work, which no flag may touch.
        on_board: the flag is seen only where several entries are.
        most: trials at most: where making it takes minutes, or where there are only so many honest images.
        slow: takes minutes a trial; ``--quick`` leaves it out.
    """

    name: str
    what: str
    make: Make
    caught_by: frozenset[str] = field(default_factory=frozenset)
    on_board: bool = False
    most: int | None = None
    slow: bool = False

    @property
    def group(self) -> str:
        """The part of the name before the slash."""
        return self.name.partition("/")[0]

    @property
    def honest(self) -> bool:
        """Whether no flag may touch it."""
        return not self.caught_by

    def random(self, seed: int, trial: int) -> np.random.Generator:
        """Return the random generator of a trial: the same whatever else is tried."""
        return np.random.default_rng([seed, zlib.crc32(self.name.encode()), trial])
