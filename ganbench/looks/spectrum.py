"""Measures of the spectrum: power by frequency, and the peaks that transposed convolutions leave."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

BANDS = 12  # rings of frequencies, up to the corners
COARSE = 4  # of colour differences
# Patterns that repeat every 2 or 4 pixels: cycles a pixel, along rows and along columns.
PEAKS = ((0.0, 0.5), (0.5, 0.0), (0.5, 0.5), (0.0, 0.25), (0.25, 0.0), (0.25, 0.25), (0.25, 0.5), (0.5, 0.25))
NAMES = (
    *(f"power {i}" for i in range(BANDS)),
    *(f"colour power {i}" for i in range(COARSE)),
    *(f"peak {y:g} {x:g}" for y, x in PEAKS),
    *(f"about {y:g} {x:g}" for y, x in PEAKS[:3]),
)
_FLOOR = 1e-3  # of a power, in squared levels a pixel: below rounding
_NEAR = 3 / 64  # cycles a pixel


def spectrum(luma: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Return the measures ``NAMES`` of images.

    Args:
        luma: float32 (n, H, W), 0 to 255.
        differences: float32 (n, H, W), red less luma plus blue less luma.

    Returns:
        float32 (n, M): logarithms of mean power, in squared levels.
    """
    height, width = luma.shape[1:]
    window, rings, coarse, near = _masks(height, width)
    power = _power(luma, window)
    found = [np.log(power @ rings + _FLOOR), np.log(_power(differences, window) @ coarse + _FLOOR)]
    found += [np.log(_peaks(luma) + _FLOOR), np.log(power @ near + _FLOOR)]
    return np.concatenate(found, axis=1).astype(np.float32)


def _power(images: np.ndarray, window: np.ndarray) -> np.ndarray:
    n, size = len(images), images.shape[1] * images.shape[2]
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    waves = np.fft.rfft2(centred * window)
    return ((waves.real**2 + waves.imag**2).reshape(n, -1) / size).astype(np.float32)


def _peaks(luma: np.ndarray) -> np.ndarray:
    """Return the squared amplitude of each pattern of ``PEAKS``, all over the image, (n, P)."""
    # Neighbours are taken from each other first: what changes slowly has no part in a pattern.
    sharp = luma - luma.mean(axis=(1, 2), keepdims=True)
    found = []
    for y, x in PEAKS:
        rows = np.exp(-2j * np.pi * y * np.arange(luma.shape[1])) / luma.shape[1]
        columns = np.exp(-2j * np.pi * x * np.arange(luma.shape[2])) / luma.shape[2]
        along = np.einsum("nhw,h->nw", sharp, rows.astype(np.complex64)) @ columns.astype(np.complex64)
        found.append(np.abs(along) ** 2)
    return np.stack(found, axis=1)


@lru_cache(maxsize=8)
def _masks(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the window (H, W), and the shares of frequencies in rings, coarse rings and about three peaks."""
    window = np.outer(np.hanning(height + 1)[:height], np.hanning(width + 1)[:width])
    window /= np.sqrt((window**2).mean())
    y, x = np.abs(np.fft.fftfreq(height))[:, None], np.fft.rfftfreq(width)[None]
    radius = np.hypot(y, x) / np.sqrt(0.5)
    return window.astype(np.float32), _rings(radius, BANDS), _rings(radius, COARSE), _about(y, x)


def _rings(radius: np.ndarray, count: int) -> np.ndarray:
    edges = np.linspace(0, 1, count + 1)
    edges[0], edges[-1] = 1e-9, 1.0 + 1e-9
    part = np.searchsorted(edges, radius.ravel(), side="right") - 1
    shares = (part[:, None] == np.arange(count)).astype(np.float32)
    return shares / np.maximum(shares.sum(axis=0), 1)


def _about(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    masks = [((np.abs(y - p) <= _NEAR) & (np.abs(x - q) <= _NEAR)).ravel() for p, q in PEAKS[:3]]
    shares = np.stack(masks, axis=1).astype(np.float32)
    return shares / np.maximum(shares.sum(axis=0), 1)
