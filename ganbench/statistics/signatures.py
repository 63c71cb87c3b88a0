"""Signatures: what is remembered of an image so that it can be told again, in some hundred bytes.

A signature is a thumbnail: brightness on a grid of 14 x 14 cells and two colour differences on one of 6 x 6. It is small
enough to keep for every image of a training set, and says enough to lay one picture over another.
"""

from __future__ import annotations

import numpy as np

LUMA = 14  # cells along each side
CHROMA = 6
LENGTH = LUMA * LUMA + 2 * CHROMA * CHROMA  # bytes: 268
SIGNATURE = "thumbnail-14-6 v1"  # name and version of the form: signatures of different forms do not compare
# Y, Cb, Cr of ITU-R BT.601, full range, as in JFIF.
_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]], np.float64
)
_OFFSETS = np.array([0.0, 128.0, 128.0])
_TIE = 1e-6  # sums of halves are rounded up, whatever the order in which a machine adds them


def signatures(pixels: np.ndarray) -> np.ndarray:
    """Return the signature of each image.

    Every cell is the mean over its area, so that images of any size, and one size resized, have comparable ones.

    Args:
        pixels: uint8 RGB, (B, H, W, 3).

    Returns:
        uint8 (B, 268): brightness row by row, then the blue and the red difference.
    """
    images = pixels.astype(np.float32)
    planes = images @ _YCC.T.astype(np.float32) + _OFFSETS.astype(np.float32)
    height, width = pixels.shape[1:3]
    found = []
    for plane, cells in ((0, LUMA), (1, CHROMA), (2, CHROMA)):
        rows, columns = _areas(height, cells), _areas(width, cells)
        means = np.matmul(np.matmul(rows, planes[..., plane].astype(np.float64)), columns.T)
        found.append(np.clip(np.floor(means + 0.5 + _TIE), 0, 255).astype(np.uint8).reshape(len(pixels), -1))
    return np.hstack(found)


def _areas(size: int, cells: int) -> np.ndarray:
    """Return the share that each of ``size`` pixels has in each cell, (cells, size): rows add up to 1."""
    edges = np.arange(cells + 1) * size / cells
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(size)
    overlap = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return np.clip(overlap, 0, None) * cells / size
