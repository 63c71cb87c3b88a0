"""The YOLO runtime on networks that the tests make: layouts, letterboxing, suppression, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from yolo_networks import CELLS, SIZE, write_network, yolov5, yolov8, yolox

import ganbench
from ganbench.cli.app import app
from ganbench.detectors import yolo
from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.network import GRAY
from ganbench.detectors.registry import load_detector
from ganbench.errors import AssetMissing, GanbenchError
from ganbench.system.storage import shipped_dir
from ganbench.toyfaces import toyfaces

LAYOUTS = {
    "yolov8": (yolov8(), "yolov8 layout, strides 8/16/32, 1 classes"),
    "yolov8-2": (yolov8(2), "yolov8 layout, strides 8/16/32, 2 classes"),
    "yolov5": (yolov5(), "yolov5 layout, strides 8/16/32, 1 classes"),
    "yolox": (yolox(raw=False), "yolox layout"),
    "yolox-raw": (yolox(raw=True), "yolox-raw layout"),
}


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_every_layout_gives_the_same_faces(name: str, tmp_path: Path) -> None:
    output, described = LAYOUTS[name]
    path = write_network(tmp_path / "net.onnx", output)
    layout = "yolox" if name == "yolox" else None  # YOLOv8 of two classes, boxes first, would look the same
    detector = load_detector(f"yolo:{path}", DetectorOptions.of(conf=0.5, iou=0.5, layout=layout))
    assert described in detector.protocol
    (found,) = detector.detect(np.full((1, SIZE, SIZE, 3), 200, np.uint8))
    np.testing.assert_allclose(found.scores, [0.9, 0.6], rtol=1e-6)  # the second overlaps the first
    corners = [[12, 14, 28, 34], [44, 43, 56, 53]]
    np.testing.assert_allclose(found.boxes, corners, atol=1e-4)


def test_thresholds(tmp_path: Path) -> None:
    path = write_network(tmp_path / "net.onnx", yolov8())
    pixels = np.full((1, SIZE, SIZE, 3), 200, np.uint8)

    def count(**options: float) -> int:
        return len(load_detector(f"yolo:{path}", DetectorOptions.of(settings=options)).detect(pixels)[0].boxes)

    assert count(conf=0.5, iou=0.9) == 3
    assert count(conf=0.7, iou=0.5) == 1
    assert count(conf=0.95) == 0
    protocol = load_detector(f"yolo:{path}", DetectorOptions.of(conf=0.8, iou=0.8, imgsz=64)).protocol
    assert protocol.startswith("yolo:net.onnx v1, conf 0.8, iou 0.8, imgsz 64, yolov8 layout")


def test_boxes_come_back_in_pixels_of_the_image(tmp_path: Path) -> None:
    path = write_network(tmp_path / "net.onnx", yolov8())
    detector = load_detector(f"yolo:{path}", DetectorOptions.of(conf=0.7))
    (square,) = detector.detect(np.full((1, 128, 128, 3), 9, np.uint8))
    np.testing.assert_allclose(square.boxes, [[24, 28, 56, 68]], atol=1e-3)
    # 32 high, 64 wide: 16 gray rows above and below.
    (wide,) = detector.detect(np.full((1, 32, 64, 3), 9, np.uint8))
    np.testing.assert_allclose(wide.boxes, [[12, -2, 28, 18]], atol=1e-3)


def test_letterboxing_pads_with_gray(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (1, 32, 64, 3), dtype=np.uint8)
    (boxed,), offset, factor = yolo.letterbox(image, 64, 64)
    assert (boxed[:16] == GRAY).all()
    assert (boxed[48:] == GRAY).all()
    np.testing.assert_array_equal(boxed[16:48], image[0])
    assert (offset.tolist(), factor) == ([0, 16, 0, 16], 1)


def test_pixels_arrive_as_each_family_wants_them(tmp_path: Path) -> None:
    class Recorder:
        def run(self, names: object, feed: dict[str, np.ndarray], options: object) -> list[np.ndarray]:
            self.x = feed["images"]
            return [yolox(raw=False)]

    pixels = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 255, 51, 0
    for name, expected in (("yolov8", [1, 0.2, 0]), ("yolox", [0, 51, 255])):
        path = write_network(tmp_path / "net.onnx", LAYOUTS[name][0])
        detector = load_detector(f"yolo:{path}", DetectorOptions.of(layout=name))
        detector._network._session = recorder = Recorder()
        detector._network.run(pixels)
        np.testing.assert_allclose(recorder.x[0, :, 0, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (np.zeros((1, 7, 5)), "fits no YOLO layout: for strides 8/16/32 there would be 84 boxes"),
        (np.zeros((1, 5, 9)), "fits no YOLO layout"),
        (np.full((1, 5, CELLS), 7.0), "scores are not between 0 and 1"),
        (np.full((1, 5, CELLS), np.nan), "is not finite"),
    ],
)
def test_networks_that_are_no_yolo(output: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match=message):
        load_detector(f"yolo:{write_network(tmp_path / 'net.onnx', output)}")


def test_wrong_files_and_settings(tmp_path: Path) -> None:
    path = write_network(tmp_path / "net.onnx", yolov8())
    with pytest.raises(GanbenchError, match="exported for 64x64 images: use --imgsz 64"):
        load_detector(f"yolo:{path}", DetectorOptions.of(imgsz=96))
    with pytest.raises(GanbenchError, match="no such file") as caught:
        load_detector("yolo:nowhere.onnx")
    assert not isinstance(caught.value, AssetMissing)  # which would become a row: this file was named by the user
    (tmp_path / "broken.onnx").write_bytes(b"not a network")
    with pytest.raises(GanbenchError, match="not an ONNX file"):
        load_detector(f"yolo:{tmp_path / 'broken.onnx'}")
    for options, message in (
        (DetectorOptions.of(conf=1.5), "--conf 1.5: expected a number between 0 and 1"),
        (DetectorOptions.of(iou=0.0), "--iou 0: expected"),
        (DetectorOptions.of(imgsz=50), "--imgsz 50: expected a multiple of 32"),
    ):
        with pytest.raises(GanbenchError, match=message):
            load_detector("yolo-nano", options)


def test_the_shipped_detector_is_that_of_its_card() -> None:
    card = json.loads((shipped_dir("detectors") / "yolo-nano" / "card.json").read_text())
    detector = load_detector("yolo-nano")
    assert detector.settings.conf == card["settings"]["conf"]
    assert f"real faces reach {card['real']:.3f}, non-faces {card['nonfaces']:.3f}" in detector.protocol
    assert "real faces" not in load_detector("yolo-nano", DetectorOptions.of(conf=0.9)).protocol
    assert (shipped_dir("detectors") / "yolo-nano" / "yolo-nano.onnx").stat().st_size < 3_000_000


def test_the_shipped_detector_finds_faces_and_nothing_else() -> None:
    faces = np.stack([image for _, image in toyfaces(80, seed=300)])
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (80, 64, 64, 3), dtype=np.uint8)
    plain = np.broadcast_to(rng.integers(0, 256, (80, 1, 1, 3), dtype=np.uint8), (80, 64, 64, 3))
    detector = load_detector("yolo-nano")

    def share(pixels: np.ndarray) -> float:
        return float(np.mean([len(d.boxes) > 0 for d in detector.detect(np.ascontiguousarray(pixels))]))

    assert share(faces) > 0.9
    assert share(noise) == share(plain) == 0
    assert share(faces[:, ::-1, ::-1]) < 0.3  # upside down


def test_the_answer_does_not_depend_on_batch_or_order() -> None:
    faces = np.stack([image for _, image in toyfaces(70, seed=301)])
    detector = load_detector("yolo-nano")
    together = detector.detect(faces)
    alone = [detector.detect(face[None])[0] for face in faces]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a.boxes, b.boxes, atol=1e-2)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-4)


@pytest.mark.slow
def test_score_and_detect_take_any_yolo(image_folder: Path, tmp_path: Path) -> None:
    path = write_network(tmp_path / "net.onnx", yolov8())
    card = ganbench.score(image_folder, detector=f"yolo:{path}", conf=0.8, iou=0.8, imgsz=64, per_image=True)
    assert card["afd[yolo:net.onnx]"].value == 1
    assert "conf 0.8, iou 0.8, imgsz 64" in card["afd[yolo:net.onnx]"].protocol
    assert card.per_image[0]["score[yolo:net.onnx]"] == pytest.approx(0.9)
    arguments = ["detect", str(image_folder), "--detector", f"yolo:{path}", "--conf", "0.95", "--json"]
    assert json.loads(CliRunner().invoke(app, arguments).stdout)["value"] == 0
