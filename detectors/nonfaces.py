"""Images that are no faces: what detectors are trained and tested on.

Those that are made from nothing are drawn here, those of real faces in ``altered_faces``. All functions return uint8
arrays (N, 64, 64, 3), RGB. ``TRAINED`` kinds may be used for training; ``UNSEEN`` kinds are for testing alone.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from altered_faces import (
    SIZE,
    Images,
    bands_repeated,
    blurred,
    displaced,
    mean_faces,
    middle_turned,
    mosaics,
    patch_shuffled,
    pca_samples,
    phase_randomised,
    polar,
    quarters_shuffled,
    swirled,
    two_bottom_halves,
    two_top_halves,
    upside_down,
    warped,
)
from PIL import Image, ImageDraw


def face_blobs(count: int, rng: np.random.Generator) -> Images:
    """Draw five soft blobs laid out like hair, skin, eyes and mouth, as an early GAN does."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    images = np.empty((count, SIZE, SIZE, 3), np.float32)
    for image in images:
        eye = rng.uniform(20, 150, 3)
        image[:] = rng.uniform(100, 255, 3)
        for (cx, cy), (rx, ry), wobble, colour in (
            ((32, 28), (26, 28), 2.5, rng.uniform(30, 230, 3)),
            ((32, 38), (16, 18), 2.0, rng.normal((245, 215, 195), 12)),
            ((23, 38), (4, 5), 0.8, eye),
            ((41, 38), (4, 5), 0.8, eye),
            ((32, 50), (3, 1.2), 0.3, (200, 110, 110)),
        ):
            cx, cy, rx, ry = np.array((cx, cy, rx, ry)) + rng.normal(0, wobble, 4)
            image[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = colour
    return blurred(np.clip(images, 0, 255).astype(np.uint8), 2)


def colour_noise(count: int, rng: np.random.Generator) -> Images:
    """Draw smooth random colours: blobs with no layout."""
    coarse = rng.uniform(60, 255, (count, 5, 5, 3)).astype(np.float32)
    smooth = [cv2.resize(c, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for c in coarse]
    return np.clip(np.stack(smooth), 0, 255).astype(np.uint8)


def textures(count: int, rng: np.random.Generator) -> Images:
    """Draw gradients, stripes and checks."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    images = []
    for i in range(count):
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(1, 8)
        t = np.cos(angle) * x + np.sin(angle) * y
        value = [t, 0.5 + 0.5 * np.sin(2 * np.pi * frequency * t), (np.floor(x * 8) + np.floor(y * 8)) % 2][i % 3]
        low, high = rng.uniform(0, 255, (2, 3))
        images.append(low + (high - low) * value[:, :, None])
    return np.clip(np.stack(images), 0, 255).astype(np.uint8)


def noise(count: int, rng: np.random.Generator) -> Images:
    """Draw noise whose grain and strength vary, from single pixels to clouds."""
    images = []
    for _ in range(count):
        side = int(rng.choice([8, 16, 32, 64]))
        grain = rng.normal(rng.uniform(40, 215, 3), rng.uniform(10, 90), (side, side, 3)).astype(np.float32)
        images.append(
            cv2.resize(grain, (SIZE, SIZE), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_NEAREST])))
        )
    return np.clip(np.stack(images), 0, 255).astype(np.uint8)


def photo_crops(photos: list[np.ndarray], count: int, rng: np.random.Generator) -> Images:
    """Cut squares of all sizes out of photographs."""
    crops = []
    for _ in range(count):
        photo = photos[rng.integers(len(photos))]
        side = int(rng.integers(48, min(photo.shape[:2])))
        top, left = (int(rng.integers(0, length - side + 1)) for length in photo.shape[:2])
        crops.append(
            cv2.resize(photo[top : top + side, left : left + side], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        )
    return np.stack(crops)


def training_photos() -> list[np.ndarray]:
    """Return the photographs that scikit-image ships (public domain or CC0), but those that show people."""
    from skimage import data

    return [np.asarray(getattr(data, name)())[..., :3] for name in ("coffee", "cat", "rocket")] + [
        np.repeat(np.asarray(getattr(data, name)())[..., None], 3, 2)
        for name in ("coins", "page", "clock", "moon", "text")
    ]


def unseen_photos() -> list[np.ndarray]:
    """Return the two photographs that scikit-learn ships (CC BY): a temple and a flower."""
    from sklearn.datasets import load_sample_images

    return list(load_sample_images().images)


def lettering(count: int, rng: np.random.Generator) -> Images:
    """Write letters and draw lines on plain paper."""
    images = []
    for _ in range(count):
        ink, paper = (tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(2))
        image = Image.new("RGB", (SIZE, SIZE), paper)
        pen = ImageDraw.Draw(image)
        for row in range(0, SIZE, 11):
            pen.text((int(rng.integers(-4, 6)), row), "".join(rng.choice(list("abcdefgOQXW@&%#0123"), 12)), fill=ink)
        for _ in range(int(rng.integers(0, 5))):
            pen.line([tuple(int(v) for v in rng.integers(0, SIZE, 2)) for _ in range(2)], fill=ink, width=2)
        images.append(np.asarray(image))
    return np.stack(images)


Maker = Callable[[Images, np.random.Generator], Images]

TRAINED: dict[str, Maker] = {
    "patches 4x4": lambda faces, rng: patch_shuffled(faces, rng, 4),
    "patches 2x2": quarters_shuffled,
    "patches 8x8": lambda faces, rng: patch_shuffled(faces, rng, 8),
    "bands displaced": displaced,
    "middle turned": middle_turned,
    "warped": warped,
    "bands repeated": bands_repeated,
    "polar": polar,
    "two bottom halves": lambda faces, rng: two_bottom_halves(faces),
    "upside down": lambda faces, rng: upside_down(faces),
    "blur 5": lambda faces, rng: blurred(faces, float(rng.uniform(4, 9))),
    "PCA samples": lambda faces, rng: pca_samples(faces[:1500], len(faces), rng),
    "mean of several": lambda faces, rng: mean_faces(faces, int(rng.integers(4, 21)), rng),
    "face blobs": lambda faces, rng: face_blobs(len(faces), rng),
    "colour noise": lambda faces, rng: colour_noise(len(faces), rng),
    "noise": lambda faces, rng: noise(len(faces), rng),
    "textures": lambda faces, rng: textures(len(faces), rng),
    "photographs": lambda faces, rng: photo_crops(training_photos(), len(faces), rng),
}
UNSEEN: dict[str, Maker] = {
    "other photographs": lambda faces, rng: photo_crops(unseen_photos(), len(faces), rng),
    "phases shuffled": phase_randomised,
    "two top halves": lambda faces, rng: two_top_halves(faces),
    "swirled": swirled,
    "mosaics": mosaics,
    "lettering": lambda faces, rng: lettering(len(faces), rng),
}
