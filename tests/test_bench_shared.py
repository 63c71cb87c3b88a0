"""A bench that several processes or machines work on: cells are shared out, and what they come to is merged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bench_fixtures import CELLS, assert_same
from bench_processes import SETTINGS, bench, context
from typer.testing import CliRunner
from waiting import wait_for, wait_for_end

from ganbench.bench import run as runs
from ganbench.bench.cell import run_cell
from ganbench.bench.grid import Cell, Plan, Workspace, cells_of, make_grid, shard_of
from ganbench.bench.out import Out
from ganbench.bench.run import run_grid
from ganbench.bench.survey import read_together, survey
from ganbench.bench.written import FILE, Written
from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.runs.facts import steps_done
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan as ScoringPlan
from ganbench.system import workers
from ganbench.system.cluster import Needs
from ganbench.training.hold import FolderHold
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    from ray_cluster import TwoNodes


def _invoke(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def _plan(out: Path | str, bench_faces: tuple[Path, Path], **settings: object) -> Plan:
    folder, reference = bench_faces
    scoring = ScoringPlan.of(ScoreOptions(references=(str(reference),), detector=None, device="cpu"))
    return Plan(make_grid(SETTINGS | settings), Workspace(str(folder), out, device="cpu"), scoring)


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
    bench_faces: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", context())
    monkeypatch.setattr(runs, "_PATIENCE", 0.5)
    plan = _plan(tmp_path, bench_faces)
    hold = FolderHold.take(RunFolder(tmp_path / CELLS[0]))
    said: list[str] = []
    statuses = run_grid(plan, cells_of(plan.grid), say=said.append)
    assert [status.state for status in statuses] == ["held", "done"]
    assert f"process {os.getpid()} on " in statuses[0].reason
    assert any(line.startswith(f"{CELLS[0]}: held: process {os.getpid()} on ") for line in said)
    with pytest.raises(GanbenchError, match=r"another process works in .*samples is 31 in this one, 30 in that one"):
        other = _plan(tmp_path, bench_faces, samples=31)
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


# --- collecting ---


def _options(bench_faces: tuple[Path, Path]) -> list[object]:
    small = [text for pair in (("--set", text) for text in SETTINGS["overrides"][""]) for text in pair]
    return [
        "--variants", "dcgan,wgan-gp", "--preset", "smoke", *small, "--samples", "30", "--gradnorm-steps", "4",
        "--save-every", "2", "--data", bench_faces[0], "--reference", bench_faces[1], "--detector", "none",
        "--device", "cpu", "--cores", "1", "--quiet",
    ]  # fmt: skip


@pytest.mark.slow
def test_shards_are_collected_from_the_folders_of_several_machines(
    whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", context())
    parts = [tmp_path / "part-0", tmp_path / "part-1"]
    for i, part in enumerate(parts):
        done = _invoke("bench", *_options(bench_faces), "--out", part, "--shard", f"{i}/2")
        assert done.exit_code == 0, done.output
        assert sorted(path.name for path in part.iterdir() if path.is_dir()) == [CELLS[i]]
        assert not (part / "leaderboard.csv").exists()
        assert "1 of 2 cells are left to other processes" in done.output
    refused = _invoke("bench", "collect", *parts)
    assert "--out: name the folder" in str(refused.exception)
    half = _invoke("bench", "collect", parts[0])
    assert half.exit_code == 1
    assert "1 of 2 cells are not done" in half.output
    assert f"{CELLS[1]} " in half.output
    assert " new" in half.output
    both = _invoke(
        "bench", "collect", *parts, "--out", tmp_path / "all", "--data", bench_faces[0], "--json", tmp_path / "j"
    )
    assert both.exit_code == 0, both.output
    written = {path.name for path in (tmp_path / "all").iterdir()}
    assert written == {"leaderboard.csv", "leaderboard.md", "leaderboard.json", "leaderboard.tex", "report.html"}
    answer = json.loads((tmp_path / "j").read_text())
    assert [(one["name"], one["state"]) for one in answer["cells"]] == [(name, "done") for name in CELLS]
    copied = tmp_path / "copied"
    for part in parts:
        shutil.copytree(part, copied, dirs_exist_ok=True)
    assert _invoke("bench", "collect", copied).exit_code == 0
    assert_same(whole_bench, copied)
    boards = [json.loads((folder / "leaderboard.json").read_text()) for folder in (tmp_path / "all", copied)]
    assert _rows(boards[0]) == _rows(boards[1])
    again = _invoke("bench", *_options(bench_faces), "--out", copied, "--shard", "0/2")
    assert again.exit_code == 0, again.output
    assert (copied / "report.html").is_file()
    other = _invoke("bench", "collect", copied, "--data", bench_faces[0], "--limit", 20)
    assert "other images than the bench was trained on" in str(other.exception)


def _rows(value: Any) -> Any:
    """Return a board without the folders of its runs."""
    if isinstance(value, dict):
        return {key: _rows(part) for key, part in value.items() if key != "path"}
    return [_rows(part) for part in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_what_does_not_belong_together_is_not_collected(
    whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path
) -> None:
    source = open_source(bench_faces[0])

    def folder(name: str, of: Path | None = None, more: list[str] | None = None, **settings: object) -> Path:
        plan = _plan(tmp_path, bench_faces, **settings)
        shutil.copytree(of or whole_bench, tmp_path / name)
        Written.of(plan, cells_of(plan.grid, more), source, 24).write(tmp_path / name)
        return tmp_path / name

    same = folder("same")
    assert read_together([whole_bench, same]) == Written.read(whole_bench)
    for other, message in (
        (folder("samples", samples=31), "samples is 30 in .*whole.*, 31 in .*samples"),
        (folder("wider", more=["model.width=8"]), "dcgan-seed0: model.width is 4 in .*, 8 in "),
        (
            folder("longer", overrides={"": [*SETTINGS["overrides"][""][:2], "training.steps=13"]}),
            "cell dcgan-seed0 is dcgan, 12 steps in .*, dcgan, 13 steps in ",
        ),
        (folder("seeds", seeds=[0, 1]), "cell dcgan-seed1 is not set in .*, dcgan, 12 steps in "),
    ):
        with pytest.raises(GanbenchError, match=message):
            read_together([whole_bench, other])
    strange = folder("strange")
    shutil.rmtree(strange / CELLS[0])
    shutil.copytree(whole_bench / CELLS[1], strange / CELLS[0])
    refused = _invoke("bench", "collect", strange)
    assert "cells of another bench: " in str(refused.exception)
    (strange / FILE).unlink()
    assert "no bench.json in it" in str(_invoke("bench", "collect", strange).exception)
    card = json.loads((same / CELLS[0] / "scorecard.json").read_text())
    row = next(row for row in card["results"] if row["value"] is not None)
    row["value"] = row["low"] = row["high"] = 1.0
    (same / CELLS[0] / "scorecard.json").write_text(json.dumps(card))
    with pytest.raises(GanbenchError, match="are both done, with different results"):
        survey(Written.read(same), [whole_bench, same])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": {}}', "\x00", '{"a": ' * 50, "NaN"])
def test_a_damaged_bench_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(GanbenchError, match=r"bench\.json is (damaged|not what this version writes)") as e:
        Written.read(tmp_path)
    assert "\n" not in str(e.value)


def test_names_in_a_bench_file_lead_nowhere_else(tmp_path: Path) -> None:
    cell = {"settings": {}, "variant": "dcgan", "seed": 0, "steps": 1}
    whole = {"samples": 2, "gradnorm_steps": 0, "images": "", "label": "", "key": "", "scoring": {}}
    for name in ("../up", "a/b", "/etc", ".hidden", ".."):
        (tmp_path / FILE).write_text(json.dumps(whole | {"cells": {name: cell}}))
        with pytest.raises(GanbenchError, match="is no name of a cell"):
            Written.read(tmp_path)


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
    shutil.rmtree(ganbench_home / "cache" / "runs")
    second = _start(ganbench_home, bench_faces, place, tmp_path / "b", {})
    wait_for_end(second)
    assert second.exitcode == 0, (tmp_path / "b").read_text()
    assert_same(whole_bench, s3.download("bench", tmp_path / "there"))
    collected = _invoke("bench", "collect", place, "--out", tmp_path / "tables")
    assert collected.exit_code == 0, collected.output
    assert (tmp_path / "tables" / "leaderboard.csv").is_file()


# --- on a cluster ---


@pytest.mark.slow
def test_a_bench_on_a_cluster_that_loses_processes_and_a_node_comes_to_the_same(
    ray_cluster: TwoNodes, whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path
) -> None:
    plan, said = _plan(tmp_path / "out", bench_faces), []
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
    plan = _plan(tmp_path, bench_faces)
    status = run_cell(plan, cells_of(plan.grid)[0], lambda message: None)  # nobody has begun this bench here
    assert status.state == "failed"
    assert "has to be a folder that all of them mount, or a URL" in status.reason
