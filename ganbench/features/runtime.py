"""Chooses what runs a network: its exported graph on a CPU; PyTorch on CUDA, and for networks that are not exported."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.features.cpu import CpuRunner, runs_on_cpu
from ganbench.features.export import exported
from ganbench.features.extractor import Runner
from ganbench.features.spec import ExtractorSpec

if TYPE_CHECKING:
    from torch import nn

DEVICES = ("auto", "cpu", "cuda")


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


def make_runner(spec: ExtractorSpec, build: Callable[[], nn.Module], device: str, *, exportable: bool = True) -> Runner:
    """Return what runs a network fastest on a device.

    Args:
        spec: names the network in the cache and carries the precision.
        build: makes the torch network; not called when a cached export exists.
        device: ``auto``, ``cpu`` or ``cuda``.
        exportable: whether the network can be exported.
    """
    resolved = resolve_device(device)
    if exportable and resolved == "cpu" and runs_on_cpu(spec.precision):
        return CpuRunner(exported(spec, build), spec.precision)
    return TorchRunner(build(), resolved, spec.precision)


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
        with torch.inference_mode(), _whole_float32():
            # The resize stays in float32: only the network may run in a lower precision.
            x = left.matmul(batch.float().permute(0, 3, 1, 2)).matmul(right)
            x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bf16"):
                outputs = self._network(x)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return [o.float().cpu().numpy() for o in outputs]


@contextmanager
def _whole_float32() -> Iterator[None]:
    """Keep float32 arithmetic float32, even inside a program that allows itself less (as training loops do)."""
    from torch.backends import cuda, cudnn, mkldnn

    if hasattr(cuda.matmul, "fp32_precision"):
        owners = (cuda.matmul, cudnn.conv, mkldnn.matmul, mkldnn.conv)
        switches = [(owner, "fp32_precision", "ieee") for owner in owners]
    else:  # before PyTorch 2.9
        switches = [(cuda.matmul, "allow_tf32", False), (cudnn, "allow_tf32", False)]
    before = [getattr(owner, name) for owner, name, _ in switches]
    try:
        for owner, name, value in switches:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(switches, before, strict=True):
            setattr(owner, name, value)
