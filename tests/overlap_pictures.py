"""Pictures of sources that overlap: blobs of colour, and folders of them."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def blobs_of_colour(seed: int, count: int = 16) -> np.ndarray:
    """Return pictures that differ: blobs of colour, uint8 (count, 64, 64, 3)."""
    blobs = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3)).astype(np.uint8)
    return np.stack([cv2.resize(one, (64, 64), interpolation=cv2.INTER_CUBIC) for one in blobs])


def recompressed(image: np.ndarray) -> np.ndarray:
    """Return an image as JPEG leaves it."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=80)
    return np.asarray(Image.open(buffer))


def write_folder(folder: Path, images: np.ndarray) -> Path:
    """Write images as ``1.png`` ... into a new folder; returns it."""
    folder.mkdir()
    for number, image in enumerate(images, 1):
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder
