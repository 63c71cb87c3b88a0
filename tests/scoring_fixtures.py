"""What the tests of scoring share: toy faces, a reference of others, and a detector that finds every second one."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.registry import DETECTORS
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.references.reference import Reference
from ganbench.toyfaces import toyfaces


@pytest.fixture(scope="session")
def toy_reference(lite0: Extractor) -> Reference:
    faces = np.stack([image for _, image in toyfaces(120, seed=100)])
    return Reference.build(open_source(faces), lite0, name="toys")


@pytest.fixture(scope="session")
def toy_images() -> np.ndarray:
    return np.stack([image for _, image in toyfaces(60, seed=200)])


class Everything(Detector):
    """Finds a face in every second image."""

    name, version, protocol = "half", 1, "half v1"
    seen = 0

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        found = []
        for _ in pixels:
            self.seen += 1
            found.append(Detection(np.zeros((self.seen % 2, 4), np.float32), np.ones(self.seen % 2, np.float32)))
        return found


@pytest.fixture
def half(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(DETECTORS._entries, "half", Everything)
    return "half"
