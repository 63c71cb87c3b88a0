"""Fixed arrays: the same numbers on every machine and in every version of NumPy, whose random streams may change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ganbench.metrics.base import Metric
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.known import CodedImages, HeldOut, KnownImages
from ganbench.statistics.packets import PacketSet
from ganbench.statistics.paths import PathSet
from ganbench.statistics.pixels import PixelSet
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import LENGTH, SIGNATURE

REAL, FAKE = 1300, 1100  # images: more than any metric of ours asks for
SIZE, CLASSES = 16, 5
_COPIED = 40  # fake images of the index that are real ones


def stream(name: str, *shape: int) -> np.ndarray:
    """Return uint8 numbers of a shape: what SHAKE-256 makes of a name."""
    count = int(np.prod(shape))
    return np.frombuffer(hashlib.shake_256(name.encode()).digest(count), np.uint8).reshape(shape)


def bells(name: str, *shape: int) -> np.ndarray:
    """Return float64 numbers of a shape, nearly normal: each the sum of four of the stream, all exact."""
    return (stream(name, *shape, 4).astype(np.int64).sum(-1) - 510) / 128.0


def sides(needs: str) -> tuple[Any, Any] | None:
    """Return what a metric reads, by the kind that it needs; None for a kind that is not here."""
    made = _SIDES.get(needs)
    return None if made is None else made()


def checkable(metric: Metric) -> bool:
    """Tell whether there are fixed arrays for a metric."""
    return metric.needs in _SIDES


def _features() -> tuple[FeatureSet, FeatureSet]:
    real = np.maximum(bells("real", REAL, SIZE) + 1, 0)
    fake = np.maximum(0.875 * bells("fake", FAKE, SIZE) + 1.25, 0)
    fake[:, 0] += 0.5 * fake[:, 1]
    logits = bells("real logits", REAL, CLASSES), 2 * bells("fake logits", FAKE, CLASSES)
    return FeatureSet.of(real, logits[0].astype(np.float32)), FeatureSet.of(fake, logits[1].astype(np.float32))


def _indexed() -> tuple[KnownImages, CodedImages]:
    codes = np.clip(32 * bells("codes", REAL, SIZE), -127, 127).astype(np.int8)
    marks = stream("marks", REAL, LENGTH)
    projection = Projection(np.zeros(SIZE, np.float32), np.eye(SIZE, dtype=np.float32), 0.03125)
    nearest = (1 + stream("nearest", REAL) / 64.0).astype(np.float32)
    names = [str(number) for number in range(REAL)]
    index = ImageIndex(projection, codes, marks, SIGNATURE, nearest, np.arange(REAL), names)
    own = np.clip(32 * bells("own codes", FAKE, SIZE), -127, 127).astype(np.int8)
    own_marks = stream("own marks", FAKE, LENGTH).copy()
    own[:_COPIED], own_marks[:_COPIED] = codes[:_COPIED], marks[:_COPIED]
    return KnownImages(index, HeldOut(1000, 10, 250)), CodedImages(own, own_marks, np.arange(FAKE), FAKE)


def _detections() -> tuple[None, DetectionSet]:
    counts = stream("faces", FAKE) % 3
    found = []
    for number, count in enumerate(counts):
        corner = stream(f"corner {number}", count, 2) / 8.0
        size = 1 + stream(f"size {number}", count, 2) / 8.0
        found.append((np.hstack([corner, corner + size]), stream(f"score {number}", count) / 255.0))
    return None, DetectionSet.of(found, (64, 64))


def _pixels() -> tuple[None, PixelSet]:
    return None, PixelSet.of(f"{number:064x}" for number in stream("pixels", FAKE).astype(int) * 7 % 211)


def _packets() -> tuple[PacketSet, PacketSet]:
    real, fake = stream("real packets", 500, 16, 16, 3), 40 + stream("fake packets", 400, 16, 16, 3) // 2
    return PacketSet.of(real), PacketSet.of(fake)


def _paths() -> tuple[None, PathSet]:
    return None, PathSet(stream("lengths", FAKE) / 16.0)


_SIDES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "moments": _features,
    "features": _features,
    "logits": _features,
    "index": _indexed,
    "detections": _detections,
    "pixels": _pixels,
    "packets": _packets,
    "paths": _paths,
}
