"""Measures of layout: borders, where things are in the frame, and how alike left and right are."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

CELLS = 8  # a side, of the coarse gray picture
COARSE = 4  # a side, of the coarse picture of colours and of detail
DEPTH = 12  # lines from each side between which steps are measured
SIDES = ("top", "bottom", "left", "right")
NAMES = (
    *(f"edge {side}" for side in SIDES),
    *(f"edge light {side}" for side in SIDES),
    *(f"step {depth} {side}" for side in SIDES for depth in range(DEPTH)),
    "mirror", "mirror detail", "mirror exact",
    *(f"cell {y} {x}" for y in range(CELLS) for x in range(CELLS)),
    *(f"{colour} {y} {x}" for colour in ("blue", "red", "detail") for y in range(COARSE) for x in range(COARSE)),
)  # fmt: skip


def layout(luma: np.ndarray, blue: np.ndarray, red: np.ndarray) -> np.ndarray:
    """Return the measures ``NAMES`` of images.

    Args:
        luma: float32 (n, H, W), 0 to 255.
        blue: float32 (n, H, W), blue less luma.
        red: likewise.

    Returns:
        float32 (n, M).
    """
    n = len(luma)
    sides = (luma, luma[:, ::-1], luma.transpose(0, 2, 1), luma.transpose(0, 2, 1)[:, ::-1])
    found = [np.stack([np.log(side[:, 0].std(1) + 0.5) for side in sides], axis=1)]
    found.append(np.stack([side[:, 0].mean(1) for side in sides], axis=1))
    found += [np.log(np.abs(np.diff(_lines(side), axis=1)).mean(2) + 0.5) for side in sides]
    found.append(_mirror(luma))
    centred = luma - luma.mean(axis=(1, 2), keepdims=True)
    centred /= centred.std(axis=(1, 2), keepdims=True) + 4
    found.append(_cells(centred, CELLS))
    for part in (blue, red):
        own = part - part.mean(axis=(1, 2), keepdims=True)
        found.append(_cells(own / (own.std(axis=(1, 2), keepdims=True) + 4), COARSE))
    detail = np.zeros_like(luma)
    detail[:, :-1, :-1] = np.abs(luma[:, 1:, :-1] - luma[:, :-1, :-1]) + np.abs(luma[:, :-1, 1:] - luma[:, :-1, :-1])
    detail = np.log(_cells(detail, COARSE) + 1)
    found.append(detail - detail.mean(axis=1, keepdims=True))
    return np.concatenate([part.reshape(n, -1) for part in found], axis=1).astype(np.float32)


def _lines(side: np.ndarray) -> np.ndarray:
    """Return the lines nearest to a side, (n, DEPTH + 1, length); the last one again where an image is smaller."""
    return side[:, np.minimum(np.arange(DEPTH + 1), side.shape[1] - 1)]


def _mirror(luma: np.ndarray) -> np.ndarray:
    """Return how much an image differs from its mirror image: as it is, in detail alone, and in how many pixels."""
    other = luma[:, :, ::-1]
    difference = np.abs(luma - other)
    fine = luma[:, :, 1:] - luma[:, :, :-1]
    turned = -fine[:, :, ::-1]
    spread = luma.std(axis=(1, 2)) + 4
    return np.stack(
        [
            np.log(difference.mean((1, 2)) / spread + 0.02),
            np.log((np.abs(fine - turned).mean((1, 2)) + 0.2) / (np.abs(fine).mean((1, 2)) + 0.2) + 0.02),
            np.log((difference <= 1).mean((1, 2)) + 0.02),
        ],
        axis=1,
    )


def _cells(images: np.ndarray, count: int) -> np.ndarray:
    """Return the means of ``count`` x ``count`` cells, (n, count ** 2)."""
    rows, columns = _shares(images.shape[1], count), _shares(images.shape[2], count)
    return np.asarray(rows @ images @ columns.T).reshape(len(images), -1)


@lru_cache(maxsize=16)
def _shares(size: int, count: int) -> np.ndarray:
    """Return the share of each of ``size`` pixels in each of ``count`` equal parts, (count, size) float32."""
    edges = np.linspace(0, size, count + 1)
    start, end = np.arange(size), np.arange(1, size + 1)
    shares = np.clip(np.minimum(end, edges[1:, None]) - np.maximum(start, edges[:-1, None]), 0, 1)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
