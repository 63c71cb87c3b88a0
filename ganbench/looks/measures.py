"""All measures of the looks of an image: its colours, its spectrum, its smallest detail and its layout."""

from __future__ import annotations

import numpy as np

from ganbench.looks import colour, grain, layout, spectrum

NAMES: tuple[str, ...] = (*colour.NAMES, *spectrum.NAMES, *grain.NAMES, *layout.NAMES)
FORM = "looks v1"  # name and version: measures of different forms do not compare
LEAST_SIDE = 16  # pixels of the shorter side
_ROWS = 64  # images at once: what caches hold
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def measure(pixels: np.ndarray) -> np.ndarray:
    """Return the measures of images.

    Args:
        pixels: uint8 RGB (n, H, W, 3); sides of ``LEAST_SIDE`` pixels or more.

    Returns:
        float32 (n, M), the measures ``NAMES`` in order; each has its own unit.
    """
    found = [_measure(pixels[start : start + _ROWS]) for start in range(0, len(pixels), _ROWS)]
    return np.concatenate([np.empty((0, len(NAMES)), np.float32), *found])


def _measure(pixels: np.ndarray) -> np.ndarray:
    levels = pixels.astype(np.float32)
    luma = levels @ _LUMA
    blue, red = levels[..., 2] - luma, levels[..., 0] - luma
    return np.concatenate(
        [
            colour.colour(levels, luma),
            spectrum.spectrum(luma, blue + red),
            grain.grain(pixels, luma, blue + red),
            layout.layout(luma, blue, red),
        ],
        axis=1,
    )
