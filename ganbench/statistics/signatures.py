"""Signatures: what is remembered of an image so that it can be told again, in some hundred bytes.

A signature is a thumbnail: brightness on a grid of 14 x 14 cells and two colour differences on one of 6 x 6. It is
small enough to keep for every image of a training set, and says enough to lay one picture over another.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

LUMA = 14  # cells along each side
CHROMA = 6
LENGTH = LUMA * LUMA + 2 * CHROMA * CHROMA  # bytes: 268
SIGNATURE = "windows-14-6 v1"  # name and version of the form: signatures of different forms do not compare
# Y, Cb, Cr of ITU-R BT.601, full range, as in JFIF.
_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]], np.float32
)
_OFFSETS = (0.0, 128.0, 128.0)
_SPREAD = 0.6  # standard deviation of the window, in cells: narrower ones alias, wider ones hide what tells faces apart
_TIE = 1e-6  # sums of halves are rounded up, whatever the order in which a machine adds them


def signatures(pixels: np.ndarray) -> np.ndarray:
    """Return the signature of each image.

    Every cell is a mean of pixels under a Gaussian window as wide as the cell, over any number of them: images of any
    size, and one size resized, have comparable signatures, and what lies between cells can be interpolated.

    Args:
        pixels: uint8 RGB, (B, H, W, 3).

    Returns:
        uint8 (B, 268): brightness row by row, then the blue and the red difference.
    """
    planes = pixels.astype(np.float32) @ _YCC.T
    height, width = pixels.shape[1:3]
    found = []
    for plane, cells in ((0, LUMA), (1, CHROMA), (2, CHROMA)):
        rows, columns = _windows(height, cells), _windows(width, cells)
        means = rows @ planes[..., plane].astype(np.float64) @ columns.T + _OFFSETS[plane]
        found.append(np.clip(np.floor(means + 0.5 + _TIE), 0, 255).astype(np.uint8).reshape(len(pixels), -1))
    return np.hstack(found)


def mirrored(signatures: np.ndarray) -> np.ndarray:
    """Return the signatures, (B, 268) uint8, of the mirror images."""
    found = []
    for start, cells in ((0, LUMA), (LUMA * LUMA, CHROMA), (LUMA * LUMA + CHROMA * CHROMA, CHROMA)):
        plane = signatures[:, start : start + cells * cells].reshape(-1, cells, cells)
        found.append(plane[:, :, ::-1].reshape(-1, cells * cells))
    return np.hstack(found)


@lru_cache(maxsize=16)
def _windows(size: int, cells: int) -> np.ndarray:
    """Return the share that each of ``size`` pixels has in each cell, (cells, size) float64: rows add up to 1."""
    centres, width = (np.arange(cells)[:, None] + 0.5) * size / cells, _SPREAD * max(size / cells, 1.0)
    shares = np.exp(-0.5 * ((np.arange(size) + 0.5 - centres) / width) ** 2)
    return shares / shares.sum(axis=1, keepdims=True)
