"""A Ray cluster under the seam: what dies, what is lost, what does not fit, and what the user reads of it."""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import subprocess
import sys
import types
from pathlib import Path

import executor_functions as functions
import numpy as np
import pytest
from PIL import Image
from ray_cluster import TwoNodes
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.system import cores, ray_driver, ray_node, ray_workers, tasks, workers
from ganbench.system.cluster import Needs, Site, executor, run_tasks
from ganbench.system.gpus import VARIABLE as VISIBLE
from ganbench.system.ray_node import Setting

# --- without a cluster ---


def test_without_ray_the_option_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_workers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GanbenchError, match=r'pip install "ganbench\[ray\]"'):
        executor(functions.square, Site(cluster="auto"))


def test_an_address_where_nobody_is() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(GanbenchError, match=f"no Ray cluster answers at ray://127.0.0.1:{port}: Connection refused"):
        executor(functions.square, Site(cluster=f"ray://127.0.0.1:{port}"))


def test_local_work_imports_no_ray() -> None:
    code = (
        "import sys, ganbench.cli.app, ganbench.leaderboard.entries; from ganbench.system.cluster import *;"
        "print(dict(run_tasks(abs_of, [-1], Site())), 'ray' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"def abs_of(task, tell): return abs(task)\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["{0:", "1}", "False"]


def test_messages_on_their_way_are_awaited_for_a_while_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[int], int, float]] = []
    ray = types.ModuleType("ray")
    ray.wait = lambda letters, *, num_returns, timeout: asked.append((list(letters), num_returns, timeout))
    monkeypatch.setitem(sys.modules, "ray", ray)
    letters = [3, 1, 2]
    ray_node._await(letters)
    ray_node._await(letters)  # nothing is left: Ray refuses to wait for nothing
    assert asked == [([3, 1, 2], 3, ray_node._DELIVERY)]
    assert letters == []


def test_what_a_task_told_has_arrived_before_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    sent, waits = [], []
    remote = types.SimpleNamespace(
        remote=lambda of, turn, letter: sent.append((of, turn, pickle.loads(letter))) or turn
    )
    monkeypatch.setattr(ray_node, "_await", lambda letters: (waits.append(list(letters)), letters.clear()))
    monkeypatch.setattr(ray_node, "_AWAITED", 2)
    monkeypatch.setattr(ray_node, "_fetch", lambda token, function: functions.square)
    monkeypatch.setattr(ray_node, "_surroundings", lambda setting: contextlib.nullcontext())
    monkeypatch.setattr(ray_node, "own_cores", lambda threads: contextlib.nullcontext())
    setting = Setting.of_this_process("token", Needs())
    answer = ray_node.work(setting, [None], pickle.dumps(3), (7, 0), types.SimpleNamespace(put=remote))
    assert answer is not None
    assert (pickle.loads(answer[0]), answer[1]) == (9, 2)
    assert sent == [((7, 0), 0, "at 3"), ((7, 0), 1, "past 3")]
    assert waits == [[0, 1], []]  # at most so many are on their way, and none is when it answers


def test_another_version_on_a_node_is_refused() -> None:
    here = Setting.of_this_process("token", Needs())
    versions, code = dict(here.versions), here.code
    ray_node._refuse_others(tuple(sorted(versions.items())), code)
    with pytest.raises(GanbenchError, match=r"has numpy .+ instead of 0\.1: its numbers would not be those"):
        ray_node._refuse_others(tuple(sorted((versions | {"numpy": "0.1"}).items())), code)
    with pytest.raises(GanbenchError, match="another ganbench of the same version"):
        ray_node._refuse_others(tuple(sorted(versions.items())), "other")


def test_nodes_that_cannot_import_ganbench_are_told_how() -> None:
    why = ray_driver._why_no_task(RuntimeError("The remote function failed to import:\nNo module named 'ganbench'\n"))
    assert "the nodes of the cluster cannot import ganbench. Install the same version there" in why
    assert str(Path(ray_driver.__file__).parents[2]) in why
    why = ray_driver._why_no_task(RuntimeError("Failed to set up.\n\nThe last line says it.\n"))
    assert why == "the cluster could not begin a task: RuntimeError: The last line says it."


def test_a_process_that_has_seen_one_gpu_takes_no_task_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    ray_node._first_gpus.cache_clear()
    monkeypatch.setenv(VISIBLE, "3")
    try:
        assert ray_node._keeps_its_gpus(Needs(gpus=1))
        monkeypatch.setenv(VISIBLE, "5")
        assert not ray_node._keeps_its_gpus(Needs(gpus=1))
        ray_node._first_gpus.cache_clear()
        assert ray_node._keeps_its_gpus(Needs())  # none is asked for, and none is seen
        assert os.environ[VISIBLE] == ""
    finally:
        ray_node._first_gpus.cache_clear()


def test_a_path_that_a_node_does_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks.refuse_unseen(tmp_path / "absent")  # on the user's own machine, whoever opens it says so
    monkeypatch.setattr(tasks, "_node", "n7")
    tasks.refuse_unseen(tmp_path, None, "s3://bucket/faces.zip")
    with pytest.raises(GanbenchError, match=r"absent is not there on node n7\. Put it where every node sees it"):
        tasks.refuse_unseen(tmp_path, tmp_path / "absent")


@pytest.mark.skipif(sys.platform != "linux", reason="cores are taken on Linux alone")
def test_processes_without_a_common_parent_share_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = os.sched_getaffinity(0)
    monkeypatch.setattr(cores, "all_cores", lambda: (901, 902, 903))
    chosen: list[set[int]] = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda thread, mask: chosen.append(set(mask)))
    with cores.own_cores(2):
        assert chosen[-1] == {901, 902}
        with cores.own_cores(1):
            assert chosen[-1] == {903}
            with cores.own_cores(2):  # none is left: it shares
                assert len(chosen[-1]) == 2
    with cores.own_cores(3):
        assert chosen[-1] == {901, 902, 903}
    assert os.sched_getaffinity(0) == allowed


# --- with one ---


@pytest.mark.slow
def test_a_lost_process_and_a_lost_node_cost_time_alone(ray_cluster: TwoNodes, tmp_path: Path) -> None:
    marks = [str(tmp_path / f"{i}") for i in range(3)]
    assert dict(run_tasks(functions.die_once, marks, ray_cluster.site)) == dict.fromkeys(range(3), "done")
    done: dict[int, int] = {}
    try:
        for number, result in run_tasks(functions.nap, range(8), ray_cluster.site):
            if not done:  # others run on both nodes
                ray_cluster.lose_a_node()
            done[number] = result
    finally:
        ray_cluster.add_a_node()
    assert done == {i: i for i in range(8)}


@pytest.mark.slow
def test_a_task_that_no_node_can_hold(ray_cluster: TwoNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_workers, "_ROOM", 0.5)
    notes: list[str] = []
    with pytest.raises(GanbenchError, match=r"a task needs 64 cores, 2 GPUs, and the largest has 1 cores.+Add such a"):
        list(run_tasks(functions.square, [1], ray_cluster.site, Needs(cores=64, gpus=2), note=notes.append))
    assert len(notes) == 1
    assert "Waiting for one" in notes[0]


@pytest.mark.slow
def test_the_head_is_lost(ray_cluster: TwoNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_workers, "CONTEXT", workers.CONTEXT)  # which hands the environment on
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "4")  # of the driver: a minute unless stated
    done: list[int] = []
    try:
        with pytest.raises(GanbenchError, match=r"is lost: its head.+give the same command once more"):
            for number, _ in run_tasks(functions.nap, range(500), ray_cluster.site):
                done.append(number)
                if len(done) == 2:
                    ray_cluster.lose_the_head()
    finally:
        ray_cluster.restart()
    assert 2 <= len(done) < 500


@pytest.mark.slow
def test_the_board_of_a_cluster_is_that_of_one_process(
    ray_cluster: TwoNodes, warm: list[str], tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command on the cluster has a process of its own, so that what Ray writes by itself would be seen."""
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(12):
            coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
            image.save(tmp_path / name / f"{i}.png")
    (tmp_path / "broken.zip").write_bytes(b"no")

    monkeypatch.chdir(tmp_path)
    entries = ["a", "b", "broken.zip", "absent"]
    command = ["leaderboard", *entries, "--no-cache", "--quiet", "--json", "-", "--detector", "none"]
    here = CliRunner().invoke(app, command)
    assert here.exit_code == 0, here.output
    there = [*warm, *command, "--cluster", str(ray_cluster.site.cluster)]
    done = subprocess.run(there, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == (here.stdout, here.stderr)
