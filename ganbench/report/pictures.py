"""Pictures for the page, as data URIs: sample sheets, detections, nearest real images, training curves."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from ganbench.detectors.base import Detector

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GREEN, _RED = (0, 170, 0), (220, 0, 0)
_COARSE = 16  # pixels of a side at which images are compared for the copy check


def sheet_uri(images: np.ndarray, *, columns: int = 8, pad: int = 2) -> str:
    """Return images, uint8 (N, H, W, 3), as one JPEG, row by row."""
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, 3), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = pad + (i // columns) * (height + pad), pad + (i % columns) * (width + pad)
        sheet[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def figure_uri(figure: Figure) -> str:
    """Return a figure as SVG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def detections(images: np.ndarray, detector: Detector, most: int = 16) -> tuple[str, int, str, int]:
    """Return a sheet of hits with their boxes and how many there are, and the same for misses; "" for none."""
    hits, misses = [], []
    for image, found in zip(images, detector.detect(images), strict=True):
        large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        for box in found.boxes * 2:
            cv2.rectangle(large, tuple(map(int, box[:2])), tuple(map(int, box[2:])), _GREEN, 2)
        if not len(found.boxes):
            cv2.rectangle(large, (0, 0), (large.shape[1] - 1, large.shape[0] - 1), _RED, 3)
        (hits if len(found.boxes) else misses).append(large)
    uris = [sheet_uri(np.stack(tiles[:most])) if tiles else "" for tiles in (hits, misses)]
    return uris[0], len(hits), uris[1], len(misses)


def coarse(images: np.ndarray) -> np.ndarray:
    """Return images as vectors of 16x16 colours, float32 (N, 768), for the copy check."""
    small = [cv2.resize(image, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA) for image in images]
    return np.stack(small).reshape(len(images), -1).astype(np.float32)


def nearest(images: np.ndarray, real: np.ndarray, real_coarse: np.ndarray, most: int = 8) -> str:
    """Return the images that are nearest to a real one, each above that real image.

    Args:
        images: uint8 (N, H, W, 3).
        real: uint8 (M, H, W, 3), of the same size.
        real_coarse: ``coarse(real)``.
        most: number of pairs, the nearest first.
    """
    own = coarse(images)
    squares = (own**2).sum(1)[:, None] + (real_coarse**2).sum(1)[None] - 2 * own @ real_coarse.T
    match = squares.argmin(1)
    order = squares[np.arange(len(own)), match].argsort()[:most]
    return sheet_uri(np.concatenate([images[order], real[match[order]]]), columns=len(order))


def training_curves(runs: dict[str, list[dict[str, float]]]) -> Figure | None:
    """Draw the discriminator's loss, and every score that was taken during training, over steps; None without any.

    Args:
        runs: lines of ``metrics.jsonl`` by name.
    """
    from matplotlib.figure import Figure

    names = ["discriminator_loss", "fd[lite0]", "recall[lite0]"]
    names += sorted({key for lines in runs.values() for line in lines for key in line if key.startswith("afd[")})
    drawn = [name for name in names if any(name in line for lines in runs.values() for line in lines)]
    if not drawn:
        return None
    figure = Figure(figsize=(7, 2.6 * len(drawn)), layout="constrained")
    panels = figure.subplots(len(drawn), squeeze=False, sharex=True)[:, 0]
    for axes, name in zip(panels, drawn, strict=True):
        for label, lines in runs.items():
            points = [(line["step"], line[name]) for line in lines if name in line]
            if points:
                steps, values = np.array(points).T
                axes.plot(steps, _smooth(values) if len(values) > 100 else values, label=label, linewidth=1.2)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    panels[0].legend(fontsize="small")
    panels[-1].set_xlabel("discriminator step")
    return figure


def _smooth(values: np.ndarray, window: int = 25) -> np.ndarray:
    """Return the running mean, shorter windows at the ends."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    index = np.arange(len(values))
    low, high = np.maximum(index - window // 2, 0), np.minimum(index + window // 2 + 1, len(values))
    return (total[high] - total[low]) / (high - low)
