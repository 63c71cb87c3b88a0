"""Instruments of somebody else's, as files: what a third party writes. Also as a package with entry points."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "own_instruments"

FEATURES = """
import hashlib
from dataclasses import replace

import torch
from torch import nn

from ganbench.features.entry import ExtractorEntry
from ganbench.features.spec import ExtractorSpec


class Thumbnail(nn.Module):
    input_size = 8
    name = "thumbnail"

    def forward(self, x):
        return x.flatten(1) / 255


def thumbnail():
    return Thumbnail()


class Channels(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)), x.amax((2, 3))


def specify(options):
    weights = hashlib.sha256(b"none").hexdigest()
    return ExtractorSpec("channels", 2, 3, 16, "bicubic-aa", weights, 3, options.precision)


def build(spec, options):
    return Channels()


ENTRY = ExtractorEntry(specify, build, takes_weights=False)
IN_TORCH = ExtractorEntry(specify, lambda spec, options: Channels(), exportable=False, takes_weights=False)
# Of another version than ENTRY: what that one exported, in whichever test, would be taken for it.
UNSENDABLE = ExtractorEntry(
    lambda options: replace(specify(options), version=4), lambda spec, options: Channels(), takes_weights=False
)
"""

DETECTORS = """
from dataclasses import dataclass

import numpy as np

from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.settings import bad_setting


class Skin(Detector):
    name = "skin"
    version = 1
    threshold = "least"

    @dataclass(frozen=True)
    class Settings:
        least: float = 0.15
        lowest_red: int = 95
        strict: bool = False
        colours: str = "rgb"

        def __post_init__(self):
            if not 0 < self.least < 1:
                raise bad_setting("least", self.least, "a number between 0 and 1")

    def detect(self, pixels):
        return [self._one(image.astype(int)) for image in pixels]

    def _one(self, image):
        red, green, blue = image[..., 0], image[..., 1], image[..., 2]
        skin = (red > self.settings.lowest_red) & (red > green) & (green > blue)
        if skin.mean() < self.settings.least:
            return Detection(np.empty((0, 4), np.float32), np.empty(0, np.float32))
        y, x = np.nonzero(skin)
        box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
        return Detection(np.array([box], np.float32), np.array([skin.mean()], np.float32))
"""

ENTRY_POINTS = """
[ganbench.extractors]
thumb = own_instruments.features:thumbnail
channels = own_instruments.features:IN_TORCH

[ganbench.detectors]
skin = own_instruments.detectors:Skin
"""


def write_package(folder: Path) -> None:
    """Write the package."""
    (folder / PACKAGE).mkdir()
    (folder / PACKAGE / "__init__.py").write_text("")
    (folder / PACKAGE / "features.py").write_text(FEATURES)
    (folder / PACKAGE / "detectors.py").write_text(DETECTORS)


def write_entry_points(folder: Path) -> None:
    """Write what an installation of the package leaves beside it."""
    described = folder / f"{PACKAGE}-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: own-instruments\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(ENTRY_POINTS)
