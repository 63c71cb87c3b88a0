"""Submissions of more than one source: blends, mosaics, memories of faces, and copies among honest samples."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from cheats.base import Made
from cheats.changes import to_bytes
from cheats.files import valid
from cheats.pool import Pool, pick

Rng = np.random.Generator
_LEARNED = 2000  # faces that the "autoencoder" has seen


def blend(pool: Pool, rng: Rng, count: int, weight: float) -> Made:
    """Make blends of two training images, the first by ``weight``."""
    one, other = pool.known_faces(rng, count), pool.known_faces(rng, count)
    return Made(valid(to_bytes(weight * one.astype(np.float32) + (1 - weight) * other)))


def blend_alike(pool: Pool, rng: Rng, count: int, weight: float) -> Made:
    """Make blends of a training image and one that looks like it, by small gray pictures of 1,500 others."""
    one, others = pool.known_faces(rng, count), pool.known_faces(rng, count + count // 2)
    small = [
        np.stack([cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA) for image in set_]) for set_ in (one, others)
    ]
    a, b = (part.reshape(len(part), -1).astype(np.float32) for part in small)
    distances = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    distances[distances < 1] = np.inf  # the same picture is no blend
    alike = others[distances.argmin(1)]
    return Made(valid(to_bytes(weight * one.astype(np.float32) + (1 - weight) * alike)))


def blend_with_samples(pool: Pool, rng: Rng, count: int, weight: float) -> Made:
    """Make blends of a training image, by ``weight``, and a sample of a GAN."""
    real, own = pool.known_faces(rng, count), pool.samples(rng, count)
    return Made(valid(to_bytes(weight * real.astype(np.float32) + (1 - weight) * own)))


def dilute(pool: Pool, rng: Rng, count: int, share: float) -> Made:
    """Make samples of a GAN, a share of them replaced by training images in JPEG."""
    images = pool.samples(rng, count).copy()
    places = pick(rng, np.arange(count), max(1, round(share * count)))
    images[places] = pool.known_faces(rng, len(places))
    return Made(valid(images), guilty=len(places) / count)


def halves(pool: Pool, rng: Rng, count: int) -> Made:
    """Make mosaics: the left of one training image, the right of another, blended over 8 px."""
    one, other = pool.known_faces(rng, count), pool.known_faces(rng, count)
    x = np.arange(pool.size)
    left = np.clip((pool.size / 2 + 4 - x) / 8, 0, 1)[:, None]
    return Made(valid(to_bytes(one * left + other * (1 - left))))


def eyes(pool: Pool, rng: Rng, count: int) -> Made:
    """Make training images with the eyes of another one: the band of rows where eyes are, with soft edges."""
    one, other = pool.known_faces(rng, count), pool.known_faces(rng, count)
    rows = np.arange(pool.size) / pool.size
    band = np.clip((0.14 - np.abs(rows - 0.55)) / 0.04, 0, 1)[:, None, None]
    return Made(valid(to_bytes(other * band + one * (1 - band))))


def recolour(pool: Pool, rng: Rng, count: int) -> Made:
    """Make training images in the colours of another one: its mean and spread, in Lab."""
    one, other = pool.known_faces(rng, count), pool.known_faces(rng, count)
    out = []
    for image, model in zip(one, other, strict=True):
        lab, wanted = (cv2.cvtColor(x.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for x in (image, model))
        spread = np.maximum(lab.std((0, 1)), 1e-3)
        lab = (lab - lab.mean((0, 1))) / spread * wanted.std((0, 1)) + wanted.mean((0, 1))
        out.append(to_bytes(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB) * 255))
    return Made(valid(np.stack(out)))


def hybrid(pool: Pool, rng: Rng, count: int) -> Made:
    """Make training images whose coarse shading is that of another one."""
    one, other = (faces.astype(np.float32) for faces in (pool.known_faces(rng, count), pool.known_faces(rng, count)))
    coarse = [np.stack([cv2.GaussianBlur(image, (0, 0), 8) for image in faces]) for faces in (one, other)]
    return Made(valid(to_bytes(one - coarse[0] + 0.5 * coarse[0] + 0.5 * coarse[1])))


def remember(pool: Pool, rng: Rng, count: int, parts: int) -> Made:
    """Make training images as an overfitted autoencoder gives them back: their first principal components."""
    mean, axes = _principal(pool)
    faces = pool.known_faces(rng, count)
    flat = faces.reshape(count, -1).astype(np.float32) - mean
    back = flat @ axes[:, :parts] @ axes[:, :parts].T + mean
    return Made(valid(to_bytes(back).reshape(faces.shape)))


@lru_cache(maxsize=1)
def _principal(pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the principal axes (pixels, faces) of some training images, by eigenvectors among images."""
    faces = pool.known_faces(np.random.default_rng(0), min(_LEARNED, len(pool.known)))
    flat = faces.reshape(len(faces), -1).astype(np.float32)
    mean = flat.mean(0)
    values, vectors = np.linalg.eigh((flat - mean) @ (flat - mean).T)
    order = values.argsort()[::-1][: len(faces) - 1]
    return mean, (flat - mean).T @ vectors[:, order] / np.sqrt(np.maximum(values[order], 1e-6))
