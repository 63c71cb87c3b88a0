"""Noise with the moments of real pixels: that it has them, and that it is made in parts to the bits of all at once."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from ganbench.audit.noise import normal_images
from ganbench.images.arrays import ArraySource


def test_noise_has_the_moments_of_the_images_that_it_is_drawn_of(rng: np.random.Generator) -> None:
    shades = rng.integers(20, 236, (300, 1, 1, 1)) + rng.normal(0, 12, (300, 4, 4, 3))  # pixels that go together
    images = np.clip(shades, 0, 255).astype(np.uint8)
    source = ArraySource.of("images", images, value_range=None, resize=None)
    drawn = normal_images(source, 2000, np.random.default_rng(1))
    assert (drawn.shape, drawn.dtype) == ((2000, 4, 4, 3), np.uint8)
    real, made = (part.reshape(len(part), -1).astype(float) for part in (images, drawn))
    assert made.var(axis=0).sum() == pytest.approx(real.var(axis=0, ddof=1).sum(), rel=0.001)
    assert np.abs(made.mean(axis=0) - real.mean(axis=0)).max() < 6  # 62 / sqrt(2000) is 1.4, and pixels end at 255
    assert np.abs(np.cov(made.T) / np.cov(real.T) - 1).max() < 0.15
    assert np.array_equal(drawn, normal_images(source, 2000, np.random.default_rng(1)))


def test_noise_in_parts_is_noise_at_once_to_the_bit_within_the_memory_budget(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_MEMORY", "64M")  # an eighth holds neither all noise nor all images and their weights
    images = rng.integers(0, 256, (1400, 24, 24, 3), dtype=np.uint8)
    source = ArraySource.of("images", images, value_range=None, resize=None)
    n, drawing = 1300, np.random.default_rng(2)
    tracemalloc.start()
    drawn = normal_images(source, n, np.random.default_rng(2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 << 20  # at once it is five arrays of 9 MiB, and two of 18

    block = images.reshape(len(images), -1).astype(np.float32) - np.float32(128)
    mixed, given = np.zeros((n, block.shape[1]), np.float32), np.zeros(n, np.float32)
    for start in range(0, len(block), 64):
        weights = drawing.standard_normal((n, len(block[start : start + 64])), dtype=np.float32)
        mixed += (weights.astype(np.float64) @ block[start : start + 64].astype(np.float64)).astype(np.float32)
        given += weights.sum(axis=1)
    mean = block.mean(axis=0, dtype=np.float64).astype(np.float32)
    noise = (mixed - np.outer(given, mean)) / np.float32(np.sqrt(len(block) - 1))
    variance = float(block.var(axis=0, ddof=1, dtype=np.float64).sum())
    low, high = 1.0, 4.0
    for _ in range(20):
        middle = (low + high) / 2
        cut = np.clip(np.rint(mean + np.float32(128) + np.float32(middle) * noise), 0, 255)
        low, high = (low, middle) if float(cut.var(axis=0, dtype=np.float64).sum()) > variance else (middle, high)
    whole = np.clip(np.rint(mean + np.float32(128) + np.float32(low) * noise), 0, 255).astype(np.uint8)
    assert np.array_equal(drawn, whole.reshape(drawn.shape))
