"""Outputs of detectors as real ones look, in every layout, with the best score of each image known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.detectors.facts import Facts
from ganbench.detectors.layouts import count_cells


@dataclass(frozen=True)
class Made:
    """An output that was constructed.

    Attributes:
        output: float32 (N, A, B), or (M, 7) for the flat list.
        best: the best face's score in each image, float (N,); what lies in no box is below 0.02.
        facts: what the file would say.
        box: centre and size of the best face in the first image, pixels.
    """

    output: np.ndarray
    best: np.ndarray
    facts: Facts
    box: np.ndarray


class Maker:
    """Makes outputs for some images of one size, from a seed."""

    def __init__(self, seed: int, height: int, width: int, classes: int, images: int = 3) -> None:
        self.rng = np.random.default_rng(seed)
        self.height, self.width, self.classes, self.images = height, width, classes, images
        self.strides = (8, 16, 32)
        self.cells = count_cells(height, width, self.strides)

    def grid(self, per_cell: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return boxes (N, M, 4), class scores (N, M, classes), and the best score of each image."""
        corner, stride = self.places()
        corner, stride = np.tile(corner, (per_cell, 1)), np.tile(stride, (per_cell, 1))
        shape = (self.images, len(corner))
        centres = (corner + self.rng.uniform(0, 1, (*shape, 2))) * stride
        sizes = np.exp(self.rng.normal(0.5, 0.5, (*shape, 2))) * stride
        scores = 10 ** self.rng.uniform(-6, -2, (*shape, self.classes))
        best = np.zeros(self.images)
        for i in range(self.images):
            if self.rng.random() < 0.6 or i == 0:
                best[i] = self.rng.uniform(0.15, 0.98)
                cell = self.rng.integers(len(corner))
                scores[i, cell, self.rng.integers(self.classes)] = best[i]
        return np.concatenate([centres, sizes], -1), scores, best

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Return column and row of each cell (M, 2), and its stride (M, 1)."""
        found = []
        for s in self.strides:
            rows, columns = divmod(np.arange((self.height // s) * (self.width // s)), self.width // s)
            found.append(np.stack([columns, rows, np.full_like(rows, s)], 1))
        table = np.concatenate(found).astype(float)
        return table[:, :2], table[:, 2:]

    def first_box(self, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return the box of the best score in the first image."""
        return np.asarray(boxes[0, scores[0].max(-1).argmax()])

    def points(self, boxes: np.ndarray, count: int, seen: bool, shares: bool = False) -> np.ndarray:
        """Return landmarks (N, M, 2 or 3 times count) inside the boxes, in pixels or in shares of the image."""
        spots = self.rng.uniform(-0.5, 0.5, (*boxes.shape[:2], count, 2)) * boxes[..., None, 2:] + boxes[..., None, :2]
        if shares:
            spots = np.clip(spots / [self.width, self.height], 0, 1)
        if seen:
            spots = np.concatenate([spots, self.rng.uniform(0, 1, (*spots.shape[:3], 1))], -1)
        return np.asarray(spots.reshape(*boxes.shape[:2], -1))

    def yolov8(self, kind: str, *, noted: bool) -> Made:
        """Return an output of YOLOv8 for ``detect``, ``pose``, ``pose2``, ``pose-shares``, ``obb`` or ``segment``."""
        boxes, scores, best = self.grid(1)
        n = boxes.shape[:2]
        extra, masks, landmarks = np.empty((*n, 0)), 0, 0
        if kind.startswith("pose"):
            count = int(self.rng.integers(1, 18))
            extra = self.points(boxes, count, seen=kind == "pose", shares=kind == "pose-shares")
            landmarks = extra.shape[-1]
        elif kind == "obb":
            extra = self.rng.uniform(-np.pi / 4, 3 * np.pi / 4, (*n, 1)) * self.rng.uniform(0.1, 1)
        elif kind == "segment":
            masks = 32
            extra = self.rng.normal(0, 0.5, (*n, masks))
        table = np.concatenate([boxes, scores, extra], -1)
        facts = Facts(kind.partition("-")[0].rstrip("2"), self.classes, landmarks) if noted else Facts()
        facts = Facts(facts.task, facts.classes, facts.landmarks, masks)
        return Made(table.swapaxes(1, 2).astype(np.float32), best, facts, self.first_box(boxes, scores))

    def yolov5(self, kind: str) -> Made:
        """Return an output of YOLOv5, ``detect``, ``face`` (landmarks first), ``face-shares`` or ``face7``."""
        boxes, scores, best = self.grid(3)
        objectness = scores.max(-1, keepdims=True)
        classes = np.where(scores == objectness, 1.0, self.rng.uniform(0, 0.8, scores.shape) ** 4)
        parts = [boxes, objectness, classes]
        if kind.startswith("face"):
            last = kind == "face7"
            parts.insert(3 if last else 2, self.points(boxes, 5, seen=last, shares=kind == "face-shares"))
        table = np.concatenate(parts, -1)
        return Made(table.astype(np.float32), best, Facts(), self.first_box(boxes, scores))

    def yolox(self, kind: str) -> Made:
        """Return an output of YOLOX, ``decoded`` or ``raw``, or of ``yolov6``."""
        boxes, scores, best = self.grid(1)
        objectness = scores.max(-1, keepdims=True)
        classes = np.where(scores == objectness, 1.0, self.rng.uniform(0, 0.6, scores.shape))
        corner, stride = self.places()
        box = self.first_box(boxes, scores)
        if kind == "yolov6":
            classes, objectness = scores, np.ones_like(objectness)
        elif kind == "raw":
            boxes = np.concatenate([boxes[..., :2] / stride - corner, np.log(boxes[..., 2:] / stride)], -1)
        return Made(np.concatenate([boxes, objectness, classes], -1).astype(np.float32), best, Facts(), box)

    def final(self, kind: str) -> Made:
        """Return a list of final boxes: ``plain``, ``pose``, ``segment``, ``obb``, ``nms`` (filled up) or ``flat``."""
        boxes, scores, best = self.grid(1)
        rows = min(300, self.cells)
        order = np.argsort(-scores.max(-1), axis=1, kind="stable")[:, :rows, None]
        boxes = np.take_along_axis(boxes, order, 1)
        score = np.take_along_axis(scores.max(-1, keepdims=True), order, 1)
        number = np.take_along_axis(scores.argmax(-1)[..., None], order, 1).astype(float)
        corners = np.concatenate([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)
        if kind == "flat":
            image = np.broadcast_to(np.arange(self.images)[:, None, None], score.shape)
            table = np.concatenate([image, corners, number, score], -1).reshape(-1, 7)
            return Made(table[table[:, 6] > 0.02].astype(np.float32), best, Facts(), boxes[0, 0])
        angle = self.rng.uniform(-np.pi / 4, 3 * np.pi / 4, score.shape)
        others = {
            "pose": lambda: self.points(boxes, 5, seen=True),
            "segment": lambda: self.rng.normal(0, 0.5, (*score.shape[:2], 32)),
            "obb": lambda: angle,
        }
        extra = others[kind]() if kind in others else np.empty((*score.shape[:2], 0))
        table = np.concatenate([boxes if kind == "obb" else corners, score, number, extra], -1)
        if kind == "nms":
            table[table[..., 4] < 0.02] = 0
        facts = Facts(masks=32 if kind == "segment" else 0)
        return Made(table.astype(np.float32), best, facts, boxes[0, 0])
