"""What a fault is: a way to spoil a set of images, in one of two directions where it has two, at three strengths."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEVELS = ("subtle", "clear", "strong")

# (images uint8 (n, H, W, 3), strength, direction +1 or -1, random numbers) -> as many images, of the same shape.
Change = Callable[[np.ndarray, float, int, np.random.Generator], np.ndarray]
# (kind of every image of the pool (N,), features (N, d), how many, strength, random numbers) -> rows of the pool (n,).
Choice = Callable[[np.ndarray, np.ndarray, int, float, np.random.Generator], np.ndarray]
# One number of a set of images, by which a fault of two directions is led away from what real faces have.
Number = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Fault:
    """One fault. It changes the images, or it chooses which images there are; some do the first before any resize.

    Attributes:
        name: what it is called.
        what: in words, for the table.
        strengths: of ``LEVELS``, in the unit of the fault.
        change: spoils images.
        choice: chooses them.
        number: see ``Number``; None: it has no directions, or both are as good on any material.
        before_resize: the change works on images of any size and gives some of the size wanted: it takes real faces as
            the archive holds them, so that a larger face is not a blurred one.
    """

    name: str
    what: str
    strengths: tuple[float, float, float]
    change: Change | None = None
    choice: Choice | None = None
    number: Number | None = None
    before_resize: bool = False

    def random(self, seed: int, material: str, trial: int) -> np.random.Generator:
        """Return the random numbers of a trial: the same at every strength, and whatever else is tried."""
        return np.random.default_rng([seed, zlib.crc32(f"{material}/{self.name}".encode()), trial])
