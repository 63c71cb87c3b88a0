"""A bench that several processes or machines work on: cells are shared out, and what they come to is merged."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench_contents import CELLS, assert_same, plan_of
from bench_processes import bench
from forkserver import context
from typer.testing import CliRunner
from waiting import wait_for, wait_for_end

from ganbench.bench import run as runs
from ganbench.bench.cell import run_cell
from ganbench.bench.grid import Cell, Workspace, cells_of, make_grid, shard_of
from ganbench.bench.out import Out
from ganbench.bench.run import run_grid
from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.runs.facts import steps_done
from ganbench.system import workers
from ganbench.system.cluster import Needs
from ganbench.system.lease import Claims
from ganbench.training.hold import FolderHold
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

    from ray_cluster import TwoNodes


def _invoke(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


# --- shards ---


def _cells(count: int) -> list[Cell]:
    return cells_of(make_grid({"variants": ["dcgan"], "seeds": list(range(count)), "preset": "smoke"}))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_shards_are_every_cell_once_whatever_their_number(count: int) -> None:
    cells = _cells(7)
    parts = [[cell.name for cell in shard_of(cells, f"{i}/{count}")] for i in range(count)]
    assert sorted(name for part in parts for name in part) == sorted(cell.name for cell in cells)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4/4", r"counted from 0, so that the last of 4 is 3/4. A job array of 4 has the indices 0-3"),
        ("1", "expected I/N, such as 0/4"),
        ("0/0", "expected I/N"),
        ("-1/4", "expected I/N"),
        ("a/b", "expected I/N"),
        ("1/2/3", "expected I/N"),
        ("/4", "expected I/N"),  # $SLURM_ARRAY_TASK_ID outside of an array
        ("0/9999999999", "expected I/N"),
    ],
)
def test_a_shard_that_cannot_be_is_explained(text: str, message: str) -> None:
    with pytest.raises(GanbenchError, match=message):
        shard_of(_cells(4), text)


# --- several processes ---


def _start(ganbench_home: Path, bench_faces: tuple[Path, Path], out: object, said: Path, settings: dict, jobs: int = 1):
    store = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    arguments = (str(ganbench_home), *map(str, bench_faces), str(out), settings, jobs, str(said), store)
    child = context().Process(target=bench, args=arguments)
    child.start()
    return child


@pytest.mark.slow
def test_two_benches_in_one_folder_share_the_cells(
    whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path, ganbench_home: Path
) -> None:
    out, said = tmp_path / "out", [tmp_path / "a", tmp_path / "b"]
    children = [_start(ganbench_home, bench_faces, out, text, {"seeds": [0, 1]}) for text in said]
    for child in children:
        wait_for_end(child)
    assert [child.exitcode for child in children] == [0, 0]
    assert_same(whole_bench, out)
    lines = [text.read_text().splitlines() for text in said]
    scored = [line for own in lines for line in own if line.endswith(": scoring")]
    assert len(scored) == len(set(scored)) == 4  # each cell was worked on once, by one of the two
    for own in lines:
        ends = [line for line in own if any(f": {state}" in line for state in ("done", "held"))]
        assert len({line.partition(":")[0] for line in ends}) >= 4  # every process says of every cell what became of it
    assert not list(out.glob("*/.lock"))


@pytest.mark.slow
def test_a_held_cell_is_left_to_its_holder(
    forkserver: ForkServerContext, bench_faces: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", forkserver)
    monkeypatch.setattr(runs, "_PATIENCE", 0.5)
    plan = plan_of(tmp_path, bench_faces)
    hold = FolderHold.take(RunFolder(tmp_path / CELLS[0]))
    said: list[str] = []
    statuses = run_grid(plan, cells_of(plan.grid), say=said.append)
    assert [status.state for status in statuses] == ["held", "done"]
    assert f"process {os.getpid()} on " in statuses[0].reason
    assert any(line.startswith(f"{CELLS[0]}: held: process {os.getpid()} on ") for line in said)
    with pytest.raises(GanbenchError, match=r"another process works in .*samples is 31 in this one, 30 in that one"):
        other = plan_of(tmp_path, bench_faces, samples=31)
        run_grid(other, cells_of(other.grid))
    hold.release()
    assert [status.state for status in run_grid(plan, cells_of(plan.grid))] == ["done", "done"]


@pytest.mark.slow
def test_a_cell_that_is_let_go_of_is_taken_up(
    whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path, ganbench_home: Path
) -> None:
    """The other process is killed in the midst of it; this one, which came later, goes on from its checkpoint."""
    out, long = tmp_path / "out", {"overrides": {"": ["model.size=32", "training.batch=8", "training.steps=100000"]}}
    first = _start(ganbench_home, bench_faces, out, tmp_path / "a", long | {"variants": ["dcgan"]})
    wait_for(lambda: steps_done(out / CELLS[0]) > 2)
    assert not Out(Workspace("", out)).sight(CELLS[0]).is_free()
    first.kill()
    wait_for_end(first)
    shutil.rmtree(out)
    second = [_start(ganbench_home, bench_faces, out, tmp_path / text, {}) for text in ("b", "c")]
    wait_for(lambda: steps_done(out / CELLS[0]) > 2)
    second[0].kill()
    for child in second:
        wait_for_end(child)
    assert second[1].exitcode == 0
    assert_same(whole_bench, out)


# --- in an object store ---


@pytest.mark.slow
def test_a_bench_in_a_store_comes_to_the_same(
    s3, whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path, ganbench_home: Path
) -> None:
    """Killed once in the midst, and finished by a process that has nothing but the store."""
    place = f"{s3.url}/bench"
    first = _start(ganbench_home, bench_faces, place, tmp_path / "a", {})
    wait_for(lambda: f"bench/{CELLS[0]}/step.json" in s3.names() or not first.is_alive())
    first.kill()
    wait_for_end(first)
    assert first.exitcode == -signal.SIGKILL, (tmp_path / "a").read_text()
    # What trained for it ends by itself, in its own time: until then it may write into its copy, and it holds the cell.
    trained = Claims(f"{place}/{CELLS[0]}").highest()
    wait_for(lambda: trained is not None and trained.is_open())
    shutil.rmtree(ganbench_home / "cache" / "runs")
    second = _start(ganbench_home, bench_faces, place, tmp_path / "b", {})
    wait_for_end(second)
    said = (tmp_path / "b").read_text()
    assert second.exitcode == 0, said
    assert [name for name in CELLS if f"{name}: done" not in said] == [], said
    assert_same(whole_bench, s3.download("bench", tmp_path / "there"))
    collected = _invoke("bench", "collect", place, "--out", tmp_path / "tables")
    assert collected.exit_code == 0, collected.output
    assert (tmp_path / "tables" / "leaderboard.csv").is_file()


# --- on a cluster ---


@pytest.mark.slow
def test_a_bench_on_a_cluster_that_loses_processes_and_a_node_comes_to_the_same(
    ray_cluster: TwoNodes, whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path
) -> None:
    plan, said = plan_of(tmp_path / "out", bench_faces), []
    lost: list[str] = []

    def lose() -> None:
        wait_for(lambda: any(steps_done(tmp_path / "out" / name) > 2 for name in CELLS))
        for pid in ray_cluster.busy()[:1]:
            os.kill(pid, signal.SIGKILL)
            lost.append("worker")
        ray_cluster.lose_a_node()
        lost.append("node")

    thread = threading.Thread(target=lose)
    thread.start()
    try:
        statuses = run_grid(plan, cells_of(plan.grid), site=ray_cluster.site, needs=Needs(cores=1), say=said.append)
    finally:
        thread.join()
        ray_cluster.add_a_node()
    assert [status.state for status in statuses] == ["done", "done"]
    assert "node" in lost
    assert_same(whole_bench, tmp_path / "out")
    assert any(text == f"{CELLS[0]}: scoring" for text in said)


@pytest.mark.slow
def test_a_node_that_does_not_see_the_folder_is_told(bench_faces: tuple[Path, Path], tmp_path: Path) -> None:
    plan = plan_of(tmp_path, bench_faces)
    status = run_cell(plan, cells_of(plan.grid)[0], lambda message: None)  # nobody has begun this bench here
    assert status.state == "failed"
    assert "has to be a folder that all of them mount, or a URL" in status.reason
