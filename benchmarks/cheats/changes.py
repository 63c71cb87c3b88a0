"""The fourteen changes that hide a copy from a distance threshold; each takes an image and gives another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from cheats.files import decoded, jpeg

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def recompress(image: np.ndarray, rng: np.random.Generator, quality: int) -> np.ndarray:
    """Return the image after JPEG."""
    del rng
    return decoded(jpeg(image, quality))


def mirror(image: np.ndarray, rng: np.random.Generator, quality: int | None = None) -> np.ndarray:
    """Return the mirror image, on request after JPEG."""
    mirrored = np.ascontiguousarray(image[:, ::-1])
    return mirrored if quality is None else recompress(mirrored, rng, quality)


def crop(image: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Return a part of the image, shorter by ``share`` on each axis and somewhere in it, stretched to the old size."""
    height, width = image.shape[:2]
    x, y = rng.uniform(0, share * width), rng.uniform(0, share * height)
    box = (x, y, x + width * (1 - share), y + height * (1 - share))
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC, box=box))


def shift(image: np.ndarray, rng: np.random.Generator, pixels: int) -> np.ndarray:
    """Return the image moved by so many pixels in one of eight directions, its edge repeated."""
    moves = [(dx, dy) for dx in (-pixels, 0, pixels) for dy in (-pixels, 0, pixels) if dx or dy]
    dx, dy = moves[rng.integers(len(moves))]
    padded = np.pad(image, ((pixels, pixels), (pixels, pixels), (0, 0)), "edge")
    height, width = image.shape[:2]
    return padded[pixels + dy : pixels + dy + height, pixels + dx : pixels + dx + width]


def brighten(image: np.ndarray, rng: np.random.Generator, factor: float) -> np.ndarray:
    """Return the image with all values multiplied."""
    del rng
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(image)).enhance(factor))


def saturate(image: np.ndarray, rng: np.random.Generator, factor: float) -> np.ndarray:
    """Return the image with its colours stronger or weaker."""
    del rng
    return np.asarray(ImageEnhance.Color(Image.fromarray(image)).enhance(factor))


def turn_hue(image: np.ndarray, rng: np.random.Generator, degrees: float | None = None) -> np.ndarray:
    """Return the image with its hues turned: by 20 to 40 degrees either way, or by so many."""
    if degrees is None:
        degrees = float(rng.uniform(20, 40) * rng.choice((-1, 1)))
    hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + degrees) % 360
    return to_bytes(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255)


def add_noise(image: np.ndarray, rng: np.random.Generator, sigma: float) -> np.ndarray:
    """Return the image with Gaussian noise."""
    return to_bytes(image + rng.normal(0, sigma, image.shape))


def turn(image: np.ndarray, rng: np.random.Generator, degrees: float) -> np.ndarray:
    """Return the image turned either way, its corners black, as Pillow does it."""
    turned = Image.fromarray(image).rotate(float(degrees * rng.choice((-1, 1))), Image.Resampling.BICUBIC)
    return np.asarray(turned)


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Return values of 0..255 as uint8, rounded."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


# In the order in which a pair is applied: geometry, then colour, then noise, then compression. "none" and "lanczos" are
# ways to bring the training image to the size, and come before all.
CHANGES: dict[str, Change] = {
    "mirrored": mirror,
    "cropped-4": partial(crop, share=0.04),
    "cropped-10": partial(crop, share=0.10),
    "turned-5": partial(turn, degrees=5),
    "shifted-2": partial(shift, pixels=2),
    "brightness-1.15": partial(brighten, factor=1.15),
    "saturation-1.3": partial(saturate, factor=1.3),
    "hue": turn_hue,
    "noise-8": partial(add_noise, sigma=8),
    "jpeg-85": partial(recompress, quality=85),
    "jpeg-50": partial(recompress, quality=50),
    "mirrored-jpeg-75": partial(mirror, quality=75),
}
LANCZOS = "lanczos"
UNDONE = frozenset({("mirrored", "mirrored-jpeg-75")})  # a pair that gives the image back


def change_all(images: np.ndarray, rng: np.random.Generator, *changes: Change) -> np.ndarray:
    """Return all images, each changed by every change in turn."""
    out = []
    for image in images:
        for change in changes:
            image = change(image, rng)
        out.append(image)
    return np.stack(out)
