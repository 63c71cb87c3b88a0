"""The memory budget of this process: what bounds batches, queues and everything that is unpacked.

A quarter of the memory that the process may use, at most 2 GiB. ``GANBENCH_MEMORY`` states another one, such as
``512M`` or ``4G``. It bounds what is taken for input and waits in queues; networks and libraries come on top.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ganbench.errors import GanbenchError

VARIABLE = "GANBENCH_MEMORY"
MOST = 2 << 30
LEAST = 64 << 20  # below that no image would fit
SHARE = 4  # one part in this many of what the process may use
_UNKNOWN = 4 << 30  # taken for the machine where the system does not tell
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_STATED = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", re.IGNORECASE)


def budget() -> int:
    """Return the budget of this process, bytes.

    Raises:
        GanbenchError: ``GANBENCH_MEMORY`` is not an amount, or too little.
    """
    stated = os.environ.get(VARIABLE, "").strip()
    if stated:
        return parse_size(stated, f"{VARIABLE}=")
    return max(LEAST, min(MOST, usable() // SHARE))


def usable() -> int:
    """Return what the process may use at all, bytes: the machine's memory, or less by its limits or control group."""
    return min(known for known in (_machine(), address_space(), _control_group()) if known is not None)


def share_out(processes: int) -> int:
    """Return the budget of each of several processes that share this one's, bytes."""
    return max(LEAST, budget() // processes)


def parse_size(stated: str, name: str) -> int:
    """Return an amount of memory in bytes, from a text such as ``2G``.

    Args:
        stated: the text.
        name: what stands before it in the message.

    Raises:
        GanbenchError: it is none, or too little.
    """
    match = _STATED.fullmatch(stated)
    amount = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if amount < LEAST:
        raise GanbenchError(f"{name}{stated!r}: expected an amount of memory from {LEAST >> 20}M on, such as 2G")
    return amount


def address_space() -> int | None:
    """Return the limit on this process's address space, bytes; None where there is none."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _machine() -> int:
    if sys.platform == "win32":
        return _UNKNOWN
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # the system does not know the name
        return _UNKNOWN


def _control_group(proc: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the least limit of the control groups that this process is in, versions 1 and 2; None without one."""
    try:
        lines = proc.read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    limits = []
    for line in lines:
        _, controllers, inside = [*line.split(":", 2), "", ""][:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        top, name = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
        group = top / inside.strip("/")
        for folder in (group, *group.parents):  # a limit of a group holds for all groups in it
            limits += _limit(folder / name)
            if folder == top:
                break
    return min(limits, default=None)


def _limit(file: Path) -> list[int]:
    try:
        return [int(file.read_text("ascii"))]
    except (OSError, ValueError):  # no such controller, or "max"
        return []
