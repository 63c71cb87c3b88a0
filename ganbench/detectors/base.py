"""What a detector is, and the registry of all detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganbench.registry import Registry


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


def _opencv_cascade(device: str) -> Detector:
    from ganbench.detectors.cascade import CascadeDetector

    del device  # a cascade runs on the CPU only
    return CascadeDetector()


DETECTORS: Registry[Callable[[str], Detector]] = Registry("detector")
DETECTORS.add("opencv-cascade", _opencv_cascade)
