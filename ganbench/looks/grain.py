"""Measures of the smallest detail: grain, the blocks of JPEG, and levels that are missing."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

BLOCK = 8  # pixels a side of a block of JPEG
FLATS = 3  # thresholds below which a coefficient counts as nothing
NAMES = (
    "grain", "colour grain", "single pixels", "roughness", "blocks across", "blocks along", "blocks of colour",
    *(f"empty {i}" for i in range(FLATS)), "empty colour", "levels", "colours", "equal neighbours",
)  # fmt: skip
_EMPTY = (0.5, 1.5, 4.0)


def grain(pixels: np.ndarray, luma: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Return the measures ``NAMES`` of images.

    Args:
        pixels: uint8 RGB (n, H, W, 3).
        luma: float32 (n, H, W), 0 to 255.
        differences: float32 (n, H, W), red less luma plus blue less luma.

    Returns:
        float32 (n, M).
    """
    grey, colour = _coefficients(luma), _coefficients(differences)
    found = [
        _median_detail(luma), _median_detail(differences), _single(luma), _roughness(luma),
        _steps(luma), _steps(luma.transpose(0, 2, 1)), _steps(differences),
        *((grey < limit).mean((1, 2)) for limit in _EMPTY), (colour < _EMPTY[0]).mean((1, 2)),
        *_levels(pixels),
    ]  # fmt: skip
    return np.stack(found, axis=1).astype(np.float32)


def _median_detail(images: np.ndarray) -> np.ndarray:
    """Return the logarithm of the median diagonal detail: of grain all over, and not of the edges of few pixels."""
    even = images[:, : images.shape[1] // 2 * 2, : images.shape[2] // 2 * 2]
    detail = np.abs(even[:, ::2, ::2] - even[:, 1::2, ::2] - even[:, ::2, 1::2] + even[:, 1::2, 1::2])
    return np.log(np.median(detail.reshape(len(images), -1), axis=1) + 0.5)


def _single(luma: np.ndarray) -> np.ndarray:
    """Return the logarithm of the share of pixels that stand far off all four neighbours."""
    middle = luma[:, 1:-1, 1:-1]
    around = np.stack([luma[:, :-2, 1:-1], luma[:, 2:, 1:-1], luma[:, 1:-1, :-2], luma[:, 1:-1, 2:]])
    off = np.maximum(middle - around.max(axis=0), around.min(axis=0) - middle)
    return np.log((off > 20).mean((1, 2)) + 1e-3)


def _roughness(luma: np.ndarray) -> np.ndarray:
    """Return the logarithm of the mean difference of a pixel from the mean of its neighbours."""
    around = (luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]) / 4
    return np.log(np.abs(luma[:, 1:-1, 1:-1] - around).mean((1, 2)) + 0.5)


def _steps(images: np.ndarray) -> np.ndarray:
    """Return how much larger steps across the borders of blocks are than others, as a logarithm."""
    bend = np.abs(images[:, :, 3:] - 3 * images[:, :, 2:-1] + 3 * images[:, :, 1:-2] - images[:, :, :-3]).mean(1)
    at = (np.arange(bend.shape[1]) + 2) % BLOCK == 0
    if not at.any():
        return np.zeros(len(images))
    return np.log((bend[:, at].mean(1) + 0.5) / (bend[:, ~at].mean(1) + 0.5))


def _coefficients(images: np.ndarray) -> np.ndarray:
    """Return the sizes of the finer half of the cosines of every block, (n, blocks, 36)."""
    n, height, width = len(images), images.shape[1] // BLOCK, images.shape[2] // BLOCK
    blocks = images[:, : height * BLOCK, : width * BLOCK].reshape(n, height, BLOCK, width, BLOCK)
    waves = _cosines()
    found = np.einsum("ui,nhiwj,vj->nhwuv", waves, blocks, waves, optimize=True).reshape(n, height * width, -1)
    order = np.add.outer(np.arange(BLOCK), np.arange(BLOCK)).ravel()
    return np.abs(found[:, :, order >= BLOCK - 1])


@lru_cache(maxsize=1)
def _cosines() -> np.ndarray:
    k, i = np.arange(BLOCK)[:, None], np.arange(BLOCK)[None]
    waves = np.cos(np.pi * (2 * i + 1) * k / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _levels(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logarithms of levels in use, of colours in use a pixel, and of the share of equal neighbours."""
    n = len(pixels)
    channels = pixels.reshape(n, -1, 3)
    size = channels.shape[1]
    number = (np.arange(n * 3).reshape(n, 1, 3) * 256 + channels).ravel()
    counts = np.bincount(number, minlength=n * 3 * 256).reshape(n, 3, 256)
    used = (counts > 0).sum((1, 2))
    packed = (channels[..., 0].astype(np.int32) << 16) | (channels[..., 1].astype(np.int32) << 8) | channels[..., 2]
    packed.sort(axis=1)
    colours = 1 + (packed[:, 1:] != packed[:, :-1]).sum(1)
    across = (pixels[:, :, 1:] == pixels[:, :, :-1]).mean((1, 2, 3))
    return np.log(used), np.log(colours / size), np.log(across + 1e-2)
