"""What a bench says of its speed and of the time that is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.bench.grid import Plan, Workspace, cells_of, make_grid
from ganbench.bench.progress import GridProgress
from ganbench.runs.speed import speed_of
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder


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
