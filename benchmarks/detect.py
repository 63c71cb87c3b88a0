"""How fast the detectors are: yolo-nano beside the cascade, alternating in one run.

    python benchmarks/detect.py                 # 2,000 toy faces at 64x64, five rounds
    python benchmarks/detect.py --images 200    # a quick look

The cascade takes part when it is installed (`ganbench assets add lbpcascade_animeface PATH`); it finds its faces with
the settings of its card. Loading is not measured.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from ganbench.detectors.base import Detector
from ganbench.detectors.registry import load_detector
from ganbench.errors import AssetMissing
from ganbench.toyfaces import toyfaces


def seconds(detector: Detector, pixels: np.ndarray) -> float:
    """Return how long the images take, in batches of 64 as `ganbench detect` hands them over."""
    started = time.perf_counter()
    for start in range(0, len(pixels), 64):
        detector.detect(pixels[start : start + 64])
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    pixels = np.stack([image for _, image in toyfaces(args.images, size=64, seed=1)])
    detectors: list[Detector] = [load_detector("yolo-nano")]
    try:
        detectors.append(load_detector("opencv-cascade"))
    except AssetMissing as e:
        print(f"without the cascade: {e}")
    times: dict[str, list[float]] = {detector.name: [] for detector in detectors}
    for number in range(args.rounds + 1):  # the first one warms up
        for detector in detectors:
            taken = seconds(detector, pixels)
            if number:
                times[detector.name].append(taken)
    figures = {name: len(pixels) / float(np.median(taken)) for name, taken in times.items()}
    for name, rate in figures.items():
        rates = sorted(len(pixels) / t for t in times[name])
        print(f"{name:16} {rate:7.0f} images/s (median of {args.rounds}; {rates[0]:.0f} to {rates[-1]:.0f})")
    if len(detectors) == 2:
        figures["ratio"] = float(np.median(np.array(times["opencv-cascade"]) / np.array(times["yolo-nano"])))
        print(f"yolo-nano against the cascade: {figures['ratio']:.1f} times as fast (median over rounds)")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
