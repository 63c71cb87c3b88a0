"""Does `blends` tell pictures put together from two training images, and leave honest ones alone?

    python benchmarks/blends.py faces.zip --half fixing           # what its threshold was looked at on
    python benchmarks/blends.py faces.zip --half judged           # other training images, other held-out ones
    python benchmarks/blends.py faces.zip --half judged --generator RUN

The first 18,000 faces by name are known, the others held out; each half has its own of both. Prints, for every kind of
set, the share of images that one or two known ones explain from several thresholds on. Two minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from attacks import the_reference
from cheats import mixtures
from cheats.base import Made
from cheats.changes import to_bytes
from cheats.files import decoded, jpeg
from cheats.pool import Pool

from ganbench.metrics.blends import AHEAD, explain
from ganbench.statistics.signatures import signatures

LEVELS = (0.90, 0.92, 0.93, 0.94, 0.95)


def honest(pool: Pool, rng: np.random.Generator, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what nothing may be said against: held-out faces, as they are and made smooth or noisy, and samples."""
    fresh = pool.faces(pool.fresh)
    yield "held-out faces", fresh
    for sigma in (1, 2, 3):
        yield f"held-out faces, blurred by {sigma} px", np.stack([cv2.GaussianBlur(x, (0, 0), sigma) for x in fresh])
    yield "held-out faces, noise of 20", to_bytes(fresh + rng.normal(0, 20, fresh.shape))
    small = [cv2.resize(x, (16, 16), interpolation=cv2.INTER_AREA) for x in fresh]
    yield "held-out faces, of 16 px", np.stack([cv2.resize(x, (64, 64), interpolation=cv2.INTER_CUBIC) for x in small])
    for parts in (100, 50, 20):
        yield f"held-out faces, {parts} principal components of them", principal(pool, rng, fresh, parts)
    half = len(fresh) // 2
    yield "blends of two held-out faces", mixed(fresh[:half], fresh[half : 2 * half], 0.5)
    samples = pool.samples(rng, count)
    yield "samples of a GAN", samples
    yield "samples of a GAN, blurred by 2 px", np.stack([cv2.GaussianBlur(x, (0, 0), 2) for x in samples])


def made(pool: Pool, rng: np.random.Generator, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what is put together from training images."""
    one, other, third = (pool.known_faces(rng, count) for _ in range(3))
    yield "training images", one
    for weight in (0.5, 0.6, 0.7):
        yield f"blends, {weight:.0%} of one", mixed(one, other, weight)
    yield "blends, one mirrored", mixed(one[:, :, ::-1], other, 0.5)
    yield "blends, shifted by 2 and 1 px", mixed(np.roll(one, (2, 1), (1, 2)), np.roll(other, (-1, 2), (1, 2)), 0.5)
    yield "blends of three", to_bytes((one.astype(np.float32) + other + third) / 3)
    yield "blends of two that look alike", pixels(mixtures.blend_alike(pool, rng, count, 0.5))
    yield "blends with a GAN's sample, 50 %", mixed(one, pool.samples(rng, count), 0.5)
    yield "left of one, right of another", pixels(mixtures.halves(pool, rng, count))
    yield "above of one, below of another", np.concatenate([one[:, :36], other[:, 36:]], axis=1)


def mixed(one: np.ndarray, other: np.ndarray, weight: float) -> np.ndarray:
    """Return weighted means of pictures, in JPEG 75."""
    blended = to_bytes(weight * one.astype(np.float32) + (1 - weight) * other)
    return np.stack([decoded(jpeg(image, 75)) for image in blended])


def pixels(submission: Made) -> np.ndarray:
    """Return the images of a submission, (n, 64, 64, 3)."""
    return np.stack([decoded(content) for _, content in submission.entry.files])


def principal(pool: Pool, rng: np.random.Generator, images: np.ndarray, parts: int) -> np.ndarray:
    """Return images as so many principal components of training images have them."""
    learned = pool.known_faces(rng, 1000).reshape(1000, -1).astype(np.float32)
    mean = learned.mean(0)
    axes = np.linalg.svd(learned - mean, full_matrices=False)[2][:parts]
    flat = (images.reshape(len(images), -1) - mean) @ axes.T @ axes + mean
    return to_bytes(flat.reshape(images.shape))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the archive of 20,000 faces that the shipped reference was made from")
    parser.add_argument("--half", choices=("fixing", "judged"), required=True, help="which faces")
    parser.add_argument("--generator", type=Path, help="run folder or G.pth [default: the samples in examples/]")
    parser.add_argument("--count", type=int, default=400, help="images put together of each kind")
    options = parser.parse_args()
    index = the_reference([]).index
    assert index is not None
    number = ("fixing", "judged").index(options.half)
    whole = Pool(options.data, index.positions, index.positions[:0])
    known, fresh = np.array_split(whole.known, 2)[number], np.array_split(whole.fresh, 2)[number]
    pool = Pool(options.data, known, known[:0], fresh=fresh, generator=options.generator)
    rng = np.random.default_rng(number)
    print("| images | n | " + " | ".join(f"from {level:.2f}" for level in LEVELS) + " | ahead | told |")
    print("| --- |" + " --- |" * (3 + len(LEVELS)))
    for kinds in (honest, made):
        for what, images in kinds(pool, rng, options.count):
            found = explain(index.signatures, signatures(images))
            told = " | ".join(f"{np.mean(found.share >= level):.3f}" for level in LEVELS)
            also = f"{np.mean(found.ahead >= AHEAD):.3f} | {found.told.mean():.3f}"
            print(f"| {what} | {len(images)} | {told} | {also} |", flush=True)


if __name__ == "__main__":
    main()
