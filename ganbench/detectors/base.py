"""What a detector is, and the registry of all detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Detection:
    """Faces found in one image.

    Attributes:
        boxes: float32 (M, 4): x0, y0, x1, y1 in pixels of the image as given.
        scores: float32 (M,), higher is surer; the scale is the detector's own.
    """

    boxes: np.ndarray
    scores: np.ndarray


class Detector(ABC):
    """Finds faces.

    Attributes:
        name: registry name, such as ``opencv-cascade``.
        version: raised whenever the arithmetic changes.
        protocol: every threshold and setting that the answer depends on, in one line.
    """

    name: str
    version: int
    protocol: str

    @abstractmethod
    def detect(self, pixels: np.ndarray) -> list[Detection]:
        """Find faces in uint8 RGB images, (N, H, W, 3); one ``Detection`` per image, in order."""


@dataclass(frozen=True)
class DetectorOptions:
    """Choices of the user; None means the detector's own default.

    Attributes:
        device: ``auto``, ``cpu`` or ``cuda``.
        conf: least score of a face, for detectors that have scores.
        iou: overlap above which the weaker box is dropped.
        imgsz: pixels to which images are letterboxed.
    """

    device: str = "auto"
    conf: float | None = None
    iou: float | None = None
    imgsz: int | None = None

    def given(self) -> dict[str, float]:
        """Return the thresholds that were chosen."""
        values = {"conf": self.conf, "iou": self.iou, "imgsz": self.imgsz}
        return {name: value for name, value in values.items() if value is not None}
