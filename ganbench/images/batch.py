"""What a source gives: runs of images, and those that it could not read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Batch:
    """A run of images, as many as were asked for, or fewer where they are large.

    Attributes:
        indices: positions in ``Source.names``, int64 (N,).
        names: their names.
        pixels: uint8 (N, H, W, 3), RGB.
        digests: SHA-256 of each image's pixels, hex.
    """

    indices: np.ndarray
    names: list[str]
    pixels: np.ndarray
    digests: list[str]


@dataclass(frozen=True)
class BadImage:
    """An image that could not be decoded."""

    name: str
    why: str
