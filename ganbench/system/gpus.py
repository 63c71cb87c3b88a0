"""The GPUs of this machine, and how processes beside each other share them."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

VARIABLE = "CUDA_VISIBLE_DEVICES"  # read once by a process, when it first uses CUDA


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them; none without a driver."""
    stated = os.environ.get(VARIABLE)
    if stated is None:
        return [str(number) for number in range(_count())]
    found: list[str] = []
    for name in (part.strip() for part in stated.split(",")):
        if not name or name.startswith("-"):  # CUDA reads up to the first one that is none
            break
        found.append(name)
    return found


def _count() -> int:
    """Ask the driver, which takes no memory of any GPU as long as nothing is computed."""
    count = ctypes.c_int(0)
    with suppress(OSError, AttributeError):
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
            return 0
    return count.value


def gpu_of(slot: int, gpus: list[str]) -> str | None:
    """Return the GPU of a process by its number among its siblings: each has one, in turn; None where there is none."""
    return gpus[slot % len(gpus)] if gpus else None
