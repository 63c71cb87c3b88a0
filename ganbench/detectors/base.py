"""What a detector is, and the registry of all detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganbench.errors import GanbenchError
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


def load_detector(name: str, options: DetectorOptions | None = None) -> Detector:
    """Return a detector by name, or ``yolo:PATH`` for a YOLO in an ONNX file.

    Raises:
        UnknownName: no such detector.
        AssetMissing: it is known, but its file is not installed.
        GanbenchError: a file that is not there or no detector, or an option that it has not got.
    """
    options = options or DetectorOptions()
    kind, colon, path = name.partition(":")
    if kind == "yolo" and colon:
        return _yolo_file(path, options)
    return DETECTORS[name](options)


def result_name(name: str) -> str:
    """Return what a detector is called in results: a YOLO in a file goes by the file's name, wherever that lies."""
    kind, colon, path = name.partition(":")
    return f"yolo:{Path(path).name}" if kind == "yolo" and colon else name


def _opencv_cascade(options: DetectorOptions) -> Detector:
    from ganbench.detectors.cascade import CascadeDetector

    if options.given():
        raise GanbenchError(f"--{next(iter(options.given()))}: the detector opencv-cascade has no such setting")
    return CascadeDetector()  # which runs on the CPU only


def _yolo_nano(options: DetectorOptions) -> Detector:
    from ganbench.detectors.yolo import yolo_nano

    return yolo_nano(options)


def _yolo_file(path: str, options: DetectorOptions) -> Detector:
    from ganbench.detectors.yolo import YoloDetector, YoloSettings

    file = Path(path)
    return YoloDetector(
        file, result_name(f"yolo:{path}"), replace(YoloSettings(), **options.given()), device=options.device
    )


DETECTORS: Registry[Callable[[DetectorOptions], Detector]] = Registry("detector")
DETECTORS.add("yolo-nano", _yolo_nano)
DETECTORS.add("opencv-cascade", _opencv_cascade)
