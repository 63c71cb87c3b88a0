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
        collector = DetectionCollector()
        collector.add(found)
        return collector.result(image_size)

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


class DetectionCollector:
    """Collects what a detector finds in images that come in order; collections of pieces are merged in order."""

    def __init__(self) -> None:
        self._counts: list[np.ndarray] = []
        self._boxes: list[np.ndarray] = []
        self._scores: list[np.ndarray] = []

    def add(self, found: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
        """Add boxes (m, 4) and scores (m,), an image after the other."""
        boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        for image_boxes, image_scores in found:
            boxes.append(np.asarray(image_boxes, np.float32).reshape(-1, 4))
            scores.append(np.asarray(image_scores, np.float32))
        self._counts.append(np.array([len(one) for one in scores[1:]], np.int32))
        self._boxes.append(np.concatenate(boxes))
        self._scores.append(np.concatenate(scores))

    def pack(self) -> dict[str, np.ndarray]:
        """Return all as plain arrays, for ``take``: ``counts`` (n,), ``boxes`` (M, 4) and ``scores`` (M,)."""
        self._counts = [np.concatenate([np.empty(0, np.int32), *self._counts])]
        self._boxes = [np.concatenate([np.empty((0, 4), np.float32), *self._boxes])]
        self._scores = [np.concatenate([np.empty(0, np.float32), *self._scores])]
        return {"counts": self._counts[0], "boxes": self._boxes[0], "scores": self._scores[0]}

    def take(self, packed: dict[str, np.ndarray]) -> None:
        """Add what the collector of the images that follow has packed."""
        self._counts.append(packed["counts"])
        self._boxes.append(packed["boxes"])
        self._scores.append(packed["scores"])

    def result(self, image_size: tuple[int, int]) -> DetectionSet:
        """Return the set; ``image_size`` is height and width of every image, pixels."""
        packed = self.pack()
        image = np.repeat(np.arange(len(packed["counts"])), packed["counts"])
        return DetectionSet(len(packed["counts"]), image, packed["boxes"], packed["scores"], image_size)
