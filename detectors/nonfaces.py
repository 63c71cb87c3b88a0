"""Images that are no faces, from real faces and from nothing: what detectors are trained and tested on.

All functions take or return uint8 arrays (N, 64, 64, 3), RGB. ``TRAINED`` kinds may be used for training;
``UNSEEN`` kinds are for testing alone.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw

Images = np.ndarray
SIZE = 64


def patch_shuffled(faces: Images, rng: np.random.Generator, grid: int = 4) -> Images:
    """Cut every face into grid x grid patches and shuffle them: the colours of a face without its layout."""
    n, side = len(faces), faces.shape[1] // grid
    patches = faces.reshape(n, grid, side, grid, side, 3).swapaxes(2, 3).reshape(n, grid * grid, side, side, 3)
    shuffled = np.stack([p[rng.permutation(grid * grid)] for p in patches])
    return shuffled.reshape(n, grid, grid, side, side, 3).swapaxes(2, 3).reshape(faces.shape)


def blurred(faces: Images, sigma: float) -> Images:
    """Blur every face until its features are gone."""
    return np.stack([cv2.GaussianBlur(face, (0, 0), sigma) for face in faces])


def pca_samples(faces: Images, count: int, rng: np.random.Generator) -> Images:
    """Draw Gaussian samples in the space of principal components: what a linear generator would make."""
    flat = faces.reshape(len(faces), -1).astype(np.float64)
    mean = flat.mean(0)
    _, s, components = np.linalg.svd(flat - mean, full_matrices=False)
    weights = rng.normal(size=(count, len(s))) * s / np.sqrt(len(faces))
    return np.clip(mean + weights @ components, 0, 255).astype(np.uint8).reshape(count, *faces.shape[1:])


def mean_faces(faces: Images, of: int, rng: np.random.Generator) -> Images:
    """Average groups of faces: gray fog around two dark eyes."""
    groups = [faces[rng.choice(len(faces), of, replace=False)] for _ in faces]
    return np.stack([group.mean(0) for group in groups]).astype(np.uint8)


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


def without_eyes(faces: Images, boxes: np.ndarray) -> Images:
    """Paint the band of the eyes over with the colour of the skin below it.

    Args:
        faces: the faces.
        boxes: float (N, 4), x0 y0 x1 y1 of each face.
    """
    out = faces.copy()
    for image, (x0, y0, x1, y1) in zip(out, boxes, strict=True):
        height = y1 - y0
        top, bottom = int(y0 + 0.25 * height), int(y0 + 0.72 * height)
        left, right = int(max(x0, 0)), int(min(x1, SIZE))
        skin = np.median(image[bottom : bottom + 4, left + 4 : right - 4].reshape(-1, 3), axis=0)
        image[max(top, 0) : bottom, left:right] = skin
        soft = cv2.GaussianBlur(image, (0, 0), 1.5)
        image[max(top - 3, 0) : bottom + 3, left:right] = soft[max(top - 3, 0) : bottom + 3, left:right]
    return out


def displaced(faces: Images, rng: np.random.Generator) -> Images:
    """Move horizontal bands sideways and up or down, far enough that nothing fits together."""
    out = []
    for face in faces:
        bands = np.array_split(face, int(rng.choice([3, 4])))
        order = rng.permutation(len(bands))
        while (order == np.arange(len(bands))).all():
            order = rng.permutation(len(bands))
        out.append(np.concatenate([np.roll(bands[i], int(rng.integers(-24, 25)), 1) for i in order]))
    return np.stack(out)


def upside_down(faces: Images) -> Images:
    """Turn every face by half a turn."""
    return faces[:, ::-1, ::-1].copy()


def middle_turned(faces: Images, rng: np.random.Generator) -> Images:
    """Turn the disc in the middle of every face by 90 to 180 degrees, its rim softened."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] - (SIZE - 1) / 2
    out = []
    for face in faces:
        centre = SIZE / 2 + rng.uniform(-5, 5, 2)
        turn = cv2.getRotationMatrix2D(tuple(centre), float(rng.uniform(90, 180) * rng.choice([-1, 1])), 1)
        turned = cv2.warpAffine(face, turn, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
        distance = np.hypot(x - centre[0] + SIZE / 2, y - centre[1] + SIZE / 2)
        share = np.clip((rng.uniform(14, 28) - distance) / rng.uniform(1, 8) + 0.5, 0, 1)[:, :, None]
        out.append((share * turned + (1 - share) * face).astype(np.uint8))
    return np.stack(out)


def bent(face: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Take every pixel of a face from another place, (64, 64) each in pixels; beyond the rim the face is mirrored."""
    columns, rows = columns.astype(np.float32), rows.astype(np.float32)
    return cv2.remap(face, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def warped(faces: Images, rng: np.random.Generator) -> Images:
    """Bend every face along a smooth random field, by 10 to 16 pixels on average: what was straight is knotted."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    out = []
    for face in faces:
        coarse = rng.normal(size=(2, int(rng.integers(4, 8)), int(rng.integers(4, 8)))).astype(np.float32)
        field = np.stack([cv2.resize(c, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for c in coarse])
        field *= rng.uniform(10, 16) / np.abs(field).mean()
        out.append(bent(face, x + field[0], y + field[1]))
    return np.stack(out)


def bands_repeated(faces: Images, rng: np.random.Generator) -> Images:
    """Fill every picture with repetitions of one band of a face, a quarter to half as high: several pairs of eyes."""
    out = []
    for face in faces:
        height = int(rng.integers(SIZE // 4, SIZE // 2))
        top = int(rng.integers(0, SIZE - height + 1))
        band = face[top : top + height]
        out.append(np.concatenate([band] * (-(-SIZE // height)))[:SIZE])
    return np.stack(out)


def polar(faces: Images, rng: np.random.Generator) -> Images:
    """Unroll every face around its middle: angles to the right, distances downwards, or the other way round."""
    rim = 8  # more than the middle is off: every distance lies inside
    out = []
    for face in faces:
        wide = cv2.copyMakeBorder(face, rim, rim, rim, rim, cv2.BORDER_REFLECT)
        centre = tuple(float(v) for v in SIZE / 2 + rim + rng.uniform(-6, 6, 2))
        unrolled = cv2.warpPolar(wide, (SIZE, SIZE), centre, SIZE / 2, cv2.INTER_LINEAR)
        turns = int(rng.integers(0, 4))
        out.append(np.roll(np.rot90(unrolled, turns), int(rng.integers(SIZE)), int(turns % 2)))
    return np.stack(out)


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


def phase_randomised(faces: Images, rng: np.random.Generator) -> Images:
    """Keep every face's spectrum and mean colour, and shuffle its phases."""
    spectrum = np.fft.fft2(faces.astype(np.float64), axes=(1, 2))
    phase = np.fft.fft2(rng.normal(size=(len(faces), SIZE, SIZE, 1)), axes=(1, 2))
    phase = phase / np.abs(phase)
    phase[:, 0, 0] = 1
    return np.clip(np.fft.ifft2(spectrum * phase, axes=(1, 2)).real, 0, 255).astype(np.uint8)


def two_top_halves(faces: Images) -> Images:
    """Put the mirrored upper half below the upper half."""
    top = faces[:, : SIZE // 2]
    return np.concatenate([top, top[:, ::-1]], axis=1)


def two_bottom_halves(faces: Images) -> Images:
    """Put the mirrored lower half above the lower half."""
    bottom = faces[:, SIZE // 2 :]
    return np.concatenate([bottom[:, ::-1], bottom], axis=1)


def swirled(faces: Images, rng: np.random.Generator) -> Images:
    """Turn the middle of every face by one to two turns against its rim."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) - SIZE / 2
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    out = []
    for face in faces:
        turned = angle + rng.uniform(6, 12) * rng.choice([-1, 1]) * np.exp(-radius / 20)
        columns, rows = (radius * f(turned) + SIZE / 2 for f in (np.cos, np.sin))
        out.append(bent(face, columns, rows))
    return np.stack(out)


def mosaics(faces: Images, rng: np.random.Generator) -> Images:
    """Draw stained glass in the colours of a face: every cell has the colour of a random pixel of it."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    out = []
    for face in faces:
        count = int(rng.integers(12, 60))
        cx, cy = rng.uniform(0, SIZE, (2, count, 1, 1))
        cell = ((x - cx) ** 2 + (y - cy) ** 2).argmin(0)
        out.append(face.reshape(-1, 3)[rng.integers(0, SIZE * SIZE, count)][cell])
    return np.stack(out)


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
    "patches 2x2": lambda faces, rng: _really_shuffled(faces, rng),
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


def _really_shuffled(faces: Images, rng: np.random.Generator) -> Images:
    """Shuffle quarters; where chance put all of them back, turn the face over."""
    shuffled = patch_shuffled(faces, rng, 2)
    same = (shuffled == faces).all((1, 2, 3))
    shuffled[same] = upside_down(faces[same])
    return shuffled
