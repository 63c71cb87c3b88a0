"""Signatures: what is remembered of an image so that it can be told again, in some hundred bytes.

A signature is a gray thumbnail of 16 x 16 cells. It is small enough to keep for every image of a training set, and
says enough to lay one picture over another; nobody makes a picture of it again. Its gray is the mean of red, green and
blue: turning the hue, or swapping the channels, hardly moves it, as it does move what the eye takes for brightness.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SIDE = 16  # cells along each side
LENGTH = SIDE * SIDE  # bytes: 256
SIGNATURE = "gray-16 v2"  # name and version of the form: signatures of different forms do not compare
_SPREAD = 0.6  # standard deviation of the window, in cells: narrower ones alias, wider ones hide what tells faces apart
_TIE = 1e-6  # sums of halves are rounded up, whatever the order in which a machine adds them


def signatures(pixels: np.ndarray) -> np.ndarray:
    """Return the signature of each image.

    Every cell is a mean of pixels under a Gaussian window as wide as the cell, over any number of them: images of any
    size, and one size resized, have comparable signatures, and what lies between cells can be interpolated.

    Args:
        pixels: uint8 RGB, (B, H, W, 3).

    Returns:
        uint8 (B, 256): the gray cells row by row.
    """
    # Channel by channel: several times faster than a sum over so short an axis.
    gray = np.add(np.add(pixels[..., 0], pixels[..., 1], dtype=np.uint16), pixels[..., 2]) / np.float64(3)
    height, width = pixels.shape[1:3]
    means = _windows(height) @ gray @ _windows(width).T
    return np.clip(np.floor(means + 0.5 + _TIE), 0, 255).astype(np.uint8).reshape(len(pixels), -1)


def mirrored(signatures: np.ndarray) -> np.ndarray:
    """Return the signatures, (B, 256) uint8, of the mirror images."""
    return signatures.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(-1, LENGTH)


@lru_cache(maxsize=16)
def _windows(size: int) -> np.ndarray:
    """Return the share that each of ``size`` pixels has in each cell, (16, size) float64: rows add up to 1."""
    centres, width = (np.arange(SIDE)[:, None] + 0.5) * size / SIDE, _SPREAD * max(size / SIDE, 1.0)
    shares = np.exp(-0.5 * ((np.arange(size) + 0.5 - centres) / width) ** 2)
    return shares / shares.sum(axis=1, keepdims=True)
