"""Faults of layout: what stands where in an image."""

from __future__ import annotations

import numpy as np
from PIL import Image


def frame(images: np.ndarray, opacity: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Lay a frame over the outermost pixel, dark or white, of this opacity: what wrong padding leaves.

    From an opacity above 1 on it is two pixels wide, and the second has what is above 1.
    """
    del rng
    framed, colour = images.astype(np.float32), 255.0 if sign > 0 else 0.0
    for ring, share in enumerate((min(opacity, 1.0), opacity - 1)):
        if share > 0:
            height, width = images.shape[1:3]
            rows, columns = np.indices((height, width))
            depth = np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns))
            framed[:, depth == ring] += share * (colour - framed[:, depth == ring])
    return np.rint(framed).astype(np.uint8)


def shift(images: np.ndarray, pixels: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Move all images by so many pixels to one side, drawn once for the set; what comes in is the mirrored edge."""
    del sign
    by, (dy, dx) = round(pixels), [(0, 1), (0, -1), (1, 0), (-1, 0)][rng.integers(4)]
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (by, by), (by, by), (0, 0)), "symmetric")
    return padded[:, by - dy * by : by - dy * by + height, by - dx * by : by - dx * by + width].copy()


def zoom(images: np.ndarray, factor: float, sign: int, rng: np.random.Generator, *, size: int = 64) -> np.ndarray:
    """Make what is seen larger (+) or smaller by a factor; around a smaller one lies its own mirror image.

    The images may be of any size, and those returned are ``size`` x ``size``. They are resized once, so that a larger
    face is as sharp as its file allows.
    """
    del rng
    return np.stack([_zoomed(image, factor, sign, size) for image in images])


def _zoomed(image: np.ndarray, factor: float, sign: int, size: int) -> np.ndarray:
    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    if sign > 0:
        cut_y, cut_x = height * (1 - 1 / factor) / 2, width * (1 - 1 / factor) / 2
        box = (cut_x, cut_y, width - cut_x, height - cut_y)
        return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, box=box))
    inner = round(size / factor)
    before = (size - inner) // 2
    margins = (before, size - inner - before)
    small = np.asarray(picture.resize((inner, inner), Image.Resampling.BICUBIC))
    return np.pad(small, (margins, margins, (0, 0)), "symmetric")


def mirror(images: np.ndarray, share: float, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Make this share of the images the same on the left and on the right: one half, and its mirror image."""
    half = images.shape[2] // 2
    mirrored = images.copy()
    for row in rng.permutation(len(images))[: round(share * len(images))]:
        if sign > 0:
            mirrored[row, :, -half:] = images[row, :, :half][:, ::-1]
        else:
            mirrored[row, :, :half] = images[row, :, -half:][:, ::-1]
    return mirrored
