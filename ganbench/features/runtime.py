"""Chooses what runs a network: its exported graph on a CPU; PyTorch on CUDA, and for networks that are not exported."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.features.cpu import CpuRunner, runs_on_cpu
from ganbench.features.export import exported
from ganbench.features.extractor import Runner
from ganbench.features.spec import ExtractorSpec
from ganbench.system.notes import Note, log_note
from ganbench.system.shared_state import SharedState

if TYPE_CHECKING:
    import torch
    from torch import nn

DEVICES = ("auto", "cpu", "cuda")

_LOG = logging.getLogger(__name__)

_BUILDING = threading.Lock()  # builders may use what PyTorch keeps for the whole process, such as its hub


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


def make_runner(
    spec: ExtractorSpec,
    build: Callable[[], nn.Module],
    device: str,
    *,
    exportable: bool = True,
    note: Note = log_note,
    first: Callable[[], None] = lambda: None,
) -> Runner:
    """Return what runs a network fastest on a device.

    Args:
        spec: names the network in the cache and carries the precision.
        build: makes the torch network; not called when a cached export exists.
        device: ``auto``, ``cpu`` or ``cuda``.
        exportable: whether the network can be exported.
        note: told when the exported network cannot be kept.
        first: called before an export.

    Raises:
        GanbenchError: no such device, or what ``build`` or ``first`` raises.
    """
    resolved = resolve_device(device)
    _LOG.info("%s runs on %s (asked for: %s), in %s", spec.name, resolved, device, spec.precision)
    if exportable and resolved == "cpu" and runs_on_cpu(spec.precision):
        return CpuRunner(exported(spec, build, note, first), spec.precision)
    return torch_runner(spec, build, resolved)


def torch_runner(spec: ExtractorSpec, build: Callable[[], nn.Module], device: str) -> TorchRunner:
    """Return what runs a network in PyTorch on a device, ``auto``, ``cpu`` or ``cuda``."""
    resolved = resolve_device(device)
    with _BUILDING:
        network = build()
    return TorchRunner(network, resolved, spec.precision)


class TorchRunner:
    """Runs a network in PyTorch, channels last, with bfloat16 autocast when asked."""

    def __init__(self, network: nn.Module, device: str, precision: str) -> None:
        import torch

        self._device = torch.device(device)
        self.runtime = f"PyTorch, {device}"
        self._precision = precision
        self._network = network.to(self._device).to(memory_format=torch.channels_last).eval()

    def __call__(self, pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Run one batch; see ``Runner``."""
        import torch

        on_cuda = self._device.type == "cuda"
        batch = torch.from_numpy(np.ascontiguousarray(pixels))
        if on_cuda:
            batch = batch.pin_memory()
        batch = batch.to(self._device, non_blocking=on_cuda)
        return self.on_floats(batch.float().permute(0, 3, 1, 2), rows, columns)

    def on_floats(self, images: torch.Tensor, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Run one batch of images that need not be whole grey levels, float32 (N, 3, H, W) in 0..255 on the device."""
        import torch

        left = torch.from_numpy(rows.copy()).to(self._device)
        right = torch.from_numpy(columns.copy()).to(self._device)
        with torch.inference_mode(), WHOLE_FLOAT32:
            # The resize stays in float32: only the network may run in a lower precision.
            x = left.matmul(images).matmul(right)
            x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bf16"):
                outputs = self._network(x)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return [o.float().cpu().numpy() for o in outputs]


def _forbid_less_than_float32() -> Callable[[], None]:
    import torch

    backends: Any = torch.backends  # what it holds depends on the version
    cuda, cudnn, mkldnn = backends.cuda, backends.cudnn, backends.mkldnn
    if hasattr(cuda.matmul, "fp32_precision"):
        owners = (cuda.matmul, cudnn.conv, mkldnn.matmul, mkldnn.conv)
        switches: list[tuple[Any, str, object]] = [(owner, "fp32_precision", "ieee") for owner in owners]
    else:  # before PyTorch 2.9
        switches = [(cuda.matmul, "allow_tf32", False), (cudnn, "allow_tf32", False)]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in switches]

    def put(values: list[tuple[Any, str, object]]) -> None:
        for owner, name, value in values:
            setattr(owner, name, value)

    put(switches)
    return lambda: put(before)


# Keeps float32 arithmetic float32, even inside a program that allows itself less (as training loops do).
WHOLE_FLOAT32 = SharedState(_forbid_less_than_float32)
