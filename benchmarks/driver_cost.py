"""What a Ray cluster costs the machine that drives it: to start, per task, and per megabyte of result.

    python benchmarks/driver_cost.py                   # on two one-core nodes, in processes of this machine
    python benchmarks/driver_cost.py --cluster auto    # on a real cluster

Tasks that compute nothing run in two lengths; the difference is the cost of one. From it follows how many cores one
driver keeps busy: while tasks take T seconds and cost the driver c seconds each, up to T / c.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from dataclasses import dataclass

from ganbench.system.cluster import Needs, Site, run_tasks
from ganbench.system.tasks import Tell

FEW, MANY = 20, 1_020


@dataclass(frozen=True)
class Cost:
    """What a number of tasks took: seconds by the clock, and of the driver's processors (its two processes)."""

    wall: float
    cpu: float
    peak_mb: float


def give_back(size: int, tell: Tell) -> bytes:
    """Return so many bytes: the task."""
    del tell
    return bytes(size)


def measure(site: Site, tasks: int, size: int = 0) -> Cost:
    """Return what so many tasks cost, whose results have so many bytes."""
    cpu, wall = _cpu(), time.perf_counter()
    for _, result in run_tasks(give_back, (size for _ in range(tasks)), site, Needs()):
        assert len(result) == size
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Cost(time.perf_counter() - wall, _cpu() - cpu, peak / 1024)


def _cpu() -> float:
    """Return the processor seconds of this process and of those that it waited for."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def per_task(site: Site, size: int = 0, few: int = FEW, many: int = MANY) -> tuple[Cost, Cost]:
    """Return what a start costs, and what each task costs beyond it."""
    start, all_ = measure(site, few, size), measure(site, many, size)
    tasks = many - few
    each = Cost((all_.wall - start.wall) / tasks, (all_.cpu - start.cpu) / tasks, all_.peak_mb)
    return start, each


def cores_kept_busy(task_seconds: float, driver_seconds: float) -> float:
    """Return how many cores one driver keeps busy with tasks of this length."""
    return task_seconds / driver_seconds


def report(site: Site) -> None:
    """Print the costs, and what follows from them."""
    for size in (0, 1 << 20):
        start, each = per_task(site, size, FEW, MANY if not size else FEW + 200)
        clock, cpu = 1000 * each.wall, 1000 * each.cpu
        print(f"results of {size >> 10:,} KB: start {start.wall:.1f} s; each task {clock:.2f} ms by the clock and")
        print(f"    {cpu:.2f} ms of the driver's processors, whose larger process takes {each.peak_mb:.0f} MB")
        for seconds in (1, 10, 60):
            cores = cores_kept_busy(seconds, each.cpu)
            print(f"    tasks of {seconds:2} s: one driver keeps up to {cores:,.0f} cores busy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cluster", metavar="ADDRESS", help="a cluster that runs; without it, two nodes start here")
    address = parser.parse_args().cluster
    if address is not None:
        report(Site(cluster=address))
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    began = time.perf_counter()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    print(f"two one-core nodes are up after {time.perf_counter() - began:.1f} s")
    try:
        report(Site(cluster=cluster.address))
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    from driver_cost import main as main_of_module  # the nodes import the task from there, and not from a script

    main_of_module()
