"""Where more nodes stop paying: a model of what tasks cost the driver, fitted to driver_cost.py, and its prediction.

The seconds of the driver are fitted as ``start + tasks * (per_task + per_mb * MB of the result)``, over runs of empty
tasks of several numbers and sizes. A driver does its part for one task after the other, so that it is full at
``1 / (per_task + per_mb * MB)`` tasks a second, however many nodes there are: a cautious figure, since its two
processes, ours and the one that speaks with Ray, work beside each other.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import driver_cost
import numpy as np

from ganbench.statistics.moments import Moments
from ganbench.system.cluster import Site

COUNTS, SIZES = (50, 200, 800), (0, 1 << 20, 8 << 20)
_MOST = 1 << 30  # bytes of all results of one run
NODES = (1, 2, 5, 10, 30, 100, 300, 1000)
CORES = 16  # of a node of the prediction


@dataclass(frozen=True)
class Model:
    """Seconds of the driver: of a run, of a task, of a megabyte of its result; and how far off the fit is at most."""

    start: float
    per_task: float
    per_mb: float
    worst: float

    def of_task(self, megabytes: float) -> float:
        """Return the driver's seconds for one task."""
        return self.per_task + self.per_mb * megabytes


def measure(address: str, counts: Sequence[int] = COUNTS, sizes: Sequence[int] = SIZES) -> list[dict[str, float]]:
    """Run empty tasks on a cluster; returns tasks, MB of a result, wall seconds and processor seconds of the driver."""
    rows = []
    for size in sizes:
        for count in counts:
            count = min(count, max(8, _MOST // max(1, size)))
            cost = driver_cost.measure(Site(cluster=address), count, size)
            rows.append({"tasks": count, "mb": size / 2**20, "wall": cost.wall, "driver": cost.cpu})
    return rows


def fit(rows: Sequence[dict[str, float]]) -> Model:
    """Fit the driver's processor time; every run counts by how far off it is in proportion."""
    tasks, mb, spent = (np.array([row[key] for row in rows]) for key in ("tasks", "mb", "driver"))
    spent = np.maximum(spent, 1e-3)
    terms = np.stack([np.ones_like(tasks), tasks, tasks * mb], 1)
    found = np.maximum(np.linalg.lstsq(terms / spent[:, None], np.ones_like(spent), rcond=None)[0], 0)
    worst = float(np.abs(terms @ found / spent - 1).max())
    return Model(*map(float, found), worst)


@dataclass(frozen=True)
class Work:
    """A piece of work on paper.

    Attributes:
        name: what it is.
        tasks: how many.
        seconds: of one core for one task.
        mb: of a task's result.
        cores: that one task takes.
        merge: seconds of the driver for what it does with a result.
    """

    name: str
    tasks: int
    seconds: float
    mb: float
    cores: int = 1
    merge: float = 0.0


def merging(features: int = 1280) -> float:
    """Return the driver's seconds for merging what was seen of a piece: statistics of so many features."""
    rng = np.random.default_rng(0)
    whole = Moments.of(rng.standard_normal((64, features), np.float32))
    packed = whole.pack()
    start = time.process_time()
    for _ in range(10):
        whole.merge(Moments.unpack(packed))
    return (time.process_time() - start) / 10


def driver_seconds(work: Work, model: Model) -> float:
    """Return what all tasks cost the driver."""
    return work.tasks * (model.of_task(work.mb) + work.merge)


def predict(work: Work, model: Model, start: float) -> list[dict[str, float]]:
    """Return seconds and efficiency for numbers of nodes.

    Args:
        work: what is done.
        model: of the driver.
        start: seconds until the first task runs on a cluster that is up.
    """
    one = work.tasks * work.seconds / (CORES / work.cores)  # a machine with so many cores and no cluster
    found = []
    for nodes in NODES:
        slots = nodes * CORES // work.cores
        tasks = math.ceil(work.tasks / slots) * work.seconds
        driver = driver_seconds(work, model)
        seconds = start + max(tasks, driver)
        bound = "driver" if driver > tasks else "start" if start > tasks else "tasks"
        found.append({"nodes": nodes, "seconds": seconds, "efficiency": one / nodes / seconds, "bound": bound})
    return found


def pays_until(work: Work, model: Model, start: float) -> int:
    """Return how many nodes are at least half used: with more, most of what is added is lost."""
    best = 0
    for nodes in range(1, max(NODES) + 1):
        slots = nodes * CORES // work.cores
        seconds = start + max(math.ceil(work.tasks / slots) * work.seconds, driver_seconds(work, model))
        if work.tasks * work.seconds / slots / seconds >= 0.5:
            best = nodes
    return best


def report(rows: Sequence[dict[str, float]], works: Sequence[Work], start: float) -> dict[str, object]:
    """Fit, predict and print; returns all of it."""
    model = fit(rows)
    print(
        f"driver: {model.per_task * 1e3:.2f} ms a task and {model.per_mb * 1e3:.2f} ms a MB of its result, "
        f"at most {model.worst:.0%} off; {start:.1f} s until the first task"
    )
    told: dict[str, object] = {"rows": list(rows), "model": asdict(model), "start": start}
    for work in works:
        found = predict(work, model, start)
        until = pays_until(work, model, start)
        full = work.seconds * work.cores / (driver_seconds(work, model) / work.tasks)
        print(
            f"  {work.name}: {work.tasks:,} tasks of {work.seconds:.0f} s, {work.mb:.1f} MB; a driver is full at "
            f"{full:,.0f} cores; pays until {until} nodes"
        )
        for row in found:
            print(
                f"    {row['nodes']:5} nodes of {CORES} cores: {row['seconds']:10,.0f} s, "
                f"efficiency {row['efficiency']:4.2f}, bound by {row['bound']}"
            )
        told[work.name] = {**asdict(work), "full_at_cores": full, "pays_until": until, "nodes": found}
    return told
