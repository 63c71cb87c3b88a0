"""The bench: grids, processes that die, a bench killed and resumed, and what passes for done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bench_fixtures import CELLS, assert_same
from bench_processes import SETTINGS, bench, context, fragile, parent_of_slow, slow, square
from typer.testing import CliRunner
from waiting import is_alive, wait_for, wait_for_end

from ganbench.bench.changes import refuse_changes
from ganbench.bench.grid import Plan, Workspace, cells_of, load_grid, make_grid
from ganbench.bench.progress import GridProgress
from ganbench.bench.run import run_grid
from ganbench.cli.app import app
from ganbench.errors import GanbenchError, UnknownName
from ganbench.images.sources import open_source
from ganbench.runs.speed import speed_of
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan as ScoringPlan
from ganbench.scoring.scorecard import Scorecard
from ganbench.system import cores, workers
from ganbench.system.workers import Died, Workers
from ganbench.training import loop
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.loop import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train


def _invoke(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


# --- grids ---


def test_cells_are_variants_by_labels_by_seeds() -> None:
    overrides = {"": [], "slow": ["optimizer.lr=1e-5"]}
    grid = make_grid({"variants": ["dcgan", "wgan"], "seeds": [0, 3], "overrides": overrides})
    cells = cells_of(grid, ["model.width=8"])
    assert [cell.name for cell in cells] == [
        "dcgan-seed0", "dcgan-seed3", "dcgan-slow-seed0", "dcgan-slow-seed3",
        "wgan-seed0", "wgan-seed3", "wgan-slow-seed0", "wgan-slow-seed3",
    ]  # fmt: skip
    last = cells[-1].recipe
    assert (last.training.seed, last.optimizer.lr, last.model.width, last.preset) == (3, 1e-5, 8, "cpu")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "variants: Field required"),
        ({"variants": ["dcgan"], "seed": [1]}, "seed: Extra inputs"),
        ({"variants": ["dcgan"], "seeds": 3}, "seeds: Input should be a valid list"),
        ({"variants": ["dcgan"], "samples": 1}, "samples: .*greater than or equal to 2"),
        ({"variants": ["dcgan"], "seeds": [0, 0]}, "called dcgan-seed0: a variant, label or seed comes twice"),
        ({"variants": ["dcgan"], "overrides": {"../up": []}}, "cannot be a folder's name"),
        ({"variants": ["dcgan"], "overrides": {"a": ["optimizer.rl=1"]}}, "optimizer.lr"),
        ({"variants": ["dcgen"]}, "Did you mean 'dcgan'"),
    ],
)  # fmt: skip
def test_bad_grids_are_explained(settings: dict, message: str) -> None:
    with pytest.raises(GanbenchError, match=message):
        cells_of(make_grid(settings))


def test_a_variant_may_have_seeds_of_its_own() -> None:
    grid = make_grid({"variants": ["dcgan", "wgan"], "seeds": [0, 1], "seeds_of": {"wgan": [4]}})
    assert [cell.name for cell in cells_of(grid)] == ["dcgan-seed0", "dcgan-seed1", "wgan-seed4"]
    with pytest.raises(GanbenchError, match="seeds_of names wagn, which is not among the variants"):
        cells_of(make_grid({"variants": ["wgan"], "seeds_of": {"wagn": [0]}}))


def test_a_grid_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match="cannot read the grid"):
        load_grid(tmp_path / "absent.toml")
    (tmp_path / "grid.toml").write_text("variants = [")
    with pytest.raises(GanbenchError, match="is not TOML"):
        load_grid(tmp_path / "grid.toml")


# --- processes ---


def test_slots_share_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 3, 5, 7, 11})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, mask: chosen.append(mask))
    for slot in range(3):
        cores.keep_to_cores(slot, 2)
    assert chosen == [{2, 3}, {5, 7}, {11, 2}]


def test_workers_return_every_result_and_tell() -> None:
    heard: list[tuple[int, object]] = []
    with Workers(square, 2) as crew:
        results = dict(crew.run([3, 4, 5], lambda number, message: heard.append((number, message))))
    assert {number: value for number, (value, _) in results.items()} == {0: 9, 1: 16, 2: 25}
    assert sorted(heard) == [(0, "at 3"), (1, "at 4"), (2, "at 5")]
    assert {len(allowed) for _, allowed in results.values()} == {max(1, cores.available_cores() // 2)}


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_task_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "CONTEXT", context())
    with Workers(fragile, 1) as crew:
        results = dict(crew.run(["a", "kill", "b", "exit", "c"]))
    assert [results[i] for i in (0, 2, 4)] == ["a", "b", "c"]
    assert results[1] == Died("its process was ended by SIGKILL (out of memory?)")
    assert results[3] == Died("its process ended with exit code 3")


@pytest.mark.slow
def test_stopped_workers_end_and_nothing_more_is_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "CONTEXT", context())
    with Workers(slow, 1) as crew:
        results = dict(crew.run(["a", "b"], lambda number, pid: crew.stop()))
    assert results == {0: Died("its process was ended by SIGTERM")}


@pytest.mark.slow
def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    parent = context().Process(target=parent_of_slow, args=(str(tmp_path / "pid"),))
    parent.start()
    wait_for(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text())
    worker = int((tmp_path / "pid").read_text())
    assert is_alive(worker)
    parent.kill()
    wait_for_end(parent)
    wait_for(lambda: not is_alive(worker))


# --- speed and progress ---


def _log(folder: Path, lines: list[dict]) -> RunFolder:
    run = RunFolder(folder)
    run.start(load_recipe("dcgan", "smoke", ["training.batch=16"]), {})
    for line in lines:
        run.log(line)
    return run


def test_a_pause_moves_neither_speed_nor_minutes(tmp_path: Path) -> None:
    steady = [{"step": s, "images_per_second": 100.0 + s % 3} for s in range(10, 1010, 10)]
    plain = speed_of(_log(tmp_path / "plain", steady))
    assert plain.images_per_second == 101
    assert plain.minutes == pytest.approx(1000 * 16 / 101 / 60)
    slept = [dict(line) for line in steady]
    slept[40]["images_per_second"] = 0.001  # a laptop that slept for a night
    slept += [{"step": 500, "warning": "said once"}, {"step": 1000, "fd[lite0]": 3.0}]
    assert speed_of(_log(tmp_path / "slept", slept)) == plain


def test_lines_weigh_by_the_steps_they_cover(tmp_path: Path) -> None:
    lines = [
        {"step": 90, "images_per_second": 10.0},
        *({"step": s, "images_per_second": 500.0} for s in range(91, 100)),
    ]
    assert speed_of(_log(tmp_path, lines)).images_per_second == 10  # 90 steps against 9


def test_a_log_that_does_not_tell_the_speed(tmp_path: Path) -> None:
    assert speed_of(_log(tmp_path / "none", [])) is None
    broken = [{"step": 5, "images_per_second": float("nan")}, {"step": 6, "images_per_second": 0}]
    assert speed_of(_log(tmp_path / "broken", broken)) is None


def test_the_time_left_is_learnt_from_every_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = make_grid({"variants": ["dcgan", "wgan-gp"], "seeds": [0, 1], "preset": "smoke"})
    cells = cells_of(grid, ["training.steps=100"])
    progress = GridProgress(Plan(grid, Workspace("", tmp_path), None), cells, 1000, jobs=1)
    clock = [0.0]
    monkeypatch.setattr("ganbench.bench.progress.time.monotonic", lambda: clock[0])
    assert progress.seconds_left() is None  # nothing was seen yet
    progress.reach(0, 0)
    clock[0] = 20.0
    progress.reach(0, 10)  # two seconds a step
    assert progress.seconds_left() == pytest.approx(90 * 2 + 300 * 2)
    progress.finish(0)
    progress.reach(2, 0)
    clock[0] = 120.0
    progress.reach(2, 20)  # wgan-gp: five
    assert progress.seconds_left() == pytest.approx(100 * 2 + 80 * 5 + 100 * 5)
    assert progress.left() == "1 of 4 cells done, about 18 min of training left"


# --- whole benches ---


def _progress(out: Path) -> int:
    """Count what a bench has written: lines of the logs, and files that mark the end of a stage."""
    lines = sum(log.read_text().count("\n") for log in out.glob("*/metrics.jsonl"))
    ends = ("checkpoint.pt", "samples.npz", "scorecard.json", "gradnorm.csv", "status.json")
    return lines + sum((out / cell / name).is_file() for cell in CELLS for name in ends)


@pytest.mark.slow
def test_a_bench_killed_five_times_comes_to_the_same(
    whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path, ganbench_home: Path, rng: np.random.Generator
) -> None:
    out = tmp_path / "killed"
    arguments = (str(ganbench_home), *map(str, bench_faces), str(out), {})
    for point in sorted(rng.choice(np.arange(1, _progress(whole_bench) - 3), 5, replace=False)):
        child = context().Process(target=bench, args=arguments)
        child.start()
        wait_for(lambda point=point: _progress(out) >= point)
        time.sleep(rng.uniform(0, 0.05))  # somewhere between two writes, or in the middle of one
        child.kill()
        wait_for_end(child)
        assert child.exitcode == -signal.SIGKILL
    child = context().Process(target=bench, args=arguments)
    child.start()
    wait_for_end(child)
    assert child.exitcode == 0
    assert_same(whole_bench, out)


def _has_logged(cell: Path) -> bool:
    """Tell whether a cell is past its first steps: the log is made before them, empty."""
    log = cell / "metrics.jsonl"
    return log.is_file() and log.stat().st_size > 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_what_trains_in_every_process(
    number: int, whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path, ganbench_home: Path
) -> None:
    long = {"overrides": {"": ["model.size=32", "training.batch=8", "training.steps=100000"]}, "save_every": 10**6}
    said, out = tmp_path / "said", tmp_path / "out"
    arguments = (str(ganbench_home), *map(str, bench_faces), str(out))
    child = context().Process(target=bench, args=(*arguments, long, 2, str(said)))
    child.start()
    wait_for(lambda: all(_has_logged(out / name) for name in CELLS))
    os.kill(child.pid, number)
    wait_for_end(child)
    assert child.exitcode == 130
    assert "The same command goes on from there" in said.read_text()
    for name in CELLS:
        step = load_checkpoint(out / name / "checkpoint.pt")["step"]
        assert 0 < step < 100_000
        status = json.loads((out / name / "status.json").read_text())
        assert status["state"] == "stopped"
        assert f"stopped at step {step} of 100000 and saved" in status["reason"]


def _plan(out: Path, bench_faces: tuple[Path, Path], scoring: ScoringPlan | None = None, **settings: object) -> Plan:
    folder, reference = bench_faces
    scoring = scoring or ScoringPlan.of(ScoreOptions(references=(str(reference),), detector=None, device="cpu"))
    return Plan(make_grid(SETTINGS | settings), Workspace(str(folder), out, device="cpu"), scoring)


@pytest.mark.slow
def test_failed_cells_are_recorded_and_the_rest_goes_on(
    bench_faces: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", context())
    small = SETTINGS["overrides"][""]
    plan = _plan(
        tmp_path, bench_faces, variants=["wgan"], gradnorm_steps=0,
        overrides={
            "mad": [*small, "optimizer.lr=1e30"], "greedy": [*small, "training.batch=64"], "hurt": small, "sane": small,
        },
    )  # fmt: skip
    (tmp_path / "wgan-hurt-seed0").mkdir()
    (tmp_path / "wgan-hurt-seed0" / "checkpoint.pt").write_bytes(b"a bad sector")
    said: list[str] = []
    statuses = run_grid(plan, cells_of(plan.grid), say=said.append)
    assert [status.state for status in statuses] == ["failed", "failed", "failed", "done"]
    assert "is not finite" in statuses[0].reason
    assert "do not fill a batch of 64" in statuses[1].reason
    assert "not a readable checkpoint" in statuses[2].reason
    kept = json.loads((tmp_path / "wgan-mad-seed0" / "status.json").read_text())
    assert kept == statuses[0].to_dict()
    assert (tmp_path / "wgan-sane-seed0" / "scorecard.json").is_file()
    assert any("4 of 4 cells done" in text for text in said)


@pytest.mark.slow
def test_what_is_done_is_not_done_again_and_what_rests_on_changes_is(
    whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", context())
    out = tmp_path / "bench"
    shutil.copytree(whole_bench, out)
    scoring = ScoringPlan.of(ScoreOptions(references=(str(bench_faces[1]),), detector=None, device="cpu"))

    def run(**settings: object) -> dict[str, float]:
        plan = _plan(out, bench_faces, scoring, variants=["dcgan"], **settings)
        assert [s.state for s in run_grid(plan, cells_of(plan.grid))] == ["done"]
        return {path.name: path.stat().st_mtime_ns for path in (out / "dcgan-seed0").iterdir()}

    first = {path.name: path.stat().st_mtime_ns for path in (out / "dcgan-seed0").iterdir()}
    again = run()
    assert {name for name in first if first[name] != again[name]} == {"status.json"}
    fewer = run(samples=20)  # scored again; neither trained nor probed
    assert {name for name in again if again[name] != fewer[name]} == {"status.json", "samples.npz", "scorecard.json"}
    assert Scorecard.from_json((out / "dcgan-seed0" / "scorecard.json").read_text())["fd[lite0]"].n == 20
    small = [text.replace("steps=12", "steps=14") for text in SETTINGS["overrides"][""]]
    run(samples=20, overrides={"": small})
    assert load_checkpoint(out / "dcgan-seed0" / "checkpoint.pt")["step"] == 14
    card = Scorecard.from_json((out / "dcgan-seed0" / "scorecard.json").read_text())
    assert card.source["run"]["step"] == 14
    assert pd.read_csv(out / "dcgan-seed0" / "gradnorm.csv")["step"].min() == 14


@pytest.mark.slow
def test_a_folder_of_another_study_is_refused(
    whole_bench: Path, bench_faces: tuple[Path, Path], image_folder: Path
) -> None:
    small = SETTINGS["overrides"][""]
    source = open_source(bench_faces[0])
    refuse_changes(cells_of(make_grid(SETTINGS)), whole_bench, source)
    refuse_changes(cells_of(make_grid(SETTINGS | {"seeds": [0, 1]})), whole_bench, source)  # more cells are no change
    for overrides, message in (
        ([*small, "optimizer.lr=1e-3"], r"dcgan-seed0: optimizer\.lr was 0\.0001, now 0\.001.*Give another --out"),
        ([text.replace("steps=12", "steps=6") for text in small], "12 steps are done, now 6 are asked for"),
    ):
        with pytest.raises(GanbenchError, match=message):
            refuse_changes(cells_of(make_grid(SETTINGS | {"overrides": {"": overrides}})), whole_bench, source)
    with pytest.raises(GanbenchError, match="trained on other images"):
        refuse_changes(cells_of(make_grid(SETTINGS)), whole_bench, open_source(image_folder))


@pytest.mark.slow
def test_scores_while_training_are_against_the_reference_of_the_bench(
    bench_faces: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SCORED", 20)
    scoring = ScoringPlan.of(ScoreOptions(references=(str(bench_faces[1]),), detector=None, device="cpu"))
    options = LoopOptions(sheet_every=None, score_every=2, scoring=scoring)
    recipe = load_recipe("dcgan", "smoke", ["model.size=32", "training.batch=8", "training.steps=2"])
    train(recipe, open_source(bench_faces[0]), tmp_path, options=options)
    line = RunFolder(tmp_path).read_metrics()[-1]
    assert line["fd[lite0]"] > 0  # against the default one, of images of 64 pixels, there would be none
    assert not any(key.startswith("afd[") for key in line)


# --- the command ---


@pytest.mark.slow
def test_a_dry_run_says_what_is_left(whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text(
        'variants = ["dcgan", "wgan-gp"]\npreset = "smoke"\nsamples = 30\ngradnorm_steps = 9\nsave_every = 2\n'
        '[overrides]\n"" = ["model.size=32", "training.batch=8", "training.steps=12"]\n'
    )
    options = (
        "--data",
        bench_faces[0],
        "--reference",
        bench_faces[1],
        "--detector",
        "none",
        "--device",
        "cpu",
        "--dry-run",
        "--quiet",
    )
    result = _invoke("bench", grid, "--seeds", 2, "--gradnorm-steps", 4, "--out", whole_bench, *options)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert [line[:3] for line in lines[:4]] == [
        ["dcgan-seed0", "done", "0"], ["dcgan-seed1", "new", "16"],
        ["wgan-gp-seed0", "done", "0"], ["wgan-gp-seed1", "new", "16"],
    ]  # fmt: skip
    assert float(lines[0][4]) == 0
    assert "4 cells, about" in result.output
    listed = json.loads(
        _invoke(
            "bench", grid, "--seeds", 2, "--gradnorm-steps", 4, "--out", whole_bench, *options, "--json", "-"
        ).stdout
    )
    assert [(cell["name"], cell["steps"]) for cell in listed["cells"][:2]] == [("dcgan-seed0", 0), ("dcgan-seed1", 16)]
    refused = _invoke("bench", grid, "--set", "model.width=8", "--out", whole_bench, *options)
    assert "model.width was 4, now 8" in str(refused.exception)
    assert isinstance(_invoke("bench", "--variants", "wgam", "--out", tmp_path, *options).exception, UnknownName)


@pytest.mark.slow
def test_the_command_writes_tables_and_a_report(
    whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path, ganbench_home: Path
) -> None:
    """Run the command in a process of its own, with processes started as users' are; most of it is done already."""
    out = tmp_path / "bench"
    shutil.copytree(whole_bench, out)
    (out / CELLS[0] / "gradnorm.csv").unlink()
    small = [text for pair in (("--set", text) for text in SETTINGS["overrides"][""]) for text in pair]
    command = [
        sys.executable, "-m", "ganbench", "bench", "--variants", "dcgan,wgan-gp,wgan", "--preset", "smoke", *small,
        "--set", "training.seed=7", "--samples", "30", "--gradnorm-steps", "4", "--save-every", "2",
        "--data", bench_faces[0], "--reference", bench_faces[1], "--detector", "none", "--device", "cpu", "--out", out,
    ]  # fmt: skip
    environment = os.environ | {"GANBENCH_HOME": str(ganbench_home), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in out.iterdir() if path.is_file()}
    assert written == {
        "bench.json",
        "leaderboard.csv",
        "leaderboard.md",
        "leaderboard.json",
        "leaderboard.tex",
        "report.html",
    }
    table = pd.read_csv(out / "leaderboard.csv")
    assert set(table["name"]) == {*CELLS, "wgan-seed0"}
    assert (table["minutes"] > 0).all()
    assert table["error"].isna().all()
    texts = [(out / name).read_text() for name in written if name not in ("bench.json", "leaderboard.csv")]
    assert not any("published by a course report" in text for text in texts)
    command = [*map(str, command), "--published", "--json", str(tmp_path / "result.json")]
    shown = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "published elsewhere" in shown.stdout
    texts = [(out / name).read_text() for name in written if name not in ("bench.json", "leaderboard.csv")]
    assert all("published by a course report" in text for text in texts)
    result = json.loads((tmp_path / "result.json").read_text())
    assert [(cell["name"], cell["state"]) for cell in result["cells"]] == [(n, "done") for n in (*CELLS, "wgan-seed0")]
    assert result["leaderboard"] == json.loads((out / "leaderboard.json").read_text())
    assert "3 of 3 cells done" in done.stderr
    assert "wgan-seed0" in (out / "report.html").read_text()
