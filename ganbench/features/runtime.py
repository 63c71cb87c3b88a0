"""Runs networks: ONNX Runtime for float32 on a CPU, PyTorch on CUDA and for bfloat16.

The exported graph takes uint8 images of any size and the two resize matrices as inputs, so one export serves all image
sizes. It is kept in the cache folder under a hash of the specification and of the code that made it.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.cores import available_cores
from ganbench.errors import GanbenchError
from ganbench.features.extractor import ExtractorSpec, Runner
from ganbench.storage import atomic_write, cache_dir

if TYPE_CHECKING:
    import torch
    from torch import nn

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("fp32", "bf16")


def resolve_device(device: str) -> str:
    """Turn ``auto`` into ``cuda`` or ``cpu``; check that ``cuda`` is usable when it is asked for.

    Raises:
        GanbenchError: an unknown device, or CUDA was asked for and is not there.
    """
    if device not in DEVICES:
        raise GanbenchError(f"unknown device {device!r}. Known: {', '.join(DEVICES)}.")
    if device == "cpu" or (device == "auto" and not _has_cuda_driver()):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise GanbenchError("--device cuda: PyTorch finds no CUDA device here. Use --device cpu or auto.")
    return "cpu"


def _has_cuda_driver() -> bool:
    """Tell whether the NVIDIA driver library loads: spares a machine without it the seconds of importing torch."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    return True


def make_runner(spec: ExtractorSpec, build: Callable[[], nn.Module], device: str, *, exported: bool = True) -> Runner:
    """Return what runs a network fastest on a device.

    Args:
        spec: names the network in the cache and carries the precision.
        build: makes the torch network; not called when a cached export exists.
        device: ``auto``, ``cpu`` or ``cuda``.
        exported: whether the network may be exported for ONNX Runtime.
    """
    if spec.precision not in PRECISIONS:
        raise GanbenchError(f"unknown precision {spec.precision!r}. Known: {', '.join(PRECISIONS)}.")
    resolved = resolve_device(device)
    if exported and resolved == "cpu" and spec.precision == "fp32":
        return OnnxRunner(spec, build)
    return TorchRunner(build(), resolved, spec.precision)


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


class TorchRunner:
    """Runs a network in PyTorch, channels last, with bfloat16 autocast when asked."""

    def __init__(self, network: nn.Module, device: str, precision: str) -> None:
        import torch

        self._device = torch.device(device)
        self._precision = precision
        self._network = network.to(self._device, memory_format=torch.channels_last).eval()

    def at(self, precision: str) -> TorchRunner:
        """Return a runner of the same network, shared and not copied, at another precision."""
        return TorchRunner(self._network, str(self._device), precision)

    def __call__(self, pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Run one batch; see ``Runner``."""
        import torch

        on_cuda = self._device.type == "cuda"
        batch = torch.from_numpy(np.ascontiguousarray(pixels))
        if on_cuda:
            batch = batch.pin_memory()
        batch = batch.to(self._device, non_blocking=on_cuda)
        left = torch.from_numpy(rows.copy()).to(self._device)
        right = torch.from_numpy(columns.copy()).to(self._device)
        # The resize stays in float32 (TF32 off): only the network may run in a lower precision.
        with torch.inference_mode():
            allow_tf32 = torch.backends.cuda.matmul.allow_tf32
            torch.backends.cuda.matmul.allow_tf32 = False
            try:
                x = left.matmul(batch.float().permute(0, 3, 1, 2)).matmul(right)
            finally:
                torch.backends.cuda.matmul.allow_tf32 = allow_tf32
            x = x.contiguous(memory_format=torch.channels_last)
            with (
                torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bf16"),
                torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
            ):
                outputs = self._network(x)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return [o.float().cpu().numpy() for o in outputs]


class OnnxRunner:
    """Runs a network in ONNX Runtime on the CPU."""

    def __init__(self, spec: ExtractorSpec, build: Callable[[], nn.Module]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = available_cores()
        options.log_severity_level = 3
        # Idle threads that spin steal the cores from the threads that decode the next images.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            _exported(spec, build), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Run one batch; see ``Runner``."""
        feed = {"pixels": np.ascontiguousarray(pixels), "rows": rows, "columns": np.ascontiguousarray(columns)}
        return self._session.run(None, feed)


def _exported(spec: ExtractorSpec, build: Callable[[], nn.Module]) -> bytes:
    """Return the ONNX graph of a network from the cache, exporting it first if it is not there."""
    code = hashlib.sha256(Path(__file__).read_bytes())
    path = cache_dir() / "onnx" / f"{spec.name.replace(':', '-')}-{spec.key()[:12]}-{code.hexdigest()[:8]}.onnx"
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
    except GanbenchError as e:
        warnings.warn(f"the exported network was not kept: {e}", stacklevel=2)
    return graph


def _export(network: nn.Module, spec: ExtractorSpec) -> bytes:
    import torch

    example = (
        torch.zeros(2, 64, 48, 3, dtype=torch.uint8),
        torch.zeros(spec.input_size, 64),
        torch.zeros(48, spec.input_size),
    )
    buffer = io.BytesIO()
    outputs = ["features", "logits"] if spec.logits else ["features"]
    with warnings.catch_warnings():
        # The TorchScript exporter is deprecated, but it is three times as fast here and needs no further package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _with_resize(network),
            example,
            buffer,
            dynamo=False,
            opset_version=17,
            input_names=["pixels", "rows", "columns"],
            output_names=outputs,
            dynamic_axes={
                "pixels": {0: "n", 1: "h", 2: "w"},
                "rows": {1: "h"},
                "columns": {0: "w"},
                **{name: {0: "n"} for name in outputs},
            },
        )
    return buffer.getvalue()
