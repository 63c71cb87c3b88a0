"""What tests wait for: conditions that come true some time, on a busy machine too, and processes that end."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    """Look again and again until a condition holds; an error after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only its parent has not heard of does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_for_end(process: BaseProcess, seconds: float = 300) -> None:
    """Wait until a process has ended; one that goes on for so many seconds is killed, and an error."""
    process.join(seconds)
    if process.is_alive():
        process.kill()
        raise AssertionError(f"process {process.pid} did not end in {seconds:.0f} s")
