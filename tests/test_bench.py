"""The bench: grids, a bench killed and resumed, and what passes for done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from bench_contents import CELLS, assert_same, plan_of
from bench_processes import SETTINGS, bench
from waiting import wait_for, wait_for_end

from ganbench.bench.changes import refuse_changes
from ganbench.bench.grid import cells_of, load_grid, make_grid
from ganbench.bench.run import run_grid
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan as ScoringPlan
from ganbench.scoring.scorecard import Scorecard
from ganbench.system import workers
from ganbench.training import loop
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

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


# --- whole benches ---


def _progress(out: Path) -> int:
    """Count what a bench has written: lines of the logs, and files that mark the end of a stage."""
    lines = sum(log.read_text().count("\n") for log in out.glob("*/metrics.jsonl"))
    ends = ("checkpoint.pt", "samples.npz", "scorecard.json", "gradnorm.csv", "status.json")
    return lines + sum((out / cell / name).is_file() for cell in CELLS for name in ends)


@pytest.mark.slow
def test_a_bench_killed_five_times_comes_to_the_same(
    forkserver: ForkServerContext,
    whole_bench: Path,
    bench_faces: tuple[Path, Path],
    tmp_path: Path,
    ganbench_home: Path,
    rng: np.random.Generator,
) -> None:
    out = tmp_path / "killed"
    arguments = (str(ganbench_home), *map(str, bench_faces), str(out), {})
    for point in sorted(rng.choice(np.arange(1, _progress(whole_bench) - 3), 5, replace=False)):
        child = forkserver.Process(target=bench, args=arguments)
        child.start()
        wait_for(lambda point=point: _progress(out) >= point)
        time.sleep(rng.uniform(0, 0.05))  # somewhere between two writes, or in the middle of one
        child.kill()
        wait_for_end(child)
        assert child.exitcode == -signal.SIGKILL
    child = forkserver.Process(target=bench, args=arguments)
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
    forkserver: ForkServerContext,
    number: int,
    whole_bench: Path,
    bench_faces: tuple[Path, Path],
    tmp_path: Path,
    ganbench_home: Path,
) -> None:
    long = {"overrides": {"": ["model.size=32", "training.batch=8", "training.steps=100000"]}, "save_every": 10**6}
    said, out = tmp_path / "said", tmp_path / "out"
    arguments = (str(ganbench_home), *map(str, bench_faces), str(out))
    child = forkserver.Process(target=bench, args=(*arguments, long, 2, str(said)))
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


@pytest.mark.slow
def test_failed_cells_are_recorded_and_the_rest_goes_on(
    forkserver: ForkServerContext, bench_faces: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", forkserver)
    small = SETTINGS["overrides"][""]
    plan = plan_of(
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
    forkserver: ForkServerContext,
    whole_bench: Path,
    bench_faces: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", forkserver)
    out = tmp_path / "bench"
    shutil.copytree(whole_bench, out)
    scoring = ScoringPlan.of(ScoreOptions(references=(str(bench_faces[1]),), detector=None, device="cpu"))

    def run(**settings: object) -> dict[str, float]:
        plan = plan_of(out, bench_faces, scoring, variants=["dcgan"], **settings)
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
