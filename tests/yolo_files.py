"""YOLO exports as files: constant answers behind inputs of any form, as exporters write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_export(
    path: Path,
    outputs: Sequence[np.ndarray],
    *,
    shape: Sequence[int | str] = (1, 3, 64, 64),
    dtype: int = TensorProto.FLOAT,
    metadata: dict[str, str] | None = None,
    external: str = "",
) -> Path:
    """Write a network that answers whatever it is given with the same outputs.

    Args:
        path: the file.
        outputs: what it answers.
        shape: of its input.
        dtype: of its input.
        metadata: notes in the file.
        external: the file beside it that the weights go to; "" to keep them inside.
    """
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["zero"]),
    ]
    initializers, infos = [numpy_helper.from_array(np.zeros((), np.float32), "nought")], []
    for i, output in enumerate(outputs):
        initializers.append(numpy_helper.from_array(output.astype(np.float32), f"constant{i}"))
        nodes.append(helper.make_node("Add", [f"constant{i}", "zero"], [f"output{i}"]))
        infos.append(helper.make_tensor_value_info(f"output{i}", TensorProto.FLOAT, list(output.shape)))
    inputs = [helper.make_tensor_value_info("images", dtype, list(shape))]
    graph = helper.make_graph(nodes, "constant", inputs, infos, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    if external:
        onnx.save(model, path, save_as_external_data=True, location=external, size_threshold=0)
    else:
        onnx.save(model, path)
    return path
