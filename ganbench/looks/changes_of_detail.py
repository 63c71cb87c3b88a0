"""Alterations of detail: blur, grain, compression, and patterns of a few pixels."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageFilter

from ganbench.looks.changes_of_colour import LUMA, rounded

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


GRAINS = ("", " in grey", " in colour")


def each(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Return what changes images one by one."""
    return lambda pixels, rng: np.stack([change(one) for one in pixels])


def blur(radius: float) -> Change:
    """Return what blurs with a Gaussian of this standard deviation, pixels."""
    return each(lambda one: cv2.GaussianBlur(one, (0, 0), radius, borderType=cv2.BORDER_REFLECT))


def smaller(share: float) -> Change:
    """Return what brings images to a share of their side and back."""

    def change(one: np.ndarray) -> np.ndarray:
        height, width = one.shape[:2]
        size = max(1, round(width * share)), max(1, round(height * share))
        small = Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)
        return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))

    return each(change)


def boxes(radius: float) -> Change:
    """Return what blurs with the boxes by which Pillow makes a Gaussian."""
    return each(lambda one: np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(radius))))


def sharpen(amount: float) -> Change:
    """Return what adds so much of what a blur takes away."""
    percent = round(100 * amount)
    mask = ImageFilter.UnsharpMask(radius=1, percent=percent, threshold=0)
    return each(lambda one: np.asarray(Image.fromarray(one).filter(mask)))


def noise(sigma: float, of: str) -> Change:
    """Return what adds grain of a standard deviation, in levels: to all channels alike, to each, or to colour alone."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        shape = (*pixels.shape[:3], 1) if of == " in grey" else pixels.shape
        drawn = sigma * rng.standard_normal(shape, np.float32)
        if of == " in colour":
            drawn -= (drawn @ LUMA)[..., None]
        return rounded(pixels + drawn)

    return change


def spots(share: float) -> Change:
    """Return what makes a share of the pixels black or white."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        drawn = rng.random(pixels.shape[:3], np.float32)[..., None]
        found = np.where(drawn < share, np.where(drawn < share / 2, 0, 255), pixels)
        return found.astype(np.uint8)

    return change


def jpeg(quality: int, fine: bool) -> Change:
    """Return what compresses as JPEG, with colours at full resolution (``fine``) or at half."""

    def change(one: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(one).save(buffer, "JPEG", quality=quality, subsampling=0 if fine else 2)
        return np.asarray(Image.open(buffer).convert("RGB"))

    return each(change)


def pattern(y: int, x: int, period: int, levels: float) -> Change:
    """Return what adds a pattern that repeats along columns (``y``), rows (``x``) or both."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        return rounded(pixels + levels * _wave(pixels, y, x, period)[None, ..., None])

    return change


def uneven(share: float, period: int) -> Change:
    """Return what makes every other pixel, row and column stronger, as kernels that overlap unevenly do."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        rows, columns = _wave(pixels, 1, 0, period), _wave(pixels, 0, 1, period)
        return rounded(pixels * ((1 + share * rows) * (1 + share * columns))[None, ..., None])

    return change


def _wave(pixels: np.ndarray, y: int, x: int, period: int) -> np.ndarray:
    """Return a pattern of -1 and 1, (H, W) float32."""
    rows = np.where(np.arange(pixels.shape[1]) % period < period // 2, 1.0, -1.0) ** y
    columns = np.where(np.arange(pixels.shape[2]) % period < period // 2, 1.0, -1.0) ** x
    return np.outer(rows, columns).astype(np.float32)
