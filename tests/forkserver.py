"""Processes of their own for tests, which start in milliseconds: they are copies of one that has the imports done."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

_IMPORTED = [
    "bench_processes", "probing_processes", "training_processes", "forkserver", "warm", "ganbench.bench.run",
    "ganbench.features.lite0", "pandas", "ray", "scipy.stats", "torch._dynamo",
]  # fmt: skip


def context() -> ForkServerContext:
    """Return what starts such processes; each has the environment of whoever made it, as one started anew would.

    The one that they are copies of has to have one thread alone. pyarrow, which pandas imports, would start one that
    gives memory back.
    """
    from multiprocessing.context import ForkServerContext  # which Windows has not

    class Copies(ForkServerContext):
        def Process(self, *, target: Callable[..., object], args: Any = (), daemon: bool | None = None) -> Any:
            return super().Process(target=_begin, args=(dict(os.environ), target, args), daemon=daemon)

    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    made = Copies()
    made.set_forkserver_preload(_IMPORTED)
    return made


def _begin(environment: dict[str, str], target: Callable[..., object], args: Any) -> None:
    os.environ.clear()
    os.environ.update(environment)
    target(*args)


def run_script(script: Path, folder: Path, said: Path, environment: dict[str, str]) -> None:
    """Run a script in a folder, as ``python SCRIPT`` does there; what it prints goes to the file ``said``."""
    import torch

    os.environ.clear()
    os.environ.update(environment)
    torch.set_num_threads(1)
    os.chdir(folder)
    with said.open("wb") as file:
        for output in (1, 2):
            os.dup2(file.fileno(), output)
    sys.argv, sys.path[:0] = [str(script)], [str(script.parent)]
    runpy.run_path(str(script), run_name="__main__")
