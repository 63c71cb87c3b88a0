"""Face boxes for the training images: the cascade in several settings, and what they agree on.

python detectors/yolo-nano/labels.py --data anime-faces-20k.zip --cascade lbpcascade_animeface.xml --out labels.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ganbench.detectors.cascade import CascadeDetector, CascadeSettings
from ganbench.images.sources import open_source
from ganbench.system.progress import track

SETTINGS = (
    CascadeSettings(upscale=1, border=0.25, scale_factor=1.05),
    CascadeSettings(upscale=2, border=0.25),
    CascadeSettings(upscale=4, border=0.5, equalize=True),
)
AGREE = 0.6  # least intersection over union with the median box


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of boxes (..., 4) with boxes (..., 4)."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(-1) for box in (a, b)]
    return shared / (areas[0] + areas[1] - shared)


def merge(votes: list[np.ndarray]) -> np.ndarray | None:
    """Return the median box of those that agree; None without two that do.

    Args:
        votes: one box (4,) of each setting that found a face.
    """
    if len(votes) < 2:
        return None
    boxes = np.stack(votes)
    agreeing = boxes[iou(boxes, np.median(boxes, 0)) >= AGREE]
    return np.median(agreeing, 0) if len(agreeing) >= 2 else None


def main() -> None:
    """Label the images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--cascade", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    source = open_source(args.data, resize="64")
    detectors = [CascadeDetector(settings, path=args.cascade) for settings in SETTINGS]
    images, boxes = [], []
    with track("labelling", len(source)) as advance:
        for batch in source.batches(256):
            found = [detector.detect(batch.pixels) for detector in detectors]
            for votes in zip(*found, strict=True):
                best = [d.boxes[np.argmax(d.scores)] for d in votes if len(d.boxes)]
                merged = merge(best)
                boxes.append(np.full(4, np.nan) if merged is None else merged)
            images.append(batch.pixels)
            advance(len(batch.names))
    labels = np.stack(boxes).astype(np.float32)
    np.savez(args.out, images=np.concatenate(images), boxes=labels)
    found = ~np.isnan(labels[:, 0])
    sides = (labels[found, 2:] - labels[found, :2]).mean(0)
    print(
        f"{found.sum()} of {len(labels)} labelled ({found.mean():.3f}); mean box {sides[0]:.1f} x {sides[1]:.1f} pixels"
    )


if __name__ == "__main__":
    main()
