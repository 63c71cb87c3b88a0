"""Patterns in which yolo-nano sees faces, found by trial and error: what raises its score stays."""

from __future__ import annotations

import cv2
import numpy as np

from cheats.base import Made
from cheats.files import valid
from cheats.pool import Pool
from ganbench.detectors.base import Detector, DetectorOptions
from ganbench.detectors.registry import load_detector
from ganbench.system.progress import track

ROUNDS = 300
_ENOUGH = 0.9


def _scores(detector: Detector, images: np.ndarray) -> np.ndarray:
    found = [detector.detect(images[start : start + 64]) for start in range(0, len(images), 64)]
    return np.array([max(one.scores, default=0.0) for batch in found for one in batch])


def _drawn(grids: np.ndarray, size: int) -> np.ndarray:
    """Return patterns (n, size, size, 3) of coarse grids of colours."""
    smooth = [cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC) for grid in grids.astype(np.float32)]
    return np.clip(np.rint(smooth), 0, 255).astype(np.uint8)


def faces_for_yolo(pool: Pool, rng: np.random.Generator, count: int, on_samples: bool = False) -> Made:
    """Make patterns, each from a start of its own; or samples of a GAN with a faint pattern on top."""
    detector = load_detector("yolo-nano", DetectorOptions(device="cpu", settings={"conf": 0.01}))
    base = pool.samples(rng, count).astype(np.float32) if on_samples else np.zeros((count, 1, 1, 3), np.float32)
    grids = np.zeros((count, 12, 12, 3)) if on_samples else rng.uniform(0, 255, (count, 12, 12, 3))

    def shown(of: np.ndarray, rows: np.ndarray) -> np.ndarray:
        if not on_samples:
            return _drawn(of, pool.size)
        added = [cv2.resize(grid.astype(np.float32), (pool.size, pool.size)) for grid in of]
        return np.clip(np.rint(base[rows] + added), 0, 255).astype(np.uint8)

    best = _scores(detector, shown(grids, np.arange(count)))
    with track("looking for patterns", ROUNDS, unit="rounds") as advance:
        for _ in range(ROUNDS):
            rows = np.flatnonzero(best < _ENOUGH)
            if not rows.size:
                break
            sigma = 12 if on_samples else 60
            tried = grids[rows] + rng.normal(0, sigma, grids[rows].shape) * (rng.random((len(rows), 12, 12, 1)) < 0.15)
            scores = _scores(detector, shown(tried, rows))
            better = scores > best[rows]
            grids[rows[better]], best[rows[better]] = tried[better], scores[better]
            advance(1, f"{np.mean(best >= _ENOUGH):.0%} found")
    return Made(valid(shown(grids, np.arange(count))))
