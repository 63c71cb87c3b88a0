"""Training batches: single faces that fill a picture, and composite scenes with several, all from a given seed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SINGLE = 64  # pixels of a picture with one face or none
SCENE = 160  # pixels of a composite scene


@dataclass
class Pool:
    """Tiles of 64x64, uint8 (N, 64, 64, 3), and the boxes of their faces, float (N, 4); NaN where there is none."""

    images: np.ndarray
    boxes: np.ndarray

    def pick(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a random tile, mirrored half of the time, and its box."""
        i = int(rng.integers(len(self.images)))
        image, box = self.images[i], self.boxes[i].astype(np.float64)
        if rng.random() < 0.5:
            image, box = image[:, ::-1], np.array([SINGLE - box[2], box[1], SINGLE - box[0], box[3]])
        return np.ascontiguousarray(image), box


def single(faces: Pool, others: Pool, count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return pictures of 64x64, half of them with a face, and their boxes (0 or 1 each)."""
    images, boxes = [], []
    for i in range(count):
        if i % 2:
            tile, _ = others.pick(rng)
            if rng.random() < 0.5:
                tile, _ = _move(tile, np.array([8.0, 8, 56, 56]), tile, rng)
            images.append(tile)
            boxes.append(np.empty((0, 4)))
            continue
        tile, box = faces.pick(rng)
        if rng.random() < 0.6:
            background, _ = others.pick(rng)
            tile, box = _move(tile, box, background, rng)
        images.append(tile)
        boxes.append(box[None])
    return np.stack([_degrade(image, rng) for image in images]), boxes


def _move(
    tile: np.ndarray, box: np.ndarray, background: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Zoom and shift a tile, its box still in sight; what becomes free repeats the rim or shows the background."""
    while True:
        zoom = np.exp(rng.uniform(np.log(0.5), np.log(1.4)))
        stretch = np.exp(rng.uniform(-0.08, 0.08))
        scale = np.array([zoom * stretch, zoom / stretch])
        shift = SINGLE / 2 * (1 - scale) + rng.uniform(-14, 14, 2)
        moved = box * np.tile(scale, 2) + np.tile(shift, 2)
        inside = np.clip(moved, 0, SINGLE)
        if (inside[2:] - inside[:2]).prod() > 0.85 * (moved[2:] - moved[:2]).prod():
            break
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    out = cv2.warpAffine(tile, matrix, (SINGLE, SINGLE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.5:
        covered = cv2.warpAffine(np.ones((SINGLE, SINGLE), np.uint8), matrix, (SINGLE, SINGLE), flags=cv2.INTER_NEAREST)
        out = np.where(covered[:, :, None] > 0, out, background)
    return out, inside


def scenes(faces: Pool, others: Pool, count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return composite scenes of 160x160: a grid of faces, other things and nothing, and the boxes of the faces."""
    images, all_boxes = [], []
    for _ in range(count):
        side = int(rng.choice([1, 2, 3]))
        cell = SCENE // side
        canvas = cv2.resize(others.pick(rng)[0], (SCENE, SCENE), interpolation=cv2.INTER_CUBIC)
        boxes = []
        for row in range(side):
            for column in range(side):
                kind = rng.random()
                if kind > 0.85:
                    continue
                tile, box = (faces if kind < 0.5 else others).pick(rng)
                edge = int(rng.uniform(0.6 if side > 1 else 0.3, 1.0) * cell)
                left, top = (
                    column * cell + int(rng.integers(cell - edge + 1)),
                    row * cell + int(rng.integers(cell - edge + 1)),
                )
                interpolation = cv2.INTER_AREA if edge < SINGLE else cv2.INTER_CUBIC
                canvas[top : top + edge, left : left + edge] = cv2.resize(
                    tile, (edge, edge), interpolation=interpolation
                )
                if not np.isnan(box[0]):
                    boxes.append(box * edge / SINGLE + np.array([left, top, left, top]))
        images.append(_degrade(canvas, rng))
        all_boxes.append(np.array(boxes).reshape(-1, 4))
    return np.stack(images), all_boxes


def _degrade(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary colours and quality, faces and others alike: no flaw may give a class away."""
    out = image
    size = image.shape[0]
    if rng.random() < 0.25:
        small = int(size * rng.uniform(0.6, 0.95))
        out = cv2.resize(cv2.resize(out, (small, small), interpolation=cv2.INTER_AREA), (size, size))
    if rng.random() < 0.15:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.3, 0.8))
    pixels = out.astype(np.float32) * rng.uniform(0.85, 1.15, 3) + rng.uniform(-20, 20)
    if rng.random() < 0.2:
        pixels = pixels + rng.normal(0, rng.uniform(1, 7), pixels.shape)
    out = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 96))])
        out = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return out
