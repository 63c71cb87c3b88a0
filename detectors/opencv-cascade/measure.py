"""Choose the settings of the cascade detector: recall on real faces against hits on what is not a face.

    python detectors/opencv-cascade/measure.py --data FOLDER_OR_ZIP_OF_REAL_FACES --cascade lbpcascade_animeface.xml

Prints one Markdown row per setting: the share of images of each kind in which a face is found, and images per second
on the real ones. `--chosen` measures the default setting only, on images that the sweep did not use.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ganbench.detectors.cascade import CascadeDetector, CascadeSettings
from ganbench.images.sources import open_source
from ganbench.images.toyfaces import toyfaces

Images = np.ndarray  # uint8 (N, 64, 64, 3)


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
    y, x = np.mgrid[0:64, 0:64]
    images = np.empty((count, 64, 64, 3), np.float32)
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
    smooth = [cv2.resize(c, (64, 64), interpolation=cv2.INTER_CUBIC) for c in coarse]
    return np.clip(np.stack(smooth), 0, 255).astype(np.uint8)


def textures(count: int, rng: np.random.Generator) -> Images:
    """Draw gradients, stripes and checks."""
    y, x = np.mgrid[0:64, 0:64] / 64
    images = []
    for i in range(count):
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(1, 8)
        t = np.cos(angle) * x + np.sin(angle) * y
        value = [t, 0.5 + 0.5 * np.sin(2 * np.pi * frequency * t), (np.floor(x * 8) + np.floor(y * 8)) % 2][i % 3]
        low, high = rng.uniform(0, 255, (2, 3))
        images.append(low + (high - low) * value[:, :, None])
    return np.clip(np.stack(images), 0, 255).astype(np.uint8)


def make_sets(faces: Images, seed: int) -> dict[str, Images]:
    """Return the images of every kind: two with faces, four that a person would call failed ones, five with none."""
    rng = np.random.default_rng(seed)
    return {
        "real": faces,
        "toy faces": np.stack([image for _, image in toyfaces(len(faces), 64, seed)]),
        "blur 2": blurred(faces, 2),
        "PCA samples": pca_samples(faces, len(faces), rng),
        "mean of 20": mean_faces(faces, 20, rng),
        "face blobs": face_blobs(len(faces), rng),
        "shuffled": patch_shuffled(faces, rng),
        "blur 6": blurred(faces, 6),
        "colour noise": colour_noise(len(faces), rng),
        "textures": textures(len(faces), rng),
        "noise": rng.integers(0, 256, faces.shape, dtype=np.uint8),
    }


def measure(settings: CascadeSettings, cascade: Path, sets: dict[str, Images]) -> tuple[dict[str, float], float]:
    """Return the share of hits for every kind, and images per second on the real ones."""
    detector = CascadeDetector(cascade, settings)
    shares, rate = {}, 0.0
    for name, images in sets.items():
        started = time.perf_counter()
        shares[name] = float(np.mean([len(d.boxes) > 0 for d in detector.detect(images)]))
        if name == "real":
            rate = len(images) / (time.perf_counter() - started)
    return shares, rate


def main() -> None:
    """Sweep, or measure the default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cascade", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--chosen", action="store_true")
    args = parser.parse_args()
    source = open_source(args.data, resize="64")
    # The sweep looks at images from the front of the data, the report at the last ones.
    first = len(source) - args.count if args.chosen else 0
    faces = np.stack([source.resize(source.load(i)) for i in range(first, first + args.count)])
    sets = make_sets(faces, seed=int(args.chosen))
    chosen = CascadeSettings()
    varied = [
        {"border": 0},
        {"border": 0.5},
        {"equalize": True},
        {"scale_factor": 1.05},
        {"scale_factor": 1.2},
        {"min_neighbors": 2},
        {"min_neighbors": 6},
        {"min_neighbors": 11},
        {"min_size": 0.25},
        {"min_size": 0.7},
        {"upscale": 1.5},
        {"upscale": 2},
        {"upscale": 4},
        {"upscale": 4, "border": 0.5},
    ]
    sweep = [chosen, *(replace(chosen, **changes) for changes in varied)]
    print("| settings |", " | ".join(sets), "| images/s |\n|", " --- |" * (len(sets) + 2))
    for settings in [chosen] if args.chosen else sweep:
        shares, rate = measure(settings, args.cascade, sets)
        print("|", settings, "|", " | ".join(f"{v:.3f}" for v in shares.values()), f"| {rate:.0f} |", flush=True)


if __name__ == "__main__":
    main()
