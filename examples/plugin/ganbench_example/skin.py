"""Skin: a large patch of skin colour counts as a face. A toy: it takes a beige wall for one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.settings import bad_setting

LOW, HIGH = (0, 133, 77), (255, 173, 127)  # skin in YCrCb, after Chai and Ngan 1999


class Skin(Detector):
    """Finds at most one face per image: the box around all skin, if there is enough of it."""

    name = "skin"
    version = 1  # raise it whenever the answers change
    threshold = "least"  # the setting that `ganbench afd calibrate` looks for

    @dataclass(frozen=True)
    class Settings:
        """All that the user may set; it becomes part of the protocol."""

        least: float = 0.15  # share of skin

        def __post_init__(self) -> None:
            if not 0 < self.least < 1:
                raise bad_setting("least", self.least, "a number between 0 and 1")

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        """Find faces in uint8 RGB images, (N, H, W, 3); the score is the share of skin."""
        return [self._detect_one(image) for image in pixels]

    def _detect_one(self, image: np.ndarray) -> Detection:
        skin = cv2.inRange(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), np.array(LOW), np.array(HIGH)) > 0
        if skin.mean() < self.settings.least:
            return Detection(np.empty((0, 4), np.float32), np.empty(0, np.float32))
        y, x = np.nonzero(skin)
        box = [np.min(x), np.min(y), np.max(x) + 1, np.max(y) + 1]
        return Detection(np.array([box], np.float32), np.array([skin.mean()], np.float32))
