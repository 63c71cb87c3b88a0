"""Faults of colour, in the luma and chroma of ITU-R BT.601, so that each changes one thing and leaves the others."""

from __future__ import annotations

import numpy as np

_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_TO_RGB = np.linalg.inv(_TO_YCC).astype(np.float32)


def to_ycc(images: np.ndarray) -> np.ndarray:
    """Return luma 0..255 and two chroma numbers around 0, float32 (n, H, W, 3)."""
    return images.astype(np.float32) @ _TO_YCC.T


def to_rgb(ycc: np.ndarray) -> np.ndarray:
    """Return uint8 images; what no screen can show is cut."""
    return rounded(ycc @ _TO_RGB.T)


def rounded(values: np.ndarray) -> np.ndarray:
    """Return uint8 of values of 0..255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def turn_hue(images: np.ndarray, degrees: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Turn all colours by an angle around gray."""
    del rng
    ycc, angle = to_ycc(images), np.deg2rad(sign * degrees)
    b, r = ycc[..., 1].copy(), ycc[..., 2].copy()
    ycc[..., 1], ycc[..., 2] = b * np.cos(angle) - r * np.sin(angle), b * np.sin(angle) + r * np.cos(angle)
    return to_rgb(ycc)


def change_saturation(images: np.ndarray, share: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Take a share of the chroma away, or add as much as gives a set from which taking the share leads back."""
    del rng
    ycc = to_ycc(images)
    ycc[..., 1:] *= _factor(share, sign)
    return to_rgb(ycc)


def change_brightness(images: np.ndarray, levels: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Make everything lighter or darker by the same amount of luma."""
    del rng
    ycc = to_ycc(images)
    ycc[..., 0] += sign * levels
    return to_rgb(ycc)


def change_contrast(images: np.ndarray, share: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Bring the luma of every image nearer to its own mean by a share of the way, or the reverse of that."""
    del rng
    ycc = to_ycc(images)
    middle = ycc[..., 0].mean((1, 2), keepdims=True)
    ycc[..., 0] = middle + (ycc[..., 0] - middle) * _factor(share, sign)
    return to_rgb(ycc)


def _factor(share: float, sign: int) -> float:
    return 1 - share if sign < 0 else 1 / (1 - share)


def hue(images: np.ndarray) -> float:
    """Return the angle of the mean chroma, degrees."""
    b, r = to_ycc(images)[..., 1:].mean((0, 1, 2))
    return float(np.rad2deg(np.arctan2(r, b)))


def saturation(images: np.ndarray) -> float:
    """Return the mean length of the chroma."""
    return float(np.hypot(*np.moveaxis(to_ycc(images)[..., 1:], -1, 0)).mean())


def brightness(images: np.ndarray) -> float:
    """Return the mean luma."""
    return float(to_ycc(images)[..., 0].mean())


def contrast(images: np.ndarray) -> float:
    """Return the mean spread of luma within an image."""
    return float(to_ycc(images)[..., 0].std((1, 2)).mean())
