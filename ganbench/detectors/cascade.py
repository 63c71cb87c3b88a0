"""Detector ``opencv-cascade``: the LBP cascade for anime faces of nagadomi (2011), run by OpenCV.

The settings were chosen by measurement; detectors/opencv-cascade/README.md has the table.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.settings import bad_setting
from ganbench.errors import GanbenchError
from ganbench.system.assets import file_hash, require
from ganbench.system.cores import available_cores
from ganbench.system.shared_state import SharedState

if TYPE_CHECKING:
    import cv2


@dataclass(frozen=True)
class CascadeSettings:
    """What the answer of a cascade depends on.

    Attributes:
        upscale: factor by which the image is enlarged first (bicubic), up to 16.
        border: width of the replicated border around it, as a share of the enlarged image's longer side, 0 to 4.
        equalize: whether the histogram of the gray image is equalised.
        scale_factor: step between the sizes searched, 1.01 to 10.
        min_neighbors: raw hits that must agree on a face.
        min_size: smallest face searched, as a share of the enlarged image's shorter side, 0 to 1.
    """

    upscale: float = 1.0
    border: float = 0.25
    equalize: bool = False
    scale_factor: float = 1.1
    min_neighbors: int = 3
    min_size: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.upscale <= 16:
            raise bad_setting("upscale", self.upscale, "a number above 0, 16 at most")
        if not 0 <= self.border <= 4:
            raise bad_setting("border", self.border, "a number from 0 to 4")
        # Nearer to 1 the search takes as good as for ever.
        if not 1.01 <= self.scale_factor <= 10:
            raise bad_setting("scale_factor", self.scale_factor, "a number from 1.01 to 10")
        if self.min_neighbors < 1:
            raise bad_setting("min_neighbors", self.min_neighbors, "1 or more")
        if not 0 <= self.min_size <= 1:
            raise bad_setting("min_size", self.min_size, "a number from 0 to 1")


def _use_one_thread() -> Callable[[], None]:
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    return lambda: cv2.setNumThreads(threads)


# Images are the unit of parallel work; OpenCV's own threads inside one small image would only get in the way.
_ONE_THREAD = SharedState(_use_one_thread)


class CascadeDetector(Detector):
    """Finds anime faces with the cascade, on the CPU; several threads, the same answer as with one."""

    name = "opencv-cascade"
    version = 1
    Settings = CascadeSettings
    settings: CascadeSettings

    def __init__(
        self, settings: CascadeSettings | None = None, *, device: str = "auto", path: Path | None = None
    ) -> None:
        """Load the cascade.

        Args:
            settings: search settings; None for the measured ones.
            device: it has no choice.
            path: cascade file; None for the installed asset.

        Raises:
            AssetMissing: the cascade is not installed.
            GanbenchError: this OpenCV has no cascades, or the file is not one.
        """
        import cv2

        super().__init__(settings, device=device)
        self._path = path or require("lbpcascade_animeface")
        if not hasattr(cv2, "CascadeClassifier"):
            raise GanbenchError(f"OpenCV {cv2.__version__} has no cascades. Run: pip install 'opencv-python<5'")
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(available_cores())
        self._classifier()
        self._pinned = [f"cascade {file_hash(self._path)[:8]}", f"OpenCV {cv2.__version__.split('.')[0]}"]

    def pinned(self) -> list[str]:
        """Return the hash of the cascade and OpenCV's version."""
        return self._pinned

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
        with _ONE_THREAD:
            return list(self._pool.map(self._detect_one, pixels))

    def _detect_one(self, image: np.ndarray) -> Detection:
        import cv2

        s = self.settings
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
