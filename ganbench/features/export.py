"""Networks as ONNX graphs, made once and kept in the cache folder.

A graph is kept under a hash of its specification and of the code that made it, with a checksum.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import GanbenchError
from ganbench.features.spec import ExtractorSpec
from ganbench.system.storage import atomic_write, cache_dir, evict

if TYPE_CHECKING:
    import torch
    from torch import nn

LIMIT_BYTES = 1 << 30  # of all graphs kept: those of other versions and weights go first, by age


def exported(spec: ExtractorSpec, build: Callable[[], nn.Module]) -> bytes:
    """Return a network as an ONNX graph, from the cache if it is there whole.

    In fp32 the graph takes uint8 images of any size, (n, h, w, 3), and the two resize matrices, so that one export
    serves all image sizes. In bf16 it takes one image that was resized before, in float32, (1, 3, S, S): a graph has
    one precision.

    Args:
        spec: names the network in the cache and carries the precision.
        build: makes the torch network; not called when the graph is in the cache.
    """
    name = f"{spec.name.replace(':', '-')}-{spec.key()[:12]}-{_code_hash()[:8]}.onnx"
    path = cache_dir() / "onnx" / name
    checksum = path.with_suffix(".sha256")
    if path.is_file() and checksum.is_file():
        graph = path.read_bytes()
        if hashlib.sha256(graph).hexdigest() == checksum.read_text().strip():
            return graph
    graph = _export(build(), spec)
    try:
        with atomic_write(path) as f:
            f.write(graph)
        with atomic_write(checksum, "w") as f:
            f.write(hashlib.sha256(graph).hexdigest())
        evict(path.parent, LIMIT_BYTES, keep=path)
    except (GanbenchError, OSError) as e:
        warnings.warn(f"the exported network was not kept: {e}", stacklevel=2)
    return graph


def _code_hash() -> str:
    """Return a hash of all code that decides what a graph computes: this folder, networks included."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _with_resize(network: nn.Module) -> nn.Module:
    """Put the resize in front of a network: uint8 (N, H, W, 3) and two matrices in, the network's outputs back."""
    from torch import nn

    class WithResize(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(
            self, pixels: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
        ) -> torch.Tensor | tuple[torch.Tensor, ...]:
            x = pixels.float().permute(0, 3, 1, 2)
            return self.network(rows.matmul(x).matmul(columns))

    return WithResize().eval()


def _export(network: nn.Module, spec: ExtractorSpec) -> bytes:
    import torch

    outputs = ["features", "logits"] if spec.logits else ["features"]
    size = spec.input_size
    if spec.precision == "bf16":
        inputs, axes, example = ["resized"], {}, (torch.zeros(1, 3, size, size),)
    else:
        network, inputs = _with_resize(network), ["pixels", "rows", "columns"]
        axes = {"pixels": {0: "n", 1: "h", 2: "w"}, "rows": {1: "h"}, "columns": {0: "w"}}
        axes |= {name: {0: "n"} for name in outputs}
        example = (torch.zeros(2, 64, 48, 3, dtype=torch.uint8), torch.zeros(size, 64), torch.zeros(48, size))
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The TorchScript exporter is deprecated, but it is three times as fast here and needs no further package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            example,
            buffer,
            dynamo=False,
            opset_version=17,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
        )
    return buffer.getvalue()
