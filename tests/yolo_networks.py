"""YOLO networks that the tests make: each answers with three boxes, in one of the layouts that exports come in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2


def write_network(path: Path, output: np.ndarray, *, side: int | str = SIZE, dtype: int = TensorProto.FLOAT) -> Path:
    """Write a network that answers every image with the same output, times a number that depends on the image.

    The number is 1 for every image but black ones: so that the test sees what the runtime put in.
    """
    shape = ["n", 3, side, side]
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["peak"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Squeeze", ["peak", "axis"], ["lit"]),
        helper.make_node("Sign", ["lit"], ["sign"]),
        helper.make_node("Mul", ["constant", "sign"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", dtype, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", *output.shape[1:]])],
        [
            numpy_helper.from_array(output.astype(np.float32), "constant"),
            numpy_helper.from_array(np.array([3], np.int64), "axis"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


BOXES = np.array([[20, 24, 16, 20], [21, 25, 16, 20], [50, 48, 12, 10]], np.float32)  # two overlap at 0.81
SCORES = np.array([0.9, 0.85, 0.6], np.float32)


def yolov8(classes: int = 1) -> np.ndarray:
    out = np.zeros((1, 4 + classes, CELLS), np.float32)
    out[0, :4] = 5
    for i, (box, score) in enumerate(zip(BOXES, SCORES, strict=True)):
        out[0, :4, 10 * i] = box
        out[0, 4 + i % classes, 10 * i] = score
    return out


def yolov5() -> np.ndarray:
    out = np.zeros((1, 3 * CELLS, 6), np.float32)
    for i, (box, score) in enumerate(zip(BOXES, SCORES, strict=True)):
        out[0, 7 * i, :4] = box
        out[0, 7 * i, 4:] = [score / 0.95, 0.95]
    return out


def yolox(raw: bool) -> np.ndarray:
    grids = [(s, *divmod(i, SIZE // s)) for s in (8, 16, 32) for i in range((SIZE // s) ** 2)]
    out = np.zeros((1, CELLS, 6), np.float32)
    if not raw:
        out[0, :, :2] = [[(c + 0.5) * s, (r + 0.5) * s] for s, r, c in grids]
        out[0, :, 2:4] = 4
    for i, (box, score) in enumerate(zip(BOXES, SCORES, strict=True)):
        s, r, c = grids[11 * i]
        at = box if not raw else np.array([box[0] / s - c, box[1] / s - r, *np.log(box[2:] / s)])
        out[0, 11 * i, :4] = at
        out[0, 11 * i, 4:] = [score, 1.0]
    return out
