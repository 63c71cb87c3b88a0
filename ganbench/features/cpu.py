"""Runs exported networks on the CPU: ONNX Runtime for float32, OpenVINO for bfloat16.

Both get one or two images per call, and as many calls at once as there are cores. The activations of so few images fit
into a core's cache, those of a batch do not; cores need not wait for each other after every layer; and an image's
features do not depend on its neighbours. docs/features.md has the measurements.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np

from ganbench.system.cores import available_cores
from ganbench.system.onnx_runtime import open_graph

FewImages = Callable[[np.ndarray, np.ndarray, np.ndarray], list[np.ndarray]]

# Images per call. ONNX Runtime gives the same bits for any number; two share a reading of the weights.
_PER_CALL = {"fp32": 2, "bf16": 1}

_FIRST_READING = threading.Lock()  # of an OpenVINO tensor; see ``_openvino``


class CpuRunner:
    """Runs a graph of ``ganbench.features.export``; see ``ganbench.features.extractor.Runner``."""

    def __init__(self, graph: bytes, precision: str) -> None:
        self._run = {"fp32": _onnx_runtime, "bf16": _openvino}[precision](graph)
        self.runtime = {"fp32": "ONNX Runtime, cpu", "bf16": "OpenVINO, cpu"}[precision]
        self._per_call = _PER_CALL[precision]
        cores = available_cores()
        # A lone core computes in the calling thread: every change of threads would cost it time.
        self._map = map if cores == 1 else ThreadPoolExecutor(cores, "features").map

    def __call__(self, pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Run one batch."""
        pixels, columns = np.ascontiguousarray(pixels), np.ascontiguousarray(columns)
        calls = (pixels[i : i + self._per_call] for i in range(0, len(pixels), self._per_call))
        outputs = list(self._map(lambda images: self._run(images, rows, columns), calls))
        return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


def runs_on_cpu(precision: str) -> bool:
    """Tell whether graphs of this precision run here: bfloat16 needs OpenVINO and a processor that has it."""
    if precision == "fp32":
        return True
    if find_spec("openvino") is None:
        return False
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _onnx_runtime(graph: bytes) -> FewImages:
    session = open_graph(graph)

    def run(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        return session.run(None, {"pixels": images, "rows": rows, "columns": columns})

    return run


def _openvino(graph: bytes) -> FewImages:
    import openvino

    core, cores, requests = openvino.Core(), available_cores(), threading.local()
    options = {"NUM_STREAMS": cores, "INFERENCE_NUM_THREADS": cores, "ENABLE_CPU_PINNING": False}
    # The resize is a model of its own, since a model has one precision.
    models = ((_openvino_resize(), "f32"), (core.read_model(graph), "bf16"))
    resize, network = (
        core.compile_model(model, "CPU", {**options, "INFERENCE_PRECISION_HINT": precision})
        for model, precision in models
    )

    # The first reading of a tensor sets up something in OpenVINO's binding, which lets go of Python's lock in between:
    # two threads that come to it at once wait for each other for ever. So it is done before there are two.
    with _FIRST_READING:
        one = resize.create_infer_request()
        one.infer([np.zeros((1, 1, 1, 3), np.uint8), *(np.ones((1, 1), np.float32) for _ in range(2))])
        one.get_output_tensor().data.copy()

    def run(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        if not hasattr(requests, "resize"):
            requests.resize, requests.network = resize.create_infer_request(), network.create_infer_request()
        requests.resize.infer([images, rows, columns])
        requests.network.infer([requests.resize.get_output_tensor()])
        return [requests.network.get_output_tensor(i).data.copy() for i in range(len(network.outputs))]

    return run


def _openvino_resize() -> object:
    from openvino import Model, Type
    from openvino import opset13 as ops

    pixels = ops.parameter([1, -1, -1, 3], Type.u8)
    rows, columns = ops.parameter([-1, -1], Type.f32), ops.parameter([-1, -1], Type.f32)
    image = ops.convert(ops.transpose(pixels, np.array([0, 3, 1, 2])), Type.f32)
    return Model([ops.matmul(ops.matmul(rows, image, False, False), columns, False, False)], [pixels, rows, columns])
