"""Processes that work through tasks: whose cores and GPU are whose, and what one that dies costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench_processes import fragile, parent_of_slow, slow, square
from waiting import is_alive, wait_for, wait_for_end

from ganbench.system import cores, gpus, workers
from ganbench.system.workers import Died, Workers

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext


def test_slots_share_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 3, 5, 7, 11})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, mask: chosen.append(mask))
    for slot in range(3):
        cores.keep_to_cores(slot, 2)
    assert chosen == [{2, 3}, {5, 7}, {11, 2}]


@pytest.mark.parametrize(
    ("stated", "expected"), [("0,1,3", ["0", "1", "3"]), ("", []), ("-1", []), ("GPU-1a2b, 2 ,-1,4", ["GPU-1a2b", "2"])]
)
def test_gpus_are_those_that_the_variable_names(
    stated: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gpus.VARIABLE, stated)
    assert gpus.visible_gpus() == expected


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(gpus.VARIABLE, raising=False)
    monkeypatch.setattr(gpus, "_count", lambda: 2)
    assert [gpus.gpu_of(slot, gpus.visible_gpus()) for slot in range(4)] == ["0", "1", "0", "1"]
    assert gpus.gpu_of(0, []) is None


def test_workers_return_every_result_and_tell() -> None:
    heard: list[tuple[int, object]] = []
    with Workers(square, 2) as crew:
        results = dict(crew.run([3, 4, 5], lambda number, message: heard.append((number, message))))
    assert {number: value for number, (value, _) in results.items()} == {0: 9, 1: 16, 2: 25}
    assert sorted(heard) == [(0, "at 3"), (1, "at 4"), (2, "at 5")]
    assert {len(allowed) for _, allowed in results.values()} == {max(1, cores.available_cores() // 2)}


def test_threads_are_counted_before_a_users_script_is_imported_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os\n\n"
        "seen = os.environ.get('OMP_NUM_THREADS')  # as NumPy, imported here, would see it\n\n"
        "def tell_seen(task, tell):\n    return seen\n\n"
        "if __name__ == '__main__':\n"
        "    from ganbench.system.cores import available_cores\n"
        "    from ganbench.system.workers import Workers\n\n"
        "    with Workers(tell_seen, available_cores()) as workers:\n"
        "        print([found for _, found in workers.run([0])], seen, os.environ.get('OMP_NUM_THREADS'))\n",
        "utf-8",
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "['1'] None None\n", done.stderr


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_task_alone(
    forkserver: ForkServerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", forkserver)
    with Workers(fragile, 1) as crew:
        results = dict(crew.run(["a", "kill", "b", "exit", "c"]))
    assert [results[i] for i in (0, 2, 4)] == ["a", "b", "c"]
    assert results[1] == Died("its process was ended by SIGKILL (out of memory?)")
    assert results[3] == Died("its process ended with exit code 3")


@pytest.mark.slow
def test_stopped_workers_end_and_nothing_more_is_handed_out(
    forkserver: ForkServerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", forkserver)
    with Workers(slow, 1) as crew:
        results = dict(crew.run(["a", "b"], lambda number, pid: crew.stop()))
    assert results == {0: Died("its process was ended by SIGTERM")}


@pytest.mark.slow
def test_no_worker_outlives_a_killed_parent(forkserver: ForkServerContext, tmp_path: Path) -> None:
    parent = forkserver.Process(target=parent_of_slow, args=(str(tmp_path / "pid"),))
    parent.start()
    wait_for(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text())
    worker = int((tmp_path / "pid").read_text())
    assert is_alive(worker)
    parent.kill()
    wait_for_end(parent)
    wait_for(lambda: not is_alive(worker))
