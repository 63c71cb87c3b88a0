"""Processes of their own for tests, which start in milliseconds: they are copies of one that has the imports done."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

_IMPORTED = [
    "bench_processes", "training_processes", "forkserver", "ganbench.bench.run", "ganbench.features.lite0", "pandas",
    "ray", "scipy.stats", "torch._dynamo",
]  # fmt: skip


def context() -> ForkServerContext:
    """Return what starts such processes.

    The one that they are copies of has to have one thread alone. pyarrow, which pandas imports, would start one that
    gives memory back.
    """
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(_IMPORTED)
    return made


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
