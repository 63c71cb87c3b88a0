"""Faces that are none any more: real ones, cut up, bent, mixed, or turned to something else.

All functions take and return uint8 arrays (N, 64, 64, 3), RGB.
"""

from __future__ import annotations

import cv2
import numpy as np

Images = np.ndarray
SIZE = 64


def patch_shuffled(faces: Images, rng: np.random.Generator, grid: int = 4) -> Images:
    """Cut every face into grid x grid patches and shuffle them: the colours of a face without its layout."""
    n, side = len(faces), faces.shape[1] // grid
    patches = faces.reshape(n, grid, side, grid, side, 3).swapaxes(2, 3).reshape(n, grid * grid, side, side, 3)
    shuffled = np.stack([p[rng.permutation(grid * grid)] for p in patches])
    return shuffled.reshape(n, grid, grid, side, side, 3).swapaxes(2, 3).reshape(faces.shape)


def quarters_shuffled(faces: Images, rng: np.random.Generator) -> Images:
    """Shuffle quarters; where chance put all of them back, turn the face over."""
    shuffled = patch_shuffled(faces, rng, 2)
    same = (shuffled == faces).all((1, 2, 3))
    shuffled[same] = upside_down(faces[same])
    return shuffled


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
