"""Pictures that nobody has seen before: what the tests of copies are made from."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def picture(rng: np.random.Generator) -> np.ndarray:
    """Return a picture like no other: shapes of many colours on a shaded ground, uint8 (64, 64, 3)."""
    image = cv2.resize(rng.integers(0, 256, (3, 3, 3), np.uint8), (64, 64), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(6, 14)):
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        centre = tuple(int(value) for value in rng.integers(0, 64, 2))
        if rng.random() < 0.5:
            axes = tuple(int(value) for value in rng.integers(3, 22, 2))
            cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = (np.array(centre) + rng.integers(-24, 25, (4, 2))).astype(np.int32)
            cv2.fillPoly(image, [corners], colour, cv2.LINE_AA)
    return image


def pictures(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([picture(rng) for _ in range(count)])


def save(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for number, image in enumerate(images, 1):
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder
