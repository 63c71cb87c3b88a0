"""YOLO exports as files: every form of input, sizes, memory, external data, metadata, and files that are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from typer.testing import CliRunner
from yolo_files import write_export
from yolo_networks import yolov8
from yolo_outputs import Maker

from ganbench.cli.app import app
from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.registry import load_detector
from ganbench.errors import GanbenchError
from ganbench.toyfaces import toyfaces

SQUARE = np.full((5, 64, 64, 3), 200, np.uint8)
FORMS = {
    "one at a time": {},
    "float16": {"dtype": TensorProto.FLOAT16},
    "uint8": {"dtype": TensorProto.UINT8},
    "channels last": {"shape": (1, 64, 64, 3)},
    "channels last, uint8": {"shape": (1, 64, 64, 3), "dtype": TensorProto.UINT8},
    "free, answers for one": {"shape": ("n", 3, "h", "w")},
    "free, channels last": {"shape": ("n", "h", "w", 3)},
    "free width": {"shape": (1, 3, 64, "w")},
}


def share(path: Path, pixels: np.ndarray = SQUARE, **settings: object) -> float:
    found = load_detector(f"yolo:{path}", DetectorOptions.of(settings=settings)).detect(pixels)
    assert len(found) == len(pixels)
    return float(np.mean([len(one.boxes) > 0 for one in found]))


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_of_input_works(form: str, tmp_path: Path) -> None:
    path = write_export(tmp_path / "net.onnx", [yolov8()], **FORMS[form])
    (found, *_) = load_detector(f"yolo:{path}", DetectorOptions.of(conf=0.5)).detect(SQUARE)
    np.testing.assert_allclose(found.boxes, [[12, 14, 28, 34], [44, 43, 56, 53]], atol=1e-4)


@pytest.mark.parametrize("batch", [2, 4, 7])
def test_fixed_batches_are_filled_up(batch: int, tmp_path: Path) -> None:
    path = write_export(tmp_path / "net.onnx", [yolov8().repeat(batch, 0)], shape=(batch, 3, 64, 64))
    assert share(path) == 1
    assert share(path, conf=0.95) == 0


@pytest.mark.parametrize(("height", "width"), [(64, 128), (128, 64), (32, 96), (320, 32)])
def test_rectangles(height: int, width: int, tmp_path: Path) -> None:
    made = Maker(3, height, width, 1, images=2).yolov8("detect", noted=False)
    path = write_export(tmp_path / "net.onnx", [made.output[:1]], shape=(1, 3, height, width))
    conf = float(made.best[0])
    assert share(path, conf=conf - 0.01) == 1
    assert share(path, conf=min(conf + 0.01, 0.99)) == 0
    whole = np.full((1, height, width, 3), 9, np.uint8)
    (found,) = load_detector(f"yolo:{path}", DetectorOptions.of(conf=conf - 0.01)).detect(whole)
    x, y, w, h = made.box
    np.testing.assert_allclose(found.boxes[0], [x - w / 2, y - h / 2, x + w / 2, y + h / 2], atol=1e-2)
    with pytest.raises(GanbenchError, match=f"exported for {height}x{width} images: use --imgsz {max(height, width)}"):
        share(path, imgsz=480)
    assert share(path, imgsz=max(height, width), conf=conf - 0.01) == 1


@pytest.mark.parametrize("size", [32, 64, 96, 160, 320, 640])
@pytest.mark.parametrize("kind", ["plain", "nms", "flat"])
def test_lists_of_final_boxes_at_any_size(kind: str, size: int, tmp_path: Path) -> None:
    for seed in range(4):
        made = Maker(seed, size, size, 1 + seed, images=1).final(kind)
        path = write_export(tmp_path / f"{seed}.onnx", [made.output], shape=(1, 3, size, size))
        assert share(path, SQUARE[:2]) == (made.best[0] >= 0.25)


def test_masks_and_raw_heads_beside_the_boxes(tmp_path: Path) -> None:
    made = Maker(0, 64, 64, 1, images=1).yolov8("segment", noted=False)
    path = write_export(tmp_path / "seg.onnx", [made.output, np.zeros((1, 32, 16, 16))])
    assert "yolov8-seg layout" in load_detector(f"yolo:{path}").protocol
    made = Maker(0, 64, 64, 1, images=1).yolov5("detect")
    heads = [np.zeros((1, 3, s, s, 6)) for s in (8, 4, 2)]
    assert (
        "yolov5 layout" in load_detector(f"yolo:{write_export(tmp_path / 'v5.onnx', [made.output, *heads])}").protocol
    )
    with pytest.raises(GanbenchError, match="without --train"):
        load_detector(f"yolo:{write_export(tmp_path / 'raw.onnx', heads)}")
    with pytest.raises(GanbenchError, match="its outputs have the shapes"):
        load_detector(f"yolo:{write_export(tmp_path / 'nas.onnx', [np.zeros((1, 84, 4)), np.zeros((1, 84, 1))])}")


def test_metadata_decides_and_layout_overrules(tmp_path: Path) -> None:
    output = yolov8(2)
    output[:, 5] = 0.78
    bare = write_export(tmp_path / "bare.onnx", [output])
    with pytest.raises(GanbenchError, match=r"--layout yolov8:2 or --layout yolov8-obb:1"):
        load_detector(f"yolo:{bare}")
    noted = {"task": "obb", "names": "{0: 'face'}"}
    assert "yolov8-obb layout" in load_detector(f"yolo:{write_export(bare, [output], metadata=noted)}").protocol
    chosen = load_detector(f"yolo:{bare}", DetectorOptions.of(layout="yolov8:2"))
    assert "imgsz 64, layout yolov8:2, yolov8 layout, strides 8/16/32, 2 classes" in chosen.protocol
    with pytest.raises(GanbenchError, match="--layout yolo: expected one of yolov8, "):
        load_detector(f"yolo:{bare}", DetectorOptions.of(layout="yolo"))


def test_scores_of_later_images_are_checked(tmp_path: Path) -> None:
    """A network whose column 4 is no score, which only bright images show."""
    nodes = [
        helper.make_node("ReduceMin", ["images"], ["least"], keepdims=0),
        helper.make_node("Sub", ["least", "half"], ["over"]),
        helper.make_node("Relu", ["over"], ["bright"]),
        helper.make_node("Mul", ["bright", "slope"], ["more"]),
        helper.make_node("Add", ["constant", "more"], ["output"]),
    ]
    constants = [
        numpy_helper.from_array(yolov8(), "constant"),
        numpy_helper.from_array(np.float32(0.5).reshape(()), "half"),
        numpy_helper.from_array(np.array([[0]] * 4 + [[4]], np.float32)[None], "slope"),
    ]
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 5, 84])]
    graph = helper.make_graph(nodes, "late", inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "a.onnx")
    detector = load_detector(f"yolo:{tmp_path / 'a.onnx'}")
    with pytest.raises(GanbenchError, match=r"its scores are .* not between 0 and 1: it is another layout"):
        detector.detect(np.full((1, 64, 64, 3), 255, np.uint8))


def test_a_size_that_does_not_fit_into_memory_is_refused_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_MEMORY", "300M")
    with pytest.raises(GanbenchError, match=r"the budget here is 300 MB: use --imgsz (\d+) or less") as caught:
        load_detector("yolo-nano", DetectorOptions.of(imgsz=6400))
    most = int(str(caught.value).partition("--imgsz ")[2].split()[0])
    load_detector("yolo-nano", DetectorOptions.of(imgsz=most))
    with pytest.raises(GanbenchError, match="the budget here"):
        load_detector("yolo-nano", DetectorOptions.of(imgsz=most + 32))


def test_a_fixed_size_that_does_not_fit_into_memory(tmp_path: Path) -> None:
    path = write_export(tmp_path / "net.onnx", [yolov8()], shape=(1, 3, 64000, 64000))
    with pytest.raises(GanbenchError, match="export it smaller"):
        load_detector(f"yolo:{path}")


def test_a_network_that_takes_more_than_it_seems_is_stopped(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["numbers"], ["peak"], keepdims=0),
        helper.make_node("Ceil", ["peak"], ["one"]),
        helper.make_node("Mul", ["one", "many"], ["length"]),
        helper.make_node("Cast", ["length"], ["shape"], to=TensorProto.INT64),
        helper.make_node("Expand", ["numbers", "shape"], ["huge"]),
        helper.make_node("ReduceMean", ["huge"], ["output"], axes=[0], keepdims=1),
    ]
    many = numpy_helper.from_array(np.array([300_000, 1, 1, 1], np.float32), "many")
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "huge", inputs, outputs, [many])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "a.onnx")
    with pytest.raises(GanbenchError, match="it takes more than .* MB of memory"):
        load_detector(f"yolo:{tmp_path / 'a.onnx'}")


def test_a_hash_covers_the_external_data(tmp_path: Path) -> None:
    protocols, files = [], []
    for name, score in (("a", 0.9), ("b", 0.1)):
        (tmp_path / name).mkdir()
        output = yolov8()
        output[output == np.float32(0.9)] = score
        files.append(write_export(tmp_path / name / "w.onnx", [output], external="w.onnx.data"))
        protocols.append(load_detector(f"yolo:{files[-1]}").protocol)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert protocols[0] != protocols[1]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("/etc/hostname", "which is not in its own folder"),
        ("../outside", "which is not in its own folder"),
        ("sub/../../outside", "which is not in its own folder"),
        ("C:\\\\data", "which is not in its own folder"),
        ("", "which is not in its own folder"),
        ("link", "which is not in its own folder"),
        ("missing", "which is not there"),
        ("short", "it is cut short"),
    ],
)
def test_external_data_that_is_elsewhere(location: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "outside").write_bytes(b"x" * 10_000)
    (tmp_path / "in" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "in" / "short").write_bytes(b"x" * 10)
    path = write_export(tmp_path / "in" / "w.onnx", [yolov8()], external="w.data")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        next(entry for entry in tensor.external_data if entry.key == "location").value = location
    path.write_bytes(model.SerializeToString())
    with pytest.raises(GanbenchError, match=message):
        load_detector(f"yolo:{path}")


def test_damaged_files_are_refused_or_read(tmp_path: Path) -> None:
    whole = write_export(tmp_path / "whole.onnx", [yolov8()], metadata={"task": "detect", "names": "{0: 'face'}"})
    content, rng = whole.read_bytes(), np.random.default_rng(0)
    refused: list[str] = []
    for _ in range(60):
        damaged = bytearray(content)
        for at in rng.integers(0, len(damaged), rng.integers(1, 6)):
            damaged[at] = rng.integers(0, 256)
        path = tmp_path / "damaged.onnx"
        path.write_bytes(damaged[: rng.integers(1, len(damaged))] if rng.random() < 0.3 else damaged)
        try:
            load_detector(f"yolo:{path}").detect(SQUARE[:1])
        except GanbenchError as e:
            refused.append(str(e))
    assert len(refused) > 5
    assert all(len(line.splitlines()) == 1 for line in refused)


def test_inputs_that_take_no_images(tmp_path: Path) -> None:
    for shape, dtype in (((1, 1, 64, 64), TensorProto.FLOAT), ((1, 3, 64), TensorProto.FLOAT), ((1, 3, 64, 64), 7)):
        path = write_export(tmp_path / "net.onnx", [yolov8()], shape=shape, dtype=dtype)
        with pytest.raises(GanbenchError, match="a YOLO export takes float32, float16 or uint8"):
            load_detector(f"yolo:{path}")


def test_one_picture_is_looked_at_as_it_is(tmp_path: Path) -> None:
    pixels = np.full((256, 320, 3), 255, np.uint8)
    for i, (_, face) in enumerate(toyfaces(3, seed=300)):
        pixels[64:128, 20 + 100 * i : 84 + 100 * i] = face
    Image.fromarray(pixels).save(tmp_path / "scene.png")
    command = ["detect", str(tmp_path / "scene.png"), "--imgsz", "256", "--draw", str(tmp_path / "boxes"), "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["n"] == 1
    (drawn,) = (tmp_path / "boxes").iterdir()
    assert Image.open(drawn).size == (320, 256)


def test_a_loop_without_an_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def info(name: str, kind: int, shape: list[int] | None) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    images = [1, 3, 64, 64]
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["on2"]), helper.make_node("Sin", ["x"], ["x2"])],
        "body",
        [info("i", TensorProto.INT64, []), info("on", TensorProto.BOOL, []), info("x", TensorProto.FLOAT, images)],
        [info("on2", TensorProto.BOOL, []), info("x2", TensorProto.FLOAT, images)],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["", "true", "images"], ["output"], body=body)],
        "loop",
        [info("images", TensorProto.FLOAT, images)],
        [info("output", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(True), "true")],
    )
    path = tmp_path / "loop.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    monkeypatch.setattr("ganbench.detectors.network.PATIENCE", 0.2)
    with pytest.raises(GanbenchError, match=r"the network was stopped: 64x64 pixels took longer than 0\.2 seconds"):
        load_detector(f"yolo:{path}")
