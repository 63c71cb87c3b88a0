"""Images that show nothing, and whose pixels have the mean and the covariance of real ones: noise as wide as they vary.

A sum of what sets real images apart from their mean, with weights from the normal distribution, is drawn from the
normal distribution with their covariance. Pixels end at 0 and 255: the noise is made as much wider as gives it the real
variance once it is cut there.

Noise takes four times the memory of the images that come of it. It is kept in parts, some columns of pixels of all
images each, in memory or in a file without a name, and one part at a time is worked on. Sums of products are taken in
float64 and rounded to float32: in whatever order a library adds up parts, or the whole, or on more threads, that is the
same number.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np

from ganbench.errors import CannotWrite
from ganbench.images.source import Source
from ganbench.system.memory import budget
from ganbench.system.wall import reason

_BATCH = 64  # images that are read at once
_MIDDLE = np.float32(128)
_WIDEST = 4.0  # times the noise that is not cut
_HALVINGS = 20  # of the range in which the width is looked for
_PART = 1 << 20  # bytes of a part: about ten arrays of its size are worked with, and fit the processor's cache
_WAITING = 8  # one in so many of the budget, each: the real images that wait to be mixed in, and noise kept in memory


def normal_images(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return images drawn from the normal distribution of the pixels of a source, uint8 (n, H, W, 3).

    Args:
        source: two images at least.
        n: how many are drawn.
        rng: of the weights.

    Raises:
        GanbenchError: images that cannot be read, or no room for temporary files.
    """
    height, width = source.image_size()
    with tempfile.SpooledTemporaryFile(max_size=budget() // _WAITING) as kept:
        noise = _Noise(n, height * width * 3, kept)
        variance = noise.fill(source, rng)
        low, high = 1.0, _WIDEST
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if noise.variance(middle) > variance else (middle, high)
        return noise.images(low).reshape(n, height, width, 3)


class _Noise:
    """Noise around a mean, (n, D): float32 in a file, part by part."""

    def __init__(self, n: int, size: int, kept: tempfile.SpooledTemporaryFile[bytes]) -> None:
        self._n, self._kept, self._mean = n, kept, np.zeros(size, np.float32)
        columns = max(2, _PART // (4 * n))
        self._parts = [slice(start, min(start + columns, size)) for start in range(0, size, columns)]
        for part in self._parts:
            self._write(part, np.zeros((n, part.stop - part.start), np.float32))

    def fill(self, source: Source, rng: np.random.Generator) -> float:
        """Draw it; returns the sum of the variances of the real pixels."""
        count, squares = 0, 0.0
        total, given = np.zeros(len(self._mean)), np.zeros(self._n, np.float32)
        for group in self._groups(source, rng):
            for weights, pixels in group:
                given += weights.sum(axis=1)
                count += len(pixels)
            for part in self._parts:
                mixed = self._read(part)
                for weights, pixels in group:
                    block = pixels[:, part].astype(np.float64) - _MIDDLE
                    mixed = mixed + (weights.astype(np.float64) @ block).astype(np.float32)
                    total[part] += block.sum(axis=0)
                    squares += float(np.square(block).sum())  # of whole numbers: exact in any order
                self._write(part, mixed)
        self._mean = (total / count).astype(np.float32)
        for part in self._parts:
            apart = self._read(part) - np.outer(given, self._mean[part])
            self._write(part, apart / np.float32(np.sqrt(count - 1)))
        return (squares - float(total @ total) / count) / (count - 1)

    def variance(self, width: float) -> float:
        """Return the sum of the variances of the pixels that it makes, so many times as wide."""
        found = [self._pixels(part, width).var(axis=0, dtype=np.float64) for part in self._parts]
        return float(np.concatenate(found).sum())

    def images(self, width: float) -> np.ndarray:
        """Return the pixels that it makes, so many times as wide, uint8 (n, D)."""
        images = np.empty((self._n, len(self._mean)), np.uint8)
        for part in self._parts:
            images[:, part] = self._pixels(part, width)
        return images

    def _groups(self, source: Source, rng: np.random.Generator) -> Iterator[list[tuple[np.ndarray, np.ndarray]]]:
        """Yield as many batches as may wait: the weights of each, (n, b) float32, and its pixels, (b, D) uint8."""
        group: list[tuple[np.ndarray, np.ndarray]] = []
        taken = 0
        for batch in source.batches(_BATCH):
            weights = rng.standard_normal((self._n, len(batch.pixels)), dtype=np.float32)
            group.append((weights, batch.pixels.reshape(len(batch.pixels), -1)))
            taken += weights.nbytes + batch.pixels.nbytes
            if taken > budget() // _WAITING:
                yield group
                group, taken = [], 0
        yield group

    def _pixels(self, part: slice, width: float) -> np.ndarray:
        """Return a part of the noise around the mean as pixels, float32, whole numbers from 0 to 255."""
        wide = self._mean[part] + _MIDDLE + np.float32(width) * self._read(part)
        return np.asarray(np.clip(np.rint(wide), 0, 255))

    def _read(self, part: slice) -> np.ndarray:
        self._kept.seek(4 * self._n * part.start)
        return np.frombuffer(self._kept.read(4 * self._n * (part.stop - part.start)), np.float32).reshape(self._n, -1)

    def _write(self, part: slice, noise: np.ndarray) -> None:
        try:
            self._kept.seek(4 * self._n * part.start)
            self._kept.write(noise.data)
            self._kept.flush()
        except OSError as e:
            raise CannotWrite(
                f"no room for noise of {self._n:,} images in the folder for temporary files: {reason(e)}. "
                "Free space, or set TMPDIR to a folder with more"
            ) from e
