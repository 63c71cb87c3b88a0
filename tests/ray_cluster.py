"""A Ray cluster of two nodes with a core each, in processes of this machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from ganbench.system.cluster import Site


class TwoNodes:
    """Starts when it is made; ``stop`` ends all its processes."""

    def __init__(self, cores: int = 1) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # a machine that runs tests is a busy one
        # A node is lost after five looks at it in vain: at one that is gone these come to an end at once, and the time
        # between them is all that passes. One that is only slow is given ten seconds each time, as ever.
        os.environ.setdefault("RAY_health_check_period_ms", "500")
        self._cores = cores
        self._start()

    def _start(self) -> None:
        from ray.cluster_utils import Cluster

        # As in the background of a script, where many a cluster is started: its processes then ignore SIGINT.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Nothing of ganbench asks for these processes, which take seconds to start.
        plain = {"include_dashboard": False, "no_monitor": True, "include_log_monitor": False}
        try:
            self._cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": self._cores, **plain})
            self._second: Any = self._cluster.add_node(num_cpus=self._cores)
        finally:
            signal.signal(signal.SIGINT, before)

    @property
    def site(self) -> Site:
        """Return where tasks of ganbench run on it."""
        return Site(cluster=self._cluster.address)

    def lose_a_node(self) -> None:
        """Kill the second node without a word."""
        self._cluster.remove_node(self._second, allow_graceful=False)

    def add_a_node(self) -> None:
        """Start a second node again."""
        self._second = self._cluster.add_node(num_cpus=self._cores)

    def lose_the_head(self) -> None:
        """Kill the process that knows the cluster."""
        self._cluster.head_node.kill_gcs_server()

    def busy(self) -> list[int]:
        """Return the processes that are at a task of ganbench on this cluster's nodes."""
        nodes = {info.process.pid for node in self._cluster.list_all_nodes() for info in node.all_processes["raylet"]}
        return [pid for pid in _processes() if _parent(pid) in nodes and b"ray::ganbench" in _command(pid)]

    def restart(self) -> None:
        """End what is left of it, and start again."""
        self.stop()
        self._start()

    def stop(self) -> None:
        """End it."""
        self._cluster.shutdown()


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
