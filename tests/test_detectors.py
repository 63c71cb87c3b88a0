"""Detectors and AFD."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.detectors.base import Detection, Detector, DetectorOptions
from ganbench.detectors.cascade import CascadeDetector, CascadeSettings
from ganbench.detectors.registry import DETECTORS, load_detector
from ganbench.errors import AssetMissing, GanbenchError, MetricError
from ganbench.metrics.detection_rate import afd
from ganbench.statistics.detections import DetectionSet
from ganbench.system import assets
from ganbench.toyfaces import toyfaces

CASCADE = Path(__file__).resolve().parents[2] / "shared" / "data" / "lbpcascade_animeface.xml"
needs_cascade = pytest.mark.skipif(
    not CASCADE.is_file(), reason=f"the OpenCV cascade is not at ../shared/data/{CASCADE.name}"
)


class BrightDetector(Detector):
    """Finds one box, the left half, in images that are bright on average."""

    name, version, protocol = "bright", 1, "bright v1"

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        h, w = pixels.shape[1:3]
        found = [image.mean() > 127 for image in pixels]
        return [
            Detection(np.array([[0, 0, w / 2, h]] * int(f), np.float32).reshape(-1, 4), np.ones(int(f), np.float32))
            for f in found
        ]


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (7, 10), (10, 10), (612, 1000)])
def test_afd_is_a_share_with_wilsons_interval(hits: int, n: int) -> None:
    box = np.zeros((1, 4)), np.ones(1)
    none = np.zeros((0, 4)), np.ones(0)
    estimate = afd(fake=DetectionSet.of([box] * hits + [none] * (n - hits), (64, 64)))
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert estimate.value == hits / n
    assert estimate.low == pytest.approx(expected.low, abs=1e-12)
    assert estimate.high == pytest.approx(expected.high, abs=1e-12)


def test_afd_of_nothing_is_an_error() -> None:
    with pytest.raises(MetricError, match="at least 1 image"):
        afd(fake=DetectionSet.of([], (64, 64)))


def test_the_cascade_must_be_installed_first() -> None:
    with pytest.raises(AssetMissing, match="ganbench assets add lbpcascade_animeface PATH"):
        load_detector("opencv-cascade")


def test_the_cascade_has_no_confidence() -> None:
    with pytest.raises(GanbenchError, match="--conf: the detector opencv-cascade has no such setting"):
        load_detector("opencv-cascade", DetectorOptions.of(conf=0.8))


def test_a_file_that_is_no_cascade(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text("<nothing/>")
    with pytest.raises(GanbenchError, match="cannot read it as a cascade"):
        CascadeDetector(path=tmp_path / "x.xml")


@needs_cascade
def test_an_opencv_without_cascades_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("cv2.CascadeClassifier")
    with pytest.raises(GanbenchError, match="pip install 'opencv-python<5'"):
        CascadeDetector(path=CASCADE)


@needs_cascade
def test_the_cascade_finds_faces_and_not_noise() -> None:
    assets.add("lbpcascade_animeface", CASCADE)
    detector = load_detector("opencv-cascade")
    faces = np.stack([image for _, image in toyfaces(60, seed=2)])
    noise = np.random.default_rng(0).integers(0, 256, (60, 64, 64, 3), dtype=np.uint8)
    found = detector.detect(faces)
    # Measured on 500 toy faces: 0.96; noise: 0.00 (detectors/opencv-cascade/README.md).
    assert np.mean([len(d.boxes) > 0 for d in found]) > 0.75
    assert sum(len(d.boxes) > 0 for d in detector.detect(noise)) <= 1
    boxes = np.concatenate([d.boxes for d in found])
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert np.abs(centre - 32).mean() < 10  # in pixels of the image as given, border taken off
    assert boxes.dtype == np.float32


@needs_cascade
def test_boxes_come_back_in_pixels_of_the_input_whatever_the_upscaling() -> None:
    faces = np.stack([image for _, image in toyfaces(40, seed=2)])
    plain = CascadeDetector(CascadeSettings(upscale=1, border=0.25), path=CASCADE).detect(faces)
    doubled = CascadeDetector(CascadeSettings(upscale=2, border=0.5), path=CASCADE).detect(faces)
    pairs = [(a.boxes[0], b.boxes[0]) for a, b in zip(plain, doubled, strict=True) if len(a.boxes) and len(b.boxes)]
    assert len(pairs) > 15
    assert np.median([np.abs(a - b).mean() for a, b in pairs]) < 4


@needs_cascade
def test_the_answer_does_not_depend_on_threads_or_order() -> None:
    detector = CascadeDetector(path=CASCADE)
    faces = np.stack([image for _, image in toyfaces(30, seed=5)])
    forward, backward = detector.detect(faces), detector.detect(faces[::-1])[::-1]
    for a, b in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
        np.testing.assert_array_equal(a.scores, b.scores)


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setitem(DETECTORS._entries, "bright", BrightDetector)
    folder = tmp_path / "images"
    folder.mkdir()
    for i, value in enumerate((255, 0, 200, 10), 1):
        Image.new("RGB", (16, 16), (value,) * 3).save(folder / f"{i}.png")
    return folder


def test_detect_counts_draws_and_lists(bright: Path, tmp_path: Path) -> None:
    command = ["detect", str(bright), "--detector", "bright", "--draw", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*command, "--csv", str(tmp_path / "f.csv"), "--json"])
    assert result.exit_code == 0, result.output
    data = json.loads(result.output)
    assert (data["id"], data["value"], data["n"], data["faces"]) == ("afd[bright]", 0.5, 4, 2)
    assert (tmp_path / "f.csv").read_text().splitlines()[1] == "1.png,1.0,0.0,0.0,8.0,16.0"
    drawn = np.asarray(Image.open(tmp_path / "out" / "1.png"))
    assert drawn.shape == (256, 256, 3)
    assert (drawn == (0, 200, 0)).all(2).any()
    assert (np.asarray(Image.open(tmp_path / "out" / "2.png"))[0, 0] == (220, 0, 0)).all()


def test_drawings_of_images_that_differ_in_extension_only(bright: Path, tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(bright / "1.jpg")
    result = CliRunner().invoke(app, ["detect", str(bright), "--detector", "bright", "--draw", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    drawn = {path.name for path in (tmp_path / "out").iterdir()}
    assert drawn == {"1.jpg.png", "1.png", "2.png", "3.png", "4.png"}
