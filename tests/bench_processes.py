"""What the tests of the bench run in processes of their own: a bench that is killed, and what workers do."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path

from ganbench.system import workers
from ganbench.system.log import shown_level
from ganbench.system.workers import Workers

SETTINGS = {
    "variants": ["dcgan", "wgan-gp"],
    "preset": "smoke",
    "samples": 30,
    "gradnorm_steps": 4,
    "save_every": 2,
    "overrides": {"": ["model.size=32", "training.batch=8", "training.steps=12"]},
}


def bench(
    home: str,
    data: str,
    reference: str,
    out: str,
    settings: dict,
    jobs: int = 1,
    said: str = "",
    environment: dict[str, str] | None = None,
) -> None:
    """Run a bench as the command does; what it says goes to the file ``said``."""
    import torch

    from ganbench.bench.grid import Plan, Workspace, cells_of, make_grid
    from ganbench.bench.run import run_grid
    from ganbench.errors import GanbenchError
    from ganbench.scoring.options import ScoreOptions
    from ganbench.scoring.plan import Plan as ScoringPlan
    from ganbench.system.cluster import Site
    from ganbench.system.urls import is_url

    # One thread, in what this process starts too: the bits depend on it.
    os.environ |= {"GANBENCH_HOME": home, "OMP_NUM_THREADS": "1"} | (environment or {})
    torch.set_num_threads(1)
    if not is_url(out):  # a driver for URLs has a thread, whose locks a copy would inherit
        # This process has one thread alone: a copy of it is safe, and starts at once.
        workers.CONTEXT = multiprocessing.get_context("fork")
    grid = make_grid(SETTINGS | settings)
    scoring = ScoringPlan.of(ScoreOptions(references=(reference,), detector=None, device="cpu"))
    plan = Plan(grid, Workspace(data, out if is_url(out) else Path(out), device="cpu"), scoring)

    def say(text: str) -> None:
        if said:
            with Path(said).open("a") as f:
                f.write(text + "\n")

    try:
        run_grid(plan, cells_of(grid), site=Site(jobs), say=say)
    except GanbenchError as e:
        say(str(e))
        raise SystemExit(e.exit_code) from e


def square(task: int, tell) -> tuple[int, list[int]]:
    """Return a square and the cores that the process may use."""
    tell(f"at {task}")
    return task**2, sorted(os.sched_getaffinity(0))


def say_so(task: int, tell) -> int | None:
    """Write to the log, and return the level at which it is shown here."""
    logging.getLogger("ganbench.test").info("task %d", task)
    return shown_level()


def fragile(task: str, tell) -> str:
    """Die in the way that the task says."""
    if task == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "exit":
        os._exit(3)
    return task


def slow(task: str, tell) -> str:
    """Say who works, and do it for long."""
    tell(os.getpid())
    time.sleep(600)
    return task


def parent_of_slow(file: str) -> None:
    """Start a slow worker and write down its number."""
    with Workers(slow, 1) as crew:
        for _ in crew.run(["a"], lambda number, pid: Path(file).write_text(str(pid))):
            pass
