"""Kinds of non-faces for a last test: drawn up after yolo-nano and its threshold were fixed, and never chosen by.

Like ``nonfaces.py``: uint8 arrays (N, 64, 64, 3), RGB. Do not train on these, and do not choose a threshold, a network
or another kind after a look at what they say; once that has happened, they belong into ``nonfaces.py``.
"""

from __future__ import annotations

import cv2
import numpy as np
from altered_faces import SIZE, Images, bent
from nonfaces import Maker, photo_crops


def columns_shuffled(faces: Images, rng: np.random.Generator) -> Images:
    """Cut every face into eight upright strips and shuffle them."""
    strips = np.stack(np.split(faces, 8, axis=2), axis=1)
    shuffled = [face[_shuffle(8, rng)] for face in strips]
    return np.concatenate(np.swapaxes(np.stack(shuffled), 0, 1), axis=2)


def _shuffle(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return an order in which at most half of the things stay in their place."""
    while True:
        order = rng.permutation(count)
        if (order == np.arange(count)).sum() <= count // 2:
            return order


def halves_exchanged(faces: Images) -> Images:
    """Exchange the left half and the right half: one half of the face at either edge, the ears in the middle."""
    return np.roll(faces, SIZE // 2, axis=2)


def inside_out(faces: Images, rng: np.random.Generator) -> Images:
    """Exchange middle and rim: what was at a distance r from the middle goes to 32 - r."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    out = []
    for face in faces:
        cx, cy = SIZE / 2 + rng.uniform(-4, 4, 2)
        radius = np.maximum(np.hypot(x - cx, y - cy), 0.5)
        scale = (SIZE / 2 - radius) / radius
        out.append(bent(face, cx + (x - cx) * scale, cy + (y - cy) * scale))
    return np.stack(out)


def kaleidoscopes(faces: Images, rng: np.random.Generator) -> Images:
    """Repeat a wedge of every face around its middle, every other time mirrored."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) - (SIZE - 1) / 2
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    out = []
    for face in faces:
        wedge = np.pi / int(rng.integers(3, 7))
        folded = np.abs((angle + np.pi) % (2 * wedge) - wedge) + rng.uniform(0, 2 * np.pi)
        columns, rows = (radius * f(folded) + (SIZE - 1) / 2 for f in (np.cos, np.sin))
        out.append(bent(face, columns, rows))
    return np.stack(out)


def patch_tiled(faces: Images, rng: np.random.Generator) -> Images:
    """Tile every picture with one patch of 16x16 pixels out of a face."""
    tops, lefts = rng.integers(0, SIZE - 15, (2, len(faces)))
    patches = [f[t : t + 16, left : left + 16] for f, t, left in zip(faces, tops, lefts, strict=True)]
    return np.stack([np.tile(patch, (4, 4, 1)) for patch in patches])


def waves(faces: Images, rng: np.random.Generator) -> Images:
    """Shift rows and columns of every face along sine waves of 8 to 14 pixels, 12 to 24 pixels long."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    out = []
    for face in faces:
        height, length, phase = rng.uniform(8, 14, 2), rng.uniform(12, 24, 2), rng.uniform(0, 2 * np.pi, 2)
        columns = x + height[0] * np.sin(2 * np.pi * y / length[0] + phase[0])
        rows = y + height[1] * np.sin(2 * np.pi * x / length[1] + phase[1])
        out.append(bent(face, columns, rows))
    return np.stack(out)


def julia_sets(count: int, rng: np.random.Generator) -> Images:
    """Draw Julia sets around c = 0.7885 exp(i a), in three random colours."""
    y, x = np.mgrid[-1.5 : 1.5 : SIZE * 1j, -1.5 : 1.5 : SIZE * 1j]
    images = []
    for _ in range(count):
        z = (x + 1j * y) * np.exp(1j * rng.uniform(0, 2 * np.pi)) * rng.uniform(0.5, 1)
        c = 0.7885 * np.exp(1j * rng.uniform(0, 2 * np.pi))
        steps = np.zeros((SIZE, SIZE))
        for _ in range(40):
            inside = np.abs(z) < 4
            z = np.where(inside, z * z + c, z)
            steps += inside
        colours = rng.uniform(0, 255, (3, 3))
        images.append(np.stack([np.interp(steps, (0, 12, 40), colours[:, channel]) for channel in range(3)], axis=-1))
    return np.stack(images).astype(np.uint8)


def spots(count: int, rng: np.random.Generator) -> Images:
    """Draw spots and stripes as of animals' coats: noise of one wavelength, cut off, in two or three colours."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE)[None])
    images = []
    for _ in range(count):
        band = np.exp(-(((frequency - 1 / rng.uniform(7, 20)) / 0.012) ** 2))
        field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIZE, SIZE))) * band).real
        field /= field.std()
        edges = np.sort(rng.uniform(-1, 1.5, int(rng.integers(1, 3))))
        colours = rng.uniform(20, 255, (len(edges) + 1, 3))
        images.append(cv2.GaussianBlur(colours[np.digitize(field, edges)], (0, 0), 0.6))
    return np.stack(images).astype(np.uint8)


def landscapes(count: int, rng: np.random.Generator) -> Images:
    """Draw landscapes in flat colours: sky, sun, hills, houses with two windows and a door, round trees."""
    images = []
    for _ in range(count):
        image = np.empty((SIZE, SIZE, 3), np.uint8)
        image[:] = _colour(rng, (120, 170, 220), 40)
        cv2.circle(
            image, _point(rng, 0, 24), int(rng.integers(4, 11)), _colour(rng, (250, 220, 120), 25), -1, cv2.LINE_AA
        )
        for base in (34, 46):
            across = np.arange(-4, SIZE + 5, 4)
            ridge = base + np.cumsum(rng.normal(0, 2.5, len(across)))
            outline = np.concatenate([np.stack([across, ridge], 1), [[SIZE + 4, SIZE + 4], [-4, SIZE + 4]]])
            cv2.fillPoly(image, [np.round(outline).astype(np.int32)], _colour(rng, (90, 150, 80), 50), cv2.LINE_AA)
        for _ in range(int(rng.integers(1, 4))):
            _house(image, rng) if rng.random() < 0.5 else _tree(image, rng)
        images.append(image)
    return np.stack(images)


def _house(image: np.ndarray, rng: np.random.Generator) -> None:
    left, top = _point(rng, 0, 44)
    width, height = (int(v) for v in rng.integers(14, 30, 2))
    wall, roof, glass = (
        _colour(rng, (235, 215, 190), 30),
        _colour(rng, (150, 80, 60), 50),
        _colour(rng, (90, 130, 180), 50),
    )
    cv2.rectangle(image, (left, top), (left + width, top + height), wall, -1)
    gable = np.array([[left - 3, top], [left + width + 3, top], [left + width // 2, top - height // 2]], np.int32)
    cv2.fillPoly(image, [gable], roof, cv2.LINE_AA)
    for share in (0.15, 0.6):
        x, y = left + round(share * width), top + height // 5
        cv2.rectangle(image, (x, y), (x + width // 4, y + height // 4), glass, -1)
    door = left + round(0.4 * width)
    cv2.rectangle(image, (door, top + height * 3 // 5), (door + width // 5, top + height), roof, -1)


def _tree(image: np.ndarray, rng: np.random.Generator) -> None:
    x, y = _point(rng, 10, 40)
    cv2.rectangle(image, (x - 2, y), (x + 2, y + 22), _colour(rng, (110, 75, 50), 25), -1)
    leaves = _colour(rng, (70, 140, 70), 60)
    for _ in range(4):
        dx, dy = (int(v) for v in rng.integers(-6, 7, 2))
        cv2.circle(image, (x + dx, y + dy), int(rng.integers(5, 11)), leaves, -1, cv2.LINE_AA)


def _colour(rng: np.random.Generator, around: tuple[int, int, int], spread: float) -> tuple[int, int, int]:
    return tuple(int(v) for v in np.clip(rng.normal(around, spread), 0, 255))


def _point(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    return int(rng.integers(0, SIZE)), int(rng.integers(low, high))


def science_photos() -> list[np.ndarray]:
    """Return more of the photographs that scikit-image ships (public domain or CC0): tissue, eye, sky, stone, lawn."""
    from skimage import data

    colour = [
        np.asarray(getattr(data, name)())[..., :3] for name in ("immunohistochemistry", "retina", "hubble_deep_field")
    ]
    grey = [
        np.repeat(np.asarray(getattr(data, name)())[..., None], 3, 2) for name in ("brick", "grass", "gravel", "cell")
    ]
    return colour + grey


UNTOUCHED: dict[str, Maker] = {
    "columns shuffled": columns_shuffled,
    "halves exchanged": lambda faces, rng: halves_exchanged(faces),
    "inside out": inside_out,
    "kaleidoscopes": kaleidoscopes,
    "one patch tiled": patch_tiled,
    "waves": waves,
    "Julia sets": lambda faces, rng: julia_sets(len(faces), rng),
    "spots and stripes": lambda faces, rng: spots(len(faces), rng),
    "drawn landscapes": lambda faces, rng: landscapes(len(faces), rng),
    "science photographs": lambda faces, rng: photo_crops(science_photos(), len(faces), rng),
}
