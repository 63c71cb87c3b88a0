"""Haar wavelet packets of pixels: their moments, in whole numbers.

A wavelet packet transform filters an image along both sides into a low and a high half, and every part again, ``level``
times. With the Haar wavelet all of it is sums and differences of the pixels of one block of 2^level x 2^level. So the
coefficients, times 2^level, are whole numbers, and so are the sums of their products: whoever adds them, in whatever
order, gets the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.collector import is_sampled
from ganbench.system.memory import budget

T = TypeVar("T")
TRANSFORM = "haar v1"  # name and version: moments of different transforms do not compare
SIDE = 4  # coefficients along the shorter side of a packet, at least
DEEPEST = 7  # the sums of so many levels are exact for two million images
SAMPLED = 2000  # images whose pixels are kept, for the interval
_SAMPLE_BYTES = 32 << 20  # of their pixels, where so many are larger
_LEAST_SAMPLED = 64
_FOLD_BYTES = 9 << 20  # of coefficients that are made at once: what caches hold
_MIDDLE = 128  # taken from every pixel: it moves the means of one packet, and keeps the numbers small
_COPIES = 4  # of all products that are in memory at once


def packet_level(height: int, width: int) -> int:
    """Return how often images are filtered: as often as leaves packets of 4 coefficients or more a side.

    Args:
        height: of the images, pixels.
        width: likewise.

    Raises:
        MetricError: the sides cannot be halved so often, or the moments would not fit into the memory budget.
    """
    level = min(DEEPEST, int(min(height, width) // SIDE).bit_length() - 1)
    if level < 1:
        raise MetricError(f"wavelet packets need images of {2 * SIDE} pixels a side or more, not {height}x{width}.")
    block = 2**level
    if height % block or width % block:
        raise MetricError(
            f"images of {height}x{width} pixels cannot be cut into wavelet packets: both sides must be multiples of "
            f"{block}. Bring them to such a size by a stated rule: "
            f"--resize {height // block * block}x{width // block * block}"
        )
    count, numbers = packet_shape(height, width, level)
    if (need := _COPIES * 8 * count * numbers**2) > budget():
        raise MetricError(
            f"the wavelet packets of {height}x{width} images take {need >> 20:,} MB, and the memory budget is "
            f"{budget() >> 20:,} MB: resize the images, or raise the budget (GANBENCH_MEMORY=8G)."
        )
    return level


def packet_shape(height: int, width: int, level: int) -> tuple[int, int]:
    """Return how many packets there are, P = 4^level, and how many numbers of one image each holds, D."""
    return 4**level, 3 * (height >> level) * (width >> level)


def packets_of(pixels: np.ndarray, level: int) -> np.ndarray:
    """Return the wavelet packets of images.

    Args:
        pixels: uint8 (n, H, W, 3); H and W are multiples of 2^level.
        level: how often they are filtered, at most ``DEEPEST``.

    Returns:
        float32 (P, n, D), whole numbers: the coefficients of pixels less 128, times 2^level. Packets are in the natural
        order of the signs of their filters; the numbers of one are its rows, columns and colours.
    """
    n, height, width, _ = pixels.shape
    block, (count, numbers) = 2**level, packet_shape(height, width, level)
    signs = _signs(level)
    parts = pixels.reshape(n, height >> level, block, width >> level, block, 3).transpose(2, 4, 0, 1, 3, 5)
    # All sums on the way are whole numbers below 2^24: exact in float32.
    centred = parts.astype(np.float32, order="C") - np.float32(_MIDDLE)
    across = signs @ centred.reshape(block, -1)
    both: np.ndarray = np.matmul(signs, across.reshape(block, block, -1))
    return both.reshape(count, n, numbers)


@lru_cache(maxsize=DEEPEST)
def _signs(level: int) -> np.ndarray:
    """Return the signs with which each packet adds up 2^level pixels in a line, (2^level, 2^level) float32."""
    signs = np.ones((1, 1), np.float32)
    for _ in range(level):
        signs = np.kron(signs, np.array([[1, 1], [1, -1]], np.float32))
    return signs


@dataclass(frozen=True, eq=False)
class PacketMoments:
    """Mean and covariance of each packet; pixels are from 0 to 1, and 128 of 255 is taken from each.

    Attributes:
        n: Number of images.
        size: (height, width) of the images, pixels.
        level: How often they were filtered.
        mean: (P, D) float64.
        cov: (P, D, D) float64, with the divisor n - 1.

    Raises:
        MetricError: arrays that do not fit together.
    """

    n: int
    size: tuple[int, int]
    level: int
    mean: np.ndarray
    cov: np.ndarray

    def __post_init__(self) -> None:
        count, numbers = packet_shape(*self.size, self.level)
        if self.mean.shape != (count, numbers) or self.cov.shape != (count, numbers, numbers):
            raise MetricError(f"moments of shape {self.mean.shape} and {self.cov.shape} are not those of {self.size}.")


@dataclass(frozen=True, eq=False)
class PacketSet:
    """What the wavelet packets of a set of images say.

    Attributes:
        moments: of all images.
        sample: pixels of a random part of them, uint8 (m, H, W, 3); m is 0 for a reference.
    """

    moments: PacketMoments
    sample: np.ndarray
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, pixels: np.ndarray) -> PacketSet:
        """Return the set of all images, uint8 (n, H, W, 3), n at least 2, kept whole as the sample.

        Raises:
            MetricError: fewer than two images, or a size that cannot be cut into packets.
        """
        collector = PacketCollector((pixels.shape[1], pixels.shape[2]))
        collector.add(np.arange(len(pixels)), pixels)
        return collector.result()

    @property
    def n(self) -> int:
        """Number of images."""
        return self.moments.n

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """Return what depends on this set alone, computed once: many sets are compared with one reference."""
        if name not in self._kept:
            self._kept[name] = compute()
        found: T = self._kept[name]
        return found


class PacketCollector:
    """Collects the moments of packets, and the pixels of a sample; those of pieces merge to the same bits in any order.

    Args:
        size: (height, width) of the images, pixels.
        seed: Seed of the sample.
        bound: As ``sample_bound`` gives it for that sample; None: all are kept.
        sampled: Whether pixels are kept at all.

    Raises:
        MetricError: images of that size cannot be cut into packets.
    """

    def __init__(self, size: tuple[int, int], *, seed: int = 0, bound: int | None = None, sampled: bool = True) -> None:
        self.size, self.level = size, packet_level(*size)
        count, numbers = packet_shape(*size, self.level)
        self._seed, self._bound, self._sampled = seed, bound, sampled
        self._n = 0
        self._sums = np.zeros((count, numbers), np.int64)
        self._products = np.zeros((count, numbers, numbers), np.int64)
        self._fold = max(1, _FOLD_BYTES // (12 * count * numbers))
        self._waiting: list[np.ndarray] = []
        self._positions = [np.empty(0, np.int64)]
        self._pixels = [np.empty((0, *size, 3), np.uint8)]

    def add(self, positions: np.ndarray, pixels: np.ndarray) -> None:
        """Add a batch: positions in the source, (b,) ascending, and uint8 (b, H, W, 3)."""
        if self._sampled and (wanted := is_sampled(positions, self._bound, self._seed)).any():
            self._positions.append(np.asarray(positions, np.int64)[wanted])
            self._pixels.append(pixels[wanted])
        self._waiting.append(pixels)
        if sum(map(len, self._waiting)) >= self._fold:
            self._flush()

    def pack(self) -> dict[str, np.ndarray]:
        """Return all that was collected as plain arrays, for ``take``; products as their upper triangles."""
        self._flush()
        self._positions = [np.concatenate(self._positions)]
        self._pixels = [np.concatenate(self._pixels)]
        rows, columns = np.triu_indices(self._products.shape[1])
        return {
            "n": np.array(self._n), "sums": self._sums, "products": self._products[:, rows, columns],
            "positions": self._positions[0], "pixels": self._pixels[0],
        }  # fmt: skip

    def take(self, packed: Mapping[str, np.ndarray]) -> None:
        """Add what the collector of the images that follow has packed."""
        self._flush()
        self._n += int(packed["n"])
        self._refuse_many()
        self._sums += packed["sums"]
        self._products += symmetric(packed["products"], self._products.shape[1])
        self._positions.append(packed["positions"])
        self._pixels.append(packed["pixels"])

    def result(self) -> PacketSet:
        """Return what was collected.

        Raises:
            MetricError: fewer than two images.
        """
        self._flush()
        if self._n < 2:
            raise MetricError(f"a covariance needs at least 2 images, got {self._n}.")
        unit = float(255 * 2**self.level)
        mean = self._sums / self._n
        scatter = self._products - self._sums[:, :, None] * mean[:, None, :]
        scatter = (scatter + scatter.transpose(0, 2, 1)) / 2  # symmetric to the last bit
        cov = scatter / ((self._n - 1) * unit**2)
        return PacketSet(PacketMoments(self._n, self.size, self.level, mean / unit, cov), np.concatenate(self._pixels))

    def _flush(self) -> None:
        if not self._waiting:
            return
        pixels = np.concatenate(self._waiting)
        self._waiting = []
        self._n += len(pixels)
        self._refuse_many()
        for start in range(0, len(pixels), self._fold):
            packets = packets_of(pixels[start : start + self._fold], self.level).astype(np.float64)
            # Products of whole numbers, and fewer of them than 2^53: exact in whatever order they are added.
            self._sums += packets.sum(axis=1).astype(np.int64)
            self._products += np.matmul(packets.transpose(0, 2, 1), packets).astype(np.int64)

    def _refuse_many(self) -> None:
        largest = (_MIDDLE * 4**self.level) ** 2
        if self._n > (most := (2**63 - 1) // largest):
            raise MetricError(f"{self._n:,} images: exact sums of wavelet packets of this size take {most:,} at most.")


def sample_cap(size: tuple[int, int]) -> int:
    """Return of how many images of a size, (height, width), the pixels are kept."""
    return min(SAMPLED, max(_LEAST_SAMPLED, _SAMPLE_BYTES // (3 * size[0] * size[1])))


def symmetric(upper: np.ndarray, size: int) -> np.ndarray:
    """Return matrices (P, D, D) of their upper triangles, (P, D (D + 1) / 2), row after row."""
    rows, columns = np.triu_indices(size)
    whole = np.empty((len(upper), size, size), upper.dtype)
    whole[:, rows, columns] = upper
    whole[:, columns, rows] = upper
    return whole
