"""Networks as ONNX graphs, made once and kept in the cache folder.

A graph is kept under a hash of its specification and of the code that made it.

PyTorch's exporter is not for threads: it keeps its state in the process, and its warnings go through the process's. So
every export runs in a process of its own, and one at a time; what else the program does with PyTorch or with warnings
meanwhile is none of its concern.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.errors import GanbenchError
from ganbench.features.spec import ExtractorSpec
from ganbench.system.cache import Cache
from ganbench.system.code import code_of
from ganbench.system.container import Content
from ganbench.system.leftovers import temporary_folder
from ganbench.system.notes import Note, log_note

if TYPE_CHECKING:
    import torch
    from torch import nn

_LOG = logging.getLogger(__name__)

# Graphs of other versions and weights go first, by age.
_CACHE = Cache("onnx", "the exported network", 1 << 30)

_ONE_AT_A_TIME = threading.Lock()
# What the process that exports is told: where modules are found here, before it imports any, and then what to do.
_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer);"
    "from ganbench.features.export import export_for_parent; export_for_parent()"
)


def exported(
    spec: ExtractorSpec,
    build: Callable[[], nn.Module],
    note: Note = log_note,
    first: Callable[[], None] = lambda: None,
) -> bytes:
    """Return a network as an ONNX graph, from the cache if it is there whole.

    In fp32 the graph takes uint8 images of any size, (n, h, w, 3), and the two resize matrices, so that one export
    serves all image sizes. In bf16 it takes one image that was resized before, in float32, (1, 3, S, S): a graph has
    one precision. Threads and processes may ask for the same network at once.

    Args:
        spec: names the network in the cache and carries the precision.
        build: makes the torch network, in another process: it goes there through pickle. Not called when the graph is
            in the cache.
        note: told when the graph cannot be kept.
        first: called before an export, which takes half a minute and 850 MB: it may raise what makes that vain.

    Raises:
        GanbenchError: what ``first`` or ``build`` raised, or it cannot be pickled, or the network cannot be exported.
    """
    key = _key(spec)
    graph = _CACHE.load(key, _parse, note)
    if graph is not None:
        _LOG.info("%s runs from its graph in the cache", spec.name)
        return graph
    first()
    with _ONE_AT_A_TIME:
        graph = _CACHE.load(key, _parse)  # another thread may have made it meanwhile
        if graph is None:
            _LOG.info("%s is exported", spec.name)
            graph = _export_apart(spec, build)
            _CACHE.keep(key, graph, note)
    return graph


def kept_graph(spec: ExtractorSpec) -> Path:
    """Return the file in the cache in which the graph of a network is once it was exported, for it to be taken along.

    Raises:
        CannotWrite: there is no place for caches.
    """
    return _CACHE.path(_key(spec))


def _key(spec: ExtractorSpec) -> str:
    return f"{spec.name.replace(':', '-')}-{spec.key()[:12]}-{_code_hash()[:8]}"


def _parse(content: Content) -> bytes:
    return bytes(content.payload)


def _code_hash() -> str:
    """Return a hash of all code that decides what a graph computes: this folder, networks included."""
    return code_of(Path(__file__).parent)


def _export_apart(spec: ExtractorSpec, build: Callable[[], nn.Module]) -> bytes:
    """Export in a process of its own; see the top of this module."""
    try:
        task = pickle.dumps(sys.path) + pickle.dumps((spec, build))
    except (pickle.PicklingError, AttributeError, TypeError) as e:
        raise GanbenchError(
            f"{spec.name}: its build cannot be handed to the process that exports the network ({e}). "
            "Make it a function of a module, or register the extractor with exportable=False."
        ) from e
    command = [sys.executable, "-W", "ignore", "-c", _START]
    try:
        done = subprocess.run(command, input=task, capture_output=True, check=False)
    except OSError as e:
        raise GanbenchError(f"{spec.name}: the process that exports the network cannot be started: {e}") from e
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise GanbenchError(f"{spec.name}: the network could not be exported to ONNX: {last}")
    answer: Any = pickle.loads(done.stdout)
    if isinstance(answer, GanbenchError):
        raise answer
    return bytes(answer)


def export_for_parent() -> None:
    """Be the process that exports: read what to do from standard input, write the graph or the error to the output."""
    # Whatever a library prints goes to the errors, and leaves the answer whole.
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        spec, build = pickle.load(sys.stdin.buffer)
        try:
            answer: object = _export(build(), spec)
        except GanbenchError as e:
            answer = e
        pickle.dump(answer, output)


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
    axes: dict[str, dict[int, str]] = {}
    example: tuple[torch.Tensor, ...]
    if spec.precision == "bf16":
        inputs, example = ["resized"], (torch.zeros(1, 3, size, size),)
    else:
        network, inputs = _with_resize(network), ["pixels", "rows", "columns"]
        axes = {"pixels": {0: "n", 1: "h", 2: "w"}, "rows": {1: "h"}, "columns": {0: "w"}}
        axes |= {name: {0: "n"} for name in outputs}
        example = (torch.zeros(2, 64, 48, 3, dtype=torch.uint8), torch.zeros(size, 64), torch.zeros(48, size))
    with temporary_folder(Path(tempfile.gettempdir()) / "ganbench-export") as folder:
        path = folder / "graph.onnx"
        torch.onnx.export(
            network,
            example,
            path,
            dynamo=False,  # deprecated, but it is three times as fast here and needs no further package
            opset_version=17,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
        )
        parts = [one.name for one in Path(folder).iterdir()]
        if parts != [path.name]:  # from 2 GB on, weights go to files of their own, which the graph alone has not got
            raise GanbenchError(
                f"{spec.name}: the network is too large for one ONNX file. Register it with exportable=False."
            )
        return path.read_bytes()
