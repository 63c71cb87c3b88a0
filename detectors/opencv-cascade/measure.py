"""Choose the settings of the cascade detector: recall on real faces against hits on what is not a face.

    python detectors/opencv-cascade/measure.py --data FOLDER_OR_ZIP_OF_REAL_FACES --cascade lbpcascade_animeface.xml

Prints one Markdown row per setting: the share of images of each kind in which a face is found, and images per second
of processor time on the real ones. `--chosen` measures the default setting only, on images that the sweep did not use.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from altered_faces import Images, blurred, mean_faces, patch_shuffled, pca_samples
from nonfaces import colour_noise, face_blobs, textures

from ganbench.detectors.cascade import CascadeDetector, CascadeSettings
from ganbench.detectors.settings import shown
from ganbench.images.sources import open_source
from ganbench.toyfaces import toyfaces


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
    """Return the share of hits for every kind, and images per second of processor time on the real ones."""
    detector = CascadeDetector(settings, path=cascade)
    shares, rate = {}, 0.0
    for name, images in sets.items():
        started = time.process_time()
        shares[name] = float(np.mean([len(d.boxes) > 0 for d in detector.detect(images)]))
        if name == "real":
            rate = len(images) / (time.process_time() - started)
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
    print("| settings |", " | ".join(sets), "| images/CPU s |\n|", " --- |" * (len(sets) + 2))
    for settings in [chosen] if args.chosen else sweep:
        shares, rate = measure(settings, args.cascade, sets)
        values = " | ".join(f"{v:.3f}" for v in shares.values())
        print("|", ", ".join(shown(settings)), "|", values, f"| {rate:.0f} |", flush=True)


if __name__ == "__main__":
    main()
