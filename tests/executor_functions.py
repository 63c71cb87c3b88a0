"""What the tests of executors run in other processes: functions that can be imported there."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from ganbench.errors import DecodeError
from ganbench.system import cores, memory


def square(task: int, tell) -> int:
    """Tell twice, and return the square."""
    tell(f"at {task}")
    tell(f"past {task}")
    return task * task


def product(seed: int, tell) -> bytes:
    """Return the bytes of numbers that a library computes in threads."""
    del tell
    a = np.random.default_rng(seed).standard_normal((192, 192))
    return np.linalg.eigvalsh(a @ a.T).tobytes()


def slow_first(task: int, tell) -> int:
    """Take long for the first task alone."""
    del tell
    time.sleep(0.8 if task == 0 else 0.0)
    return task


def refuse(task: int, tell) -> int:
    """Raise one of ganbench's errors for one of the tasks."""
    del tell
    if task == 2:
        raise DecodeError("2.jpg", "cut short")
    return task


def fault(task: int, tell) -> int:
    """Raise what is nobody's on purpose."""
    del tell
    return [task][5]


def leave(task: str, tell) -> str:
    """End the process in the middle of a task."""
    del tell
    if task == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "exit":
        os._exit(3)
    return task


def die_once(task: str, tell) -> str:
    """End the process the first time that a task is begun."""
    del tell
    mark = Path(task)
    if not mark.exists():
        mark.write_text("begun")
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def wait_for_the_signal(task: str, tell) -> str:
    """Work until a signal says to stop, as training does."""
    asked: list[int] = []
    before = {
        which: signal.signal(which, lambda n, frame: asked.append(n)) for which in (signal.SIGINT, signal.SIGTERM)
    }
    tell("begun")
    end = time.monotonic() + 60
    while not asked and time.monotonic() < end:
        time.sleep(0.02)
    for which, handler in before.items():
        signal.signal(which, handler)
    return f"{task} saved" if asked else f"{task} was never asked"


def sleep(task: str, tell) -> str:
    """Do not care for signals."""
    tell("begun")
    for _ in range(1200):
        time.sleep(0.05)
    return task


def surroundings(task: int, tell) -> tuple[int, int]:
    """Return the cores and the memory that the process may use."""
    del task, tell
    return cores.available_cores(), memory.budget()


def nap(task: int, tell) -> int:
    """Take a while."""
    del tell
    time.sleep(0.5)
    return task
