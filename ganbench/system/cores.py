"""How much of this machine the process may use."""

from __future__ import annotations

import os
import sys


def available_cores() -> int:
    """Return the number of cores that this process may use (respects affinity and container masks)."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_to_cores(slot: int, count: int) -> None:
    """Let this process use ``count`` of its cores: those of its slot, so that siblings share none; a no-op elsewhere.

    Args:
        slot: number among the siblings, from 0. Beyond the last core it starts again at the first.
        count: cores per slot.
    """
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[(slot * count + i) % len(cores)] for i in range(count)})
