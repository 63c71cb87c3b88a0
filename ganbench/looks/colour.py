"""Measures of colour: light, contrast, saturation and hue."""

from __future__ import annotations

import numpy as np

HUES = 8  # parts of the circle of hues
NAMES = (
    "light", "spread", "dark end", "light end", "black", "white", "chroma", "saturation", "chroma spread", "blue",
    "red", "middle blue", "middle red", *(f"hue {i}" for i in range(HUES)),
)  # fmt: skip
_SIXTH = 60.0  # degrees


def colour(pixels: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """Return the measures ``NAMES`` of images.

    Args:
        pixels: float32 RGB (n, H, W, 3), 0 to 255.
        luma: float32 (n, H, W), their luma.

    Returns:
        float32 (n, M).
    """
    n, height, width, _ = pixels.shape
    flat = luma.reshape(n, -1)
    most, least = extremes(pixels)
    chroma = (most - least).reshape(n, -1)
    blue, red = pixels[..., 2] - luma, pixels[..., 0] - luma
    rows, columns = slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)
    ends = np.percentile(flat, (2, 98), axis=1)
    found = [
        flat.mean(1), np.log(flat.std(1) + 1), ends[0], ends[1],
        np.log((most.reshape(n, -1) <= 2).mean(1) + 0.02), np.log((least.reshape(n, -1) >= 253).mean(1) + 0.02),
        chroma.mean(1), (chroma / np.maximum(most.reshape(n, -1), 1)).mean(1), np.log(chroma.std(1) + 1),
        blue.mean((1, 2)), red.mean((1, 2)), blue[:, rows, columns].mean((1, 2)), red[:, rows, columns].mean((1, 2)),
    ]  # fmt: skip
    return np.concatenate([np.stack(found, axis=1), _hues(pixels, chroma)], axis=1).astype(np.float32)


def _hues(pixels: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Return the shares of hues, each pixel weighted by its chroma, (n, HUES)."""
    n = len(pixels)
    angle = hue_of(pixels).reshape(n, -1)
    part = np.minimum((angle * (HUES / 360.0)).astype(np.int64), HUES - 1)
    number = (np.arange(n)[:, None] * HUES + part).ravel()
    weights = np.bincount(number, weights=chroma.ravel(), minlength=n * HUES).reshape(n, HUES)
    return weights / (weights.sum(axis=1, keepdims=True) + chroma.shape[1])  # a grey image has no hue


def hue_of(pixels: np.ndarray) -> np.ndarray:
    """Return the hue of pixels, float RGB (..., 3), in degrees, 0 to 360; 0 where there is none."""
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    most, least = extremes(pixels)
    chroma = np.maximum(most - least, 1e-6)
    angle = np.where(
        most == red,
        (green - blue) / chroma,
        np.where(most == green, (blue - red) / chroma + 2, (red - green) / chroma + 4),
    )
    return np.asarray(angle * _SIXTH % 360.0)


def extremes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest and the smallest channel of pixels, (..., 3)."""
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    # Several times faster than a reduction over so short an axis.
    return np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
