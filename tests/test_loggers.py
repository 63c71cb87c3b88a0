"""Loggers, each with its real package and no network."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import logger_files
import numpy as np
import pytest
from training_processes import SMALL, noise_images
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError, UnknownName
from ganbench.images.arrays import ArraySource
from ganbench.loggers.base import Begin
from ganbench.loggers.registry import LOGGERS, require_loggers
from ganbench.loggers.several import Loggers
from ganbench.training.journal import Journal
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train
from ganbench.training.vitals import COLUMNS

SETTINGS = {"variant": "wgan", "optimizer.lr": 1e-4, "optimizer.betas": [0.5, 0.999], "data.flip": False}
SHEET = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)


def run_twice(name: str, folder: Path, told: list[str]) -> None:
    """Log four steps of a run that is killed, and go on from the second of them."""
    logged: list[dict[str, object]] = []
    for first, last, settings in ((0, 4, SETTINGS), (2, 3, SETTINGS | {"training.steps": 9})):
        logged = [line for line in logged if line["step"] <= first]  # type: ignore[operator]  # a step is a number
        begin = Begin("run", folder, settings, first, list(logged))
        loggers = Loggers([name], lambda name, begin=begin: begin, told.append)
        for step in range(first + 1, last + 1):
            line = {"discriminator_loss": first + step / 4} | ({"fd[lite0]": 100.0} if step == 3 else {})
            loggers.scalars(step, line)
            logged.append({"step": step, **line})
        loggers.image(last, "samples", SHEET)
        loggers.close(finished=first > 0)


LOSSES = {1: 0.25, 2: 0.5}  # of the steps that were saved


def test_tensorboard_hides_what_was_undone(tmp_path: Path) -> None:
    told: list[str] = []
    run_twice("tensorboard", tmp_path / "log", told)
    scalars, images, settings = logger_files.tensorboard(tmp_path / "log")
    assert told == []
    assert scalars["discriminator_loss"] == [*LOSSES.items(), (3, 2.75)]
    assert scalars["fd[lite0]"] == [(3, 100.0)]
    assert images == {"samples": [(3, 20, 30)]}
    assert settings == {"variant": "wgan", "optimizer.lr": 1e-4, "optimizer.betas": "[0.5, 0.999]", "data.flip": False}


def test_csv_is_a_row_for_each_step_and_goes_on(tmp_path: Path) -> None:
    told: list[str] = []
    run_twice("csv", tmp_path / "log", told)
    with (tmp_path / "log" / "metrics.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f))
    assert told == []
    assert rows == [["step", "discriminator_loss", "fd[lite0]"], ["1", "0.25", ""], ["2", "0.5", ""],
                    ["3", "2.75", "100.0"]]  # fmt: skip


def test_csv_has_one_row_for_what_comes_of_a_step_at_different_times(tmp_path: Path) -> None:
    logger = LOGGERS["csv"]()
    logger.open(Begin("run", tmp_path, SETTINGS, 1, [{"step": 1, "a": 1.0}, {"step": 1, "b": 2.0, "warning": "said"}]))
    for step, values in ((2, {"a": 3.0}), (2, {"b": 4.0}), (3, {"a": 5.0}), (3, {"c": 6.0}), (4, {"a": 7.0})):
        logger.scalars(step, values)
    text = (tmp_path / "metrics.csv").read_text("utf-8")
    assert text == "step,a,b,c\n1,1.0,2.0,\n2,3.0,4.0,\n3,5.0,,6.0\n4,7.0,,\n"
    logger.scalars(4, {"c": 8.0})
    logger.scalars(3, {"a": 9.0})  # it went back
    logger.scalars(4, {"a": float("nan")})
    logger.close(finished=True)
    text = (tmp_path / "metrics.csv").read_text("utf-8")
    assert text == "step,a,b,c\n1,1.0,2.0,\n2,3.0,4.0,\n3,9.0,,\n4,,,\n"


@pytest.mark.slow
def test_wandb_offline_is_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    told: list[str] = []
    run_twice("wandb", tmp_path / "log", told)
    scalars, images, settings, ids = logger_files.wandb(tmp_path / "log")
    assert told == []
    assert scalars["discriminator_loss"] == [*LOSSES.items(), (3, 0.75), (4, 1.0), (3, 2.75)]
    assert images == {"samples": [(4, 20, 30), (3, 20, 30)]}
    assert settings == SETTINGS | {"training.steps": 9}
    assert ids == {(tmp_path / "log" / "run_id").read_text().strip()}


@pytest.mark.slow
def test_mlflow_is_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = (tmp_path / "mlruns").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    told: list[str] = []
    run_twice("mlflow", tmp_path / "log", told)
    ((scalars, settings, pictures, status),) = logger_files.mlflow(uri)
    assert told == []
    assert sorted(scalars["discriminator_loss"]) == [*LOSSES.items(), (3, 0.75), (3, 2.75), (4, 1.0)]
    assert scalars["fd/lite0"] == [(3, 100.0), (3, 100.0)]
    assert settings == {name: str(value) for name, value in SETTINGS.items()}
    assert len([name for name in pictures if name.endswith(".png")]) == 2
    assert status == "FINISHED"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "other").as_uri())  # where this run is not known
    loggers = Loggers(["mlflow"], lambda name: Begin("run", tmp_path / "log", SETTINGS, 3), told.append)
    loggers.scalars(4, {"discriminator_loss": 1.0})
    loggers.close(finished=False)
    assert told == []
    ((scalars, _, _, status),) = logger_files.mlflow((tmp_path / "other").as_uri())
    assert (scalars["discriminator_loss"], status) == ([(4, 1.0)], "KILLED")


@pytest.mark.slow
def test_a_run_logs_losses_scores_sheets_and_recipe_and_goes_on(tmp_path: Path) -> None:
    source = ArraySource.of("noise", noise_images(), value_range=None, resize=None)
    told: list[str] = []
    options = LoopOptions(log_every=1, sheet_every=2, save_every=2, loggers=("tensorboard", "csv", "csv"))
    for steps in (2, 4):
        recipe = load_recipe("dcgan", "smoke", [*SMALL, f"training.steps={steps}"])
        train(recipe, source, tmp_path / "run", options=options, resume=steps > 2, warn=told.append)
    run = RunFolder(tmp_path / "run")
    scalars, images, settings = logger_files.tensorboard(run.path / "logs" / "tensorboard")
    lines = run.read_metrics()
    assert told == []
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    for name in ("discriminator_loss", "generator_loss", "images_per_second", "told_apart"):
        assert scalars[name] == [(line["step"], pytest.approx(line[name])) for line in lines]
    assert [step for step, _, _ in images["samples"]] == [2, 4]
    assert settings["optimizer.name"] == "adam"
    with (run.path / "logs" / "csv" / "metrics.csv").open(encoding="utf-8", newline="") as f:
        rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(f)]
    assert [{name: row[name] for name in line} for row, line in zip(rows, lines, strict=True)] == lines
    for row, vitals in zip(rows, run.read_vitals(), strict=True):
        for name in ("gain", "seen_score", "real_variety"):
            assert row[name] == vitals[name]
        for network, layers in vitals["layers"].items():
            for layer, numbers in layers.items():
                named = zip(COLUMNS, numbers, strict=True)
                assert [row.get(f"{network}/{layer}/{column}") for column, _ in named] == numbers
    assert scalars["gain"] == [(step, pytest.approx(row["gain"])) for step, row in enumerate(rows, 1)]


def test_vitals_are_logged_and_those_of_a_resumed_run_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.log({"step": 1, "discriminator_loss": 0.5})
    layer = {"generator": {"a.weight": [1.0, 2.0, 3.0, 0.0, None]}}
    for line in ({"gain": 0.25, "held_out_score": None, "layers": layer}, {"layers": 3}, {"layers": {"generator": []}}):
        run.log_vitals({"step": 1, **line})  # the last two are none
    run.log_vitals({"step": 3, "gain": 9.0})  # behind the checkpoint
    told: list[str] = []
    journal = Journal(run, told.append)
    with journal.open(load_recipe("wgan", "smoke", []), 4, 2, ("csv",)):
        journal.write_vitals({"step": 4, "gain": 0.75, "scores": {"fd[lite0]": [1.0, 0.5, 1.5]}, "layers": layer})
    names = [f"generator/a.weight/{column}" for column in ("norm", "weight_norm", "update", "silent")]
    assert told == []
    with (run.path / "logs" / "csv" / "metrics.csv").open(encoding="utf-8", newline="") as f:
        assert list(csv.reader(f)) == [
            ["step", "discriminator_loss", "gain", *names],
            ["1", "0.5", "0.25", "1.0", "2.0", "3.0", "0.0"],
            ["4", "", "0.75", "1.0", "2.0", "3.0", "0.0"],
        ]


def test_loggers_of_other_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "own_loggers"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    (package / "lines.py").write_text(OWN, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    told: list[str] = []
    loggers = Loggers(["own_loggers.lines:Lines"], lambda name: Begin("run", tmp_path / "log", {"a": 1}), told.append)
    loggers.scalars(1, {"loss": 0.5})
    loggers.image(1, "samples", SHEET)  # which it leaves out
    loggers.close(finished=True)
    assert told == []
    assert (tmp_path / "log" / "lines.txt").read_text() == "run 0\n1 {'loss': 0.5}\nTrue\n"
    with pytest.raises(GanbenchError, match="is no logger yet: it lacks close, scalars"):
        require_loggers(["own_loggers.lines:Half"])


OWN = """
from ganbench.loggers.base import Logger


class Lines(Logger):
    def open(self, begin):
        begin.folder.mkdir(parents=True)
        self.file = (begin.folder / "lines.txt").open("w")
        print(begin.name, begin.step, file=self.file)

    def scalars(self, step, values):
        print(step, values, file=self.file)

    def close(self, *, finished):
        print(finished, file=self.file)
        self.file.close()


class Half(Logger):
    def open(self, begin):
        pass
"""


def test_what_cannot_be_logged_to_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownName, match="unknown logger 'tensorbord'. Did you mean 'tensorboard'?"):
        require_loggers(["csv", "tensorbord"])
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(GanbenchError, match=r"--log wandb needs a package.*\(wandb\): pip install 'ganbench\[wandb\]'"):
        require_loggers(["wandb"])
    monkeypatch.delitem(sys.modules, "wandb")
    (tmp_path / "mlflow").mkdir()  # a folder of logs is no package
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(GanbenchError, match="--log mlflow needs a package"):
        require_loggers(["mlflow"])
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["train", "--variant", "wgan", "--log", "comet", "--run", "run"])
    assert done.exit_code != 0
    assert isinstance(done.exception, UnknownName)
    assert not (tmp_path / "run").exists()


def test_a_foreign_run_id_is_not_believed(tmp_path: Path) -> None:
    begin = Begin("run", tmp_path, {}, 5)
    for text in ("../../x", "a" * 65, "A b", "", "é"):
        (tmp_path / "run_id").write_text(text, "utf-8")
        assert begin.known_id() is None
    assert begin.id_for() == begin.known_id() == begin.id_for()
    before = begin.known_id()
    assert Begin("run", tmp_path, {}, 0).id_for() != before  # a new run
