"""How much memory a network takes while it runs, told from its graph and not by running it."""

from __future__ import annotations

import math
from pathlib import Path

USUAL = 600  # bytes for a pixel of the input: twice what the large YOLOv8 and YOLOX take
_OWN = 30  # bytes for a pixel: the image as it is read, scaled, and handed over in float32
_MARGIN = 1.5  # what kernels need beside the values between them


def bytes_per_pixel(path: Path, height: int, width: int) -> float:
    """Return the bytes that a network takes for each pixel of its input, at the fullest moment of a run.

    The values between the nodes are counted from the first that has them to the last that reads them. Where their sizes
    cannot be told, it is what large networks take.

    Args:
        path: the ONNX file.
        height: input height, pixels.
        width: input width, pixels.
    """
    try:
        return _OWN + _MARGIN * _fullest(path, height, width) / (height * width)
    except Exception:  # whatever the library has to say of foreign graphs: it is an estimate
        return USUAL


def _fullest(path: Path, height: int, width: int) -> int:
    """Return the bytes of the values that are held at the fullest moment.

    Raises:
        Exception: the sizes cannot be told.
    """
    import onnx

    model = onnx.load_model(str(path), load_external_data=False)
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    last = dimensions[3].HasField("dim_value") and dimensions[3].dim_value == 3
    for one, value in zip(dimensions, (1, height, width, 3) if last else (1, 3, height, width), strict=True):
        one.dim_value = value
    del model.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    sizes = {}
    for value in graph.value_info:
        dims = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in value.type.tensor_type.shape.dim]
        if min(dims, default=0) >= 0:
            sizes[value.name] = 4 * math.prod(dims)
    if len(sizes) < len(graph.node) / 2:
        raise ValueError("the sizes of most values are unknown")
    last_reader = {name: number for number, node in enumerate(graph.node) for name in node.input}
    held: dict[str, int] = {}
    fullest = 0
    for number, node in enumerate(graph.node):
        held |= {name: sizes.get(name, 0) for name in node.output}
        fullest = max(fullest, sum(held.values()))
        for name in [*node.input, *node.output]:
            if last_reader.get(name, -1) <= number:
                held.pop(name, None)
    return fullest
