"""Detector ``opencv-cascade``: the LBP cascade for anime faces of nagadomi (2011), run by OpenCV.

The settings were chosen by measurement; detectors/opencv-cascade/README.md has the table.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.detectors.base import Detection, Detector, DetectorOptions
from ganbench.errors import GanbenchError
from ganbench.system.assets import file_hash, require
from ganbench.system.cores import available_cores

if TYPE_CHECKING:
    import cv2


@dataclass(frozen=True)
class CascadeSettings:
    """What the answer of a cascade depends on.

    Attributes:
        upscale: factor by which the image is enlarged first (bicubic).
        border: width of the replicated border around it, as a share of the enlarged image's longer side.
        equalize: whether the histogram of the gray image is equalised.
        scale_factor: step between the sizes searched.
        min_neighbors: raw hits that must agree on a face.
        min_size: smallest face searched, as a share of the enlarged image's shorter side.
    """

    upscale: float = 1.0
    border: float = 0.25
    equalize: bool = False
    scale_factor: float = 1.1
    min_neighbors: int = 3
    min_size: float = 0.5

    def __str__(self) -> str:
        return (
            f"upscale {self.upscale:g}, border {self.border:g}, equalize {'yes' if self.equalize else 'no'}, "
            f"scale factor {self.scale_factor:g}, min neighbors {self.min_neighbors}, min size {self.min_size:g}"
        )


class CascadeDetector(Detector):
    """Finds anime faces with the cascade; several threads, the same answer as with one."""

    name = "opencv-cascade"
    version = 1

    def __init__(self, path: Path | None = None, settings: CascadeSettings | None = None) -> None:
        """Load the cascade.

        Args:
            path: cascade file; default: the installed asset.
            settings: search settings; default: the measured ones.

        Raises:
            AssetMissing: the cascade is not installed.
            GanbenchError: this OpenCV has no cascades, or the file is not one.
        """
        import cv2

        self._path = path or require("lbpcascade_animeface")
        if not hasattr(cv2, "CascadeClassifier"):
            raise GanbenchError(f"OpenCV {cv2.__version__} has no cascades. Run: pip install 'opencv-python<5'")
        self._settings = settings or CascadeSettings()
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(available_cores())
        self._classifier()
        self.protocol = (
            f"{self.name} v{self.version}, {self._settings}, cascade {file_hash(self._path)[:8]}, "
            f"OpenCV {cv2.__version__.split('.')[0]}"
        )

    def _classifier(self) -> cv2.CascadeClassifier:
        """Return this thread's classifier: OpenCV's keeps state while it searches."""
        import cv2

        if not hasattr(self._local, "classifier"):
            classifier = cv2.CascadeClassifier()
            try:
                loaded = classifier.load(str(self._path))
            except cv2.error:
                loaded = False
            if not loaded:
                raise GanbenchError(f"{self._path}: OpenCV cannot read it as a cascade")
            self._local.classifier = classifier
        return self._local.classifier

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        """Find faces; scores are the numbers of raw hits that agreed (a cascade has no confidence)."""
        import cv2

        # Images are the unit of parallel work; OpenCV's own threads inside one small image would only get in the way.
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            return list(self._pool.map(self._detect_one, pixels))
        finally:
            cv2.setNumThreads(threads)

    def _detect_one(self, image: np.ndarray) -> Detection:
        import cv2

        s = self._settings
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if s.upscale != 1:
            gray = cv2.resize(gray, None, fx=s.upscale, fy=s.upscale, interpolation=cv2.INTER_CUBIC)
        if s.equalize:
            gray = cv2.equalizeHist(gray)
        border = round(s.border * max(gray.shape))
        smallest = round(s.min_size * min(gray.shape))
        if border:
            gray = cv2.copyMakeBorder(gray, border, border, border, border, cv2.BORDER_REPLICATE)
        boxes, neighbors = self._classifier().detectMultiScale2(
            gray, scaleFactor=s.scale_factor, minNeighbors=s.min_neighbors, minSize=(smallest, smallest)
        )
        if not len(boxes):
            return Detection(np.empty((0, 4), np.float32), np.empty(0, np.float32))
        corners = np.asarray(boxes, np.float32)
        corners[:, 2:] += corners[:, :2]
        return Detection((corners - border) / np.float32(s.upscale), np.asarray(neighbors, np.float32))


def opencv_cascade(options: DetectorOptions) -> CascadeDetector:
    """Return the cascade at its measured settings; it runs on the CPU only.

    Raises:
        GanbenchError: a setting that it has not got.
        AssetMissing: its file is not installed.
    """
    if options.given():
        raise GanbenchError(f"--{next(iter(options.given()))}: the detector opencv-cascade has no such setting")
    return CascadeDetector()
