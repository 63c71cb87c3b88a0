"""Faults of detail: too little of it, too much of it, and the marks of networks, of files and of few colours."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

from blemishes.colours import rounded


def blur(images: np.ndarray, radius: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Blur by a Gaussian of this standard deviation, pixels."""
    del sign, rng
    smooth = ImageFilter.GaussianBlur(radius)
    return np.stack([np.asarray(Image.fromarray(image).filter(smooth)) for image in images])


def grain(images: np.ndarray, sigma: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Add noise, of every pixel and channel its own, of this standard deviation."""
    del sign
    return rounded(images + rng.normal(0, sigma, images.shape))


def checkerboard(images: np.ndarray, amplitude: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Add what a transposed convolution of uneven overlap leaves: columns, rows and squares of every second pixel.

    Its strength differs from image to image, by half to one and a half of the amplitude.
    """
    y, x = np.indices(images.shape[1:3])
    pattern = ((-1.0) ** x + (-1.0) ** y + (-1.0) ** (x + y)) / 3
    strength = sign * amplitude * rng.uniform(0.5, 1.5, (len(images), 1, 1, 1))
    return rounded(images + strength * pattern[None, :, :, None])


def jpeg(images: np.ndarray, quality: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Compress at this quality, and decode."""
    del sign, rng
    return np.stack([_compressed(image, round(quality)) for image in images])


def _compressed(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def banding(images: np.ndarray, levels: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Leave so many values to each channel, from 0 to 255 in equal steps."""
    del sign, rng
    step = 255 / (levels - 1)
    return rounded(np.rint(images / step) * step)
