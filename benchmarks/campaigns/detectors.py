"""Mutated ONNX detectors: loaded and asked for faces; boxes and scores are finite, or the file is refused."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from campaigns.base import Sweep, guard
from campaigns.images import smooth
from campaigns.mutate import damage
from ganbench.detectors.registry import load_detector

SIDE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2
_TYPES = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.UINT8, TensorProto.INT64)


def answer(layout: str, rng: np.random.Generator) -> np.ndarray:
    """Return what a detector of this layout puts out for one image with one sure face."""
    if layout == "yolov8":
        out = np.full((1, 5, CELLS), 0.01, np.float32)
        out[0, :4] = rng.uniform(4, 60, (4, CELLS))
        out[0, :, 7] = 32, 30, 24, 28, 0.9
    elif layout == "yolov5":
        out = np.full((1, 3 * CELLS, 6), 0.01, np.float32)
        out[0, :, :4] = rng.uniform(4, 60, (3 * CELLS, 4))
        out[0, 7] = 32, 30, 24, 28, 0.95, 0.95
    else:
        out = np.zeros((1, 300, 6), np.float32)
        out[0, :, :2] = rng.uniform(0, 30, (300, 2))
        out[0, :, 2:4] = out[0, :, :2] + 20
        out[0, :, 4] = np.sort(rng.uniform(0, 0.05, 300))[::-1]
        out[0, 0] = 12, 10, 44, 50, 0.95, 0
    return out


def network(
    outputs: list[np.ndarray], shape: list[int | str], kind: int = TensorProto.FLOAT, *, trap: bool = False
) -> onnx.ModelProto:
    """Return a network that answers every image alike: constants, plus nought times the mean of the image.

    With a trap, its answer to bright images, and to them alone, is NaN.
    """
    nodes = [
        helper.make_node("Cast", ["images"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["nothing"]),
    ]
    constants = [numpy_helper.from_array(np.zeros((), np.float32), "nought")]
    if trap:
        constants.append(numpy_helper.from_array(np.float32(0.8), "bright"))
        nodes[2:] = [
            helper.make_node("Sub", ["bright", "mean"], ["dark"]),
            helper.make_node("Log", ["dark"], ["logarithm"]),
            helper.make_node("Mul", ["logarithm", "nought"], ["nothing"]),
        ]
    told = []
    for i, output in enumerate(outputs):
        constants.append(numpy_helper.from_array(output.astype(np.float32), f"constant{i}"))
        nodes.append(helper.make_node("Add", [f"constant{i}", "nothing"], [f"output{i}"]))
        told.append(helper.make_tensor_value_info(f"output{i}", TensorProto.FLOAT, list(output.shape)))
    graph = helper.make_graph(
        nodes, "detector", [helper.make_tensor_value_info("images", kind, shape)], told, constants
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class Detectors(Sweep):
    """Half of the files are damaged byte by byte, half are whole networks that answer oddly."""

    name = "onnx"
    count = 400

    def __init__(self, folder: Path) -> None:
        """Make the whole networks, and images to look at."""
        super().__init__(folder)
        rng = np.random.default_rng(0)
        self._layouts = {name: answer(name, rng) for name in ("yolov8", "yolov5", "end to end")}
        shape: list[int | str] = [1, 3, SIDE, SIDE]
        self._files = [network([out], shape).SerializeToString() for out in self._layouts.values()]
        self._images = np.stack([np.asarray(smooth(rng)) for _ in range(3)])
        self._images[1] = 255

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one network."""
        path = self.folder / "mutant.onnx"
        if number % 2:
            label, data = damage(rng.choice(self._files), rng)
            path.write_bytes(data)
        else:
            label = self._odd(path, rng)
        no_scores = label.endswith(("all NaN", "logits", "trap"))
        found, faults = guard(label, lambda: load_detector(f"yolo:{path}").detect(self._images))
        if found is None:
            return faults
        if no_scores:
            faults.append(f"{label}: is no score, and read as {sum(len(one.scores) for one in found)} faces")
        if len(found) != len(self._images):
            faults.append(f"{label}: {len(found)} answers for {len(self._images)} images")
        for one in found:
            whole = np.isfinite(one.boxes).all() and np.isfinite(one.scores).all()
            if not whole or one.boxes.shape != (len(one.scores), 4):
                faults.append(f"{label}: boxes {one.boxes.shape} or scores that are not finite")
            elif len(one.scores) and not (one.scores.min() >= 0 and one.scores.max() <= 1 + 1e-6):
                faults.append(f"{label}: scores from {one.scores.min()} to {one.scores.max()}")
        return faults

    def _odd(self, path: Path, rng: random.Random) -> str:
        """Write a network that is whole but answers or asks oddly."""
        layout = rng.choice(list(self._layouts))
        out = self._layouts[layout].copy()
        odd = rng.choice(
            [
                "NaN",
                "all NaN",
                "infinite",
                "huge",
                "negative",
                "logits",
                "shape",
                "input",
                "type",
                "more",
                "trap",
                "empty",
            ]
        )
        shape: list[int | str] = [1, 3, SIDE, SIDE]
        kind = TensorProto.FLOAT
        outputs = [out]
        if odd == "all NaN":
            out[...] = np.nan
        elif odd in ("NaN", "infinite", "huge", "negative"):
            number = {"NaN": np.nan, "infinite": np.inf, "huge": 1e30, "negative": -7.0}[odd]
            out.reshape(-1)[rng.choice([slice(None), slice(0, 40), slice(7, 8)])] = number
        elif odd == "logits":
            out -= 5
        elif odd == "shape":
            outputs = [np.zeros([rng.choice([0, 1, 2, 5, 6, 84]) for _ in range(rng.randint(0, 5))], np.float32)]
        elif odd == "input":
            sides: list[int | str] = ["h", 0, 32, 64, 65, 128, 10**6]
            batches: list[int | str] = ["n", 1, 4, 0]
            channels: list[int | str] = ["c", 1, 3, 4]
            shape = [rng.choice(batches), rng.choice(channels), rng.choice(sides), rng.choice(sides)]
            shape = shape[: rng.choice([4, 4, 4, 3, 0])]
        elif odd == "type":
            kind = rng.choice(_TYPES)
        elif odd == "more":
            outputs = [out, out[..., :3], np.zeros((1, 32, 16, 16))][: rng.randint(2, 3)]
            rng.shuffle(outputs)
        elif odd == "empty":
            outputs = []
        path.write_bytes(network(outputs, shape, kind, trap=odd == "trap").SerializeToString())
        return f"{layout}, {odd}"
