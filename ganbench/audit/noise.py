"""Images that show nothing, and whose pixels have the mean and the covariance of real ones: noise as wide as they vary.

A sum of what sets real images apart from their mean, with weights from the normal distribution, is drawn from the
normal distribution with their covariance. Pixels end at 0 and 255: the noise is made as much wider as gives it the real
variance once it is cut there.
"""

from __future__ import annotations

import numpy as np

from ganbench.images.source import Source

_BATCH = 64  # images that are read at once
_MIDDLE = np.float32(128)
_WIDEST = 4.0  # times the noise that is not cut
_HALVINGS = 20  # of the range in which the width is looked for


def normal_images(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return images drawn from the normal distribution of the pixels of a source, uint8 (n, H, W, 3).

    Args:
        source: two images at least.
        n: how many are drawn.
        rng: of the weights.

    Raises:
        GanbenchError: images that cannot be read.
    """
    height, width = source.image_size()
    count, squares, total = 0, 0.0, np.zeros(height * width * 3)
    mixed, given = np.zeros((n, total.size), np.float32), np.zeros(n, np.float32)
    for batch in source.batches(_BATCH):
        block = batch.pixels.reshape(len(batch.pixels), -1).astype(np.float32) - _MIDDLE
        weights = rng.standard_normal((n, len(block)), dtype=np.float32)
        mixed += weights @ block
        given += weights.sum(axis=1)
        total += block.sum(axis=0)
        squares += float(np.square(block, dtype=np.float64).sum())
        count += len(block)
    mean = (total / count).astype(np.float32)
    noise = (mixed - np.outer(given, mean)) / np.float32(np.sqrt(count - 1))
    variance = (squares - float(total @ total) / count) / (count - 1)
    low, high = 1.0, _WIDEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        wide = float(_cut(mean, noise, middle).var(axis=0, dtype=np.float64).sum()) > variance
        low, high = (low, middle) if wide else (middle, high)
    return _cut(mean, noise, low).astype(np.uint8).reshape(n, height, width, 3)


def _cut(mean: np.ndarray, noise: np.ndarray, width: float) -> np.ndarray:
    """Return noise around a mean as pixels, float32 (n, H W 3), whole numbers from 0 to 255."""
    return np.asarray(np.clip(np.rint(mean + _MIDDLE + np.float32(width) * noise), 0, 255))
