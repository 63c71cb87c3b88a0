"""Alterations of colour."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
MIDDLES = ("grey", "own")  # what contrast is spread about: the middle of all levels, or the mean of each image
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def rounded(levels: np.ndarray) -> np.ndarray:
    """Return float levels as uint8, cut off at 0 and 255."""
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def times(factor: float) -> Change:
    """Return what makes images lighter or darker by a factor."""
    return lambda pixels, rng: rounded(pixels * np.float32(factor))


def plus(levels: float) -> Change:
    """Return what adds levels."""
    return lambda pixels, rng: rounded(pixels + np.float32(levels))


def gamma(power: float) -> Change:
    """Return what bends the middle tones."""
    table = rounded(255 * (np.arange(256) / 255) ** power)
    return lambda pixels, rng: table[pixels]


def warmth(factor: float) -> Change:
    """Return what makes red stronger and blue weaker."""
    factors = np.array([factor, 1, 1 / factor], np.float32)
    return lambda pixels, rng: rounded(pixels * factors)


def contrast(factor: float, about: str) -> Change:
    """Return what spreads levels about the middle of their range, or about the mean of each image."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        levels = pixels.astype(np.float32)
        middle = np.float32(128) if about == "grey" else (levels @ LUMA).mean((1, 2)).reshape(-1, 1, 1, 1)
        return rounded(middle + factor * (levels - middle))

    return change


def saturation(factor: float) -> Change:
    """Return what moves colours away from, or towards, the grey of the same light."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        levels = pixels.astype(np.float32)
        grey = (levels @ LUMA)[..., None]
        return rounded(grey + factor * (levels - grey))

    return change


def hue(degrees: float) -> Change:
    """Return what turns the hue."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        flat = pixels.reshape(1, -1, 3)
        turned = cv2.cvtColor(flat.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
        turned[..., 0] = (turned[..., 0] + degrees) % 360
        return rounded(255 * cv2.cvtColor(turned, cv2.COLOR_HSV2RGB)).reshape(pixels.shape)

    return change


def swapped(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Swap red and blue."""
    del rng
    return np.ascontiguousarray(pixels[..., ::-1])


def tint(channel: int, factor: float) -> Change:
    """Return what makes one channel stronger or weaker."""
    factors = np.ones(3, np.float32)
    factors[channel] = factor
    return lambda pixels, rng: rounded(pixels * factors)


def levels(count: int) -> Change:
    """Return what leaves so many levels a channel."""
    step = 255 / (count - 1)
    table = rounded(np.rint(np.arange(256) / step) * step)
    return lambda pixels, rng: table[pixels]


def palette(count: int) -> Change:
    """Return what leaves so many colours in an image."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        few = (Image.fromarray(one).quantize(count, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
               for one in pixels)  # fmt: skip
        return np.stack([np.asarray(one.convert("RGB")) for one in few])

    return change
