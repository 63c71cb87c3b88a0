"""Resize protocols as matrices.

Every resize that the field uses for these metrics is linear and separable: ``out = Wy @ image @ Wx.T``. Written as two
small matrices, one protocol is the same arithmetic in ONNX Runtime, on a CPU and on a GPU, needs no rounding to
bytes on the way, and costs a few per cent of the network behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ganbench.registry import Registry

RESIZES: Registry[Callable[[int, int], np.ndarray]] = Registry("resize protocol")


def resize_matrix(protocol: str, source: int, target: int) -> np.ndarray:
    """Return the matrix that resizes one axis.

    Args:
        protocol: a name in ``RESIZES``.
        source: length of the axis before, pixels.
        target: length after, pixels.

    Returns:
        float32 array (target, source); each row sums to 1.
    """
    return _cached_matrix(protocol, source, target)


@lru_cache(maxsize=64)
def _cached_matrix(protocol: str, source: int, target: int) -> np.ndarray:
    matrix = RESIZES[protocol](source, target).astype(np.float32)
    matrix.setflags(write=False)
    return matrix


def _cubic(x: np.ndarray, a: float = -0.5) -> np.ndarray:
    """Keys' cubic kernel (1981), support 2; a = -0.5 is what Pillow uses."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _pillow_bicubic(source: int, target: int) -> np.ndarray:
    """Antialiased bicubic with Pillow's window: the kernel widens with the shrink factor and is renormalised."""
    scale = source / target
    stretch = max(scale, 1.0)
    support = 2.0 * stretch
    matrix = np.zeros((target, source))
    for row in range(target):
        center = (row + 0.5) * scale
        first = max(int(center - support + 0.5), 0)
        last = min(int(center + support + 0.5), source)
        weights = _cubic((np.arange(first, last) - center + 0.5) / stretch)
        matrix[row, first:last] = weights / weights.sum()
    return matrix


def _bilinear(position: np.ndarray, source: int) -> np.ndarray:
    """Two-point interpolation at the given source positions; positions outside are clamped to the edge."""
    position = np.clip(position, 0, source - 1)
    low = np.minimum(np.floor(position).astype(int), source - 1)
    high = np.minimum(low + 1, source - 1)
    fraction = position - low
    rows = np.arange(len(position))
    matrix = np.zeros((len(position), source))
    np.add.at(matrix, (rows, low), 1 - fraction)
    np.add.at(matrix, (rows, high), fraction)
    return matrix


def _tf1_bilinear(source: int, target: int) -> np.ndarray:
    """TensorFlow 1's ``resize_bilinear(align_corners=False)``: corner-anchored, float32 positions, no antialias."""
    position = np.arange(target, dtype=np.float32) * np.float32(source / target)
    return _bilinear(position.astype(np.float64), source)


def _pytorch_fid_bilinear(source: int, target: int) -> np.ndarray:
    """``torch.nn.functional.interpolate(mode="bilinear", align_corners=False)``: half-pixel centres, no antialias.

    Positions are rounded to float32 as there.
    """
    position = (np.arange(target, dtype=np.float32) + np.float32(0.5)) * np.float32(source / target) - np.float32(0.5)
    return _bilinear(position.astype(np.float64), source)


RESIZES.add("bicubic-aa", _pillow_bicubic)
RESIZES.add("tf1", _tf1_bilinear)
RESIZES.add("pytorch-fid", _pytorch_fid_bilinear)
# clean-fid resizes each channel as a float image with Pillow's bicubic and does not round: the same matrix.
RESIZES.add("clean", _pillow_bicubic)
