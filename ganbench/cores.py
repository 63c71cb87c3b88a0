"""How much of this machine the process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Return the number of cores that this process may use (respects affinity and container masks)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_to_cores(count: int) -> None:
    """Let this process use so many of its cores, chosen by its number, so that siblings spread; a no-op elsewhere."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        start = os.getpid() * count % len(cores)
        os.sched_setaffinity(0, {cores[(start + i) % len(cores)] for i in range(count)})
