"""Detections: what a detector found in a set of images, as the metrics read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError


@dataclass(frozen=True, eq=False)
class DetectionSet:
    """Boxes found in ``n`` images, all in one table.

    Attributes:
        n: Number of images, those without a box included.
        image: Which image each box is in, (M,) int64 from 0 to n - 1, ascending.
        boxes: float32 (M, 4): x0, y0, x1, y1 in pixels of the image.
        scores: float32 (M,), higher is surer; the scale is the detector's own.
        image_size: height and width of every image, pixels.

    Raises:
        MetricError: arrays that do not fit together.
    """

    n: int
    image: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        count = len(self.image)
        if self.boxes.shape != (count, 4) or self.scores.shape != (count,):
            raise MetricError(f"{count} boxes, but arrays of shape {self.boxes.shape} and {self.scores.shape}.")
        if count and not (self.image[0] >= 0 and self.image[-1] < self.n and (np.diff(self.image) >= 0).all()):
            raise MetricError(f"boxes must be of images 0 to {self.n - 1}, in order.")

    @classmethod
    def of(cls, found: Iterable[tuple[np.ndarray, np.ndarray]], image_size: tuple[int, int]) -> DetectionSet:
        """Return the set of what was found in each image.

        Args:
            found: boxes (m, 4) and scores (m,), an image after the other.
            image_size: height and width of every image, pixels.
        """
        counts, boxes, scores = [], [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        for image_boxes, image_scores in found:
            counts.append(len(image_boxes))
            boxes.append(np.asarray(image_boxes, np.float32).reshape(-1, 4))
            scores.append(np.asarray(image_scores, np.float32))
        image = np.repeat(np.arange(len(counts)), counts)
        return cls(len(counts), image, np.concatenate(boxes), np.concatenate(scores), image_size)

    @property
    def counts(self) -> np.ndarray:
        """Number of boxes in each image, (n,) int64."""
        return np.bincount(self.image, minlength=self.n)

    @property
    def best(self) -> np.ndarray:
        """Best score of each image, (n,) float32; 0 where nothing was found."""
        best = np.zeros(self.n, np.float32)
        np.maximum.at(best, self.image, self.scores)
        return best
