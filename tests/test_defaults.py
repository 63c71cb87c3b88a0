"""Commands with as little as possible typed, in an empty folder, without a network: they run and say what they took."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.cli.defaults import against_toyfaces, folder_or, images_or_toyfaces
from ganbench.diagnostics import experiment
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.scoring.options import ScoreOptions
from ganbench.toyfaces import cached
from ganbench.training.run_folder import RunFolder


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder of a machine without network, where few toy faces are drawn."""

    def refused(*arguments: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(cached, "COUNT", 20)
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(typed: str) -> Result:
    result = CliRunner().invoke(app, typed.split())
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


@pytest.mark.slow
def test_gradnorm_draws_the_reports_curves(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _run("gradnorm --variant wgan --preset smoke --steps 4")
    out = empty_folder / "gradnorm-wgan"
    assert set(empty_folder.iterdir()) == {out}
    figures = {f"gradnorm{of}{what}" for of in ("", "-generator") for what in ("", "-training", "-layers")}
    drawn = {f"{figure}.{ending}" for figure in figures for ending in ("png", "svg")}
    assert {path.name for path in out.iterdir()} == drawn | {"gradnorm.csv", "gradnorm-generator.csv", "findings.md"}
    frame = pd.read_csv(out / "gradnorm.csv")
    assert frame["curve"].unique().tolist() == ["wgan, clip 0.01", "wgan, clip 0.1", "wgan-gp"]
    assert frame["step"].nunique() == 4
    # On a busy machine the progress of what takes long stands between them.
    lines = [line for line in result.stderr.splitlines() if not re.match(r"\w+: [\d,]+ of [\d,]+ ", line)]
    assert lines[0].startswith("wgan alone: the course report's figure, with the clipping bounds 0.01 and 0.1 and ")
    assert lines[1] == "no --out: writing to gradnorm-wgan"
    assert lines[2].startswith("no --data: 20 toy faces of 64x64 pixels, drawn now, once, into ")
    assert lines[3].startswith("measuring 4 steps of each: wgan, clip 0.01; wgan, clip 0.1; wgan-gp. This takes about ")
    assert "wgan-gp is too small to tell: width 4" in result.stdout
    assert "grows towards" not in result.stdout
    monkeypatch.setattr(experiment, "write_figures", lambda *_, **__: [])  # they take the most of the time
    again = _run("gradnorm --variant wgan --preset smoke --steps 4 --json")
    assert "drawn before, in " in again.stderr
    assert json.loads(again.stdout)["wgan-gp"]["verdict"] == "too small to tell"


@pytest.mark.slow
def test_gradnorm_of_an_unclipped_variant_is_one_curve_and_says_how_to_compare(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment, "write_figures", lambda *_, **__: [])
    for variant, other in (("dcgan", "wgan-gp"), ("wgan-gp", "wgan"), ("stylegan2", "wgan-gp")):
        result = _run(f"gradnorm --variant {variant} --preset smoke --steps 2")
        frame = pd.read_csv(empty_folder / f"gradnorm-{variant}" / "gradnorm.csv")
        assert frame["curve"].unique().tolist() == [variant]
        assert f"one curve, {variant}; to compare it, add another: --against {other}" in result.stderr


@pytest.mark.slow
def test_train_names_its_run_and_refuses_to_start_it_twice(empty_folder: Path) -> None:
    result = _run("train --variant dcgan --preset smoke --steps 2")
    run = RunFolder.open(empty_folder / "runs" / "dcgan")
    assert "no --run: writing to runs/dcgan" in result.stderr
    assert "no --data: 20 toy faces" in result.stderr
    assert "ganbench sample runs/dcgan" in result.stdout
    with pytest.raises(GanbenchError, match=r"runs/dcgan holds a run already. Add --resume .* or give another folder"):
        _run("train --variant dcgan --preset smoke --steps 3")
    _run("train --variant dcgan --preset smoke --steps 3 --resume")
    assert [line["step"] for line in run.read_metrics()] == [2, 3]


def test_only_the_first_of_several_processes_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    assert folder_or(None, "--run", "runs/dcgan") == Path("runs/dcgan")
    assert len(open_source(images_or_toyfaces(None, 32))) == 20


def test_a_reference_that_is_given_stays(capsys: pytest.CaptureFixture[str]) -> None:
    scoring = ScoreOptions(references=("mine.npz",), detector=None)
    assert against_toyfaces(scoring, "toys") == scoring
    assert capsys.readouterr().err == ""
    assert against_toyfaces(replace(scoring, references=()), "toys") == replace(scoring, references=("toys",))
    assert "no --reference" in capsys.readouterr().err
    unread = replace(scoring, references=(), metrics=("duplicates",))  # a reference would be refused
    assert against_toyfaces(unread, "toys") == unread
    assert capsys.readouterr().err == ""


def test_what_is_given_is_taken_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert folder_or(Path("here"), "--run", "there") == Path("here")
    assert images_or_toyfaces("faces.zip", 64) == "faces.zip"
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_gradnorm_goes_on_with_a_run_on_toy_faces_but_not_with_others(
    image_folder: Path, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment, "write_figures", lambda *_, **__: [])
    _run("train --variant wgan --preset smoke --steps 2")
    _run("gradnorm --run runs/wgan --steps 2")
    assert pd.read_csv(empty_folder / "gradnorm-wgan" / "gradnorm.csv")["step"].unique().tolist() == [2, 3]
    _run(f"train --variant wgan --preset smoke --steps 2 --data {image_folder} --run other --set training.batch=8")
    with pytest.raises(GanbenchError, match="other was trained on other images than the toy faces; .* --data"):
        _run("gradnorm --run other --steps 2")


@pytest.mark.slow
def test_bench_scores_against_the_toy_faces_it_trains_on(empty_folder: Path) -> None:
    result = _run(
        "bench --variants dcgan --preset smoke --set training.steps=2 --samples 16 --gradnorm-steps 2 --detector none"
    )
    assert "no --out: writing to bench" in result.stderr
    assert "no --reference: samples are scored against the toy faces" in result.stderr
    card = json.loads((empty_folder / "bench" / "dcgan-seed0" / "scorecard.json").read_text())
    assert "toyfaces-20-64px" in json.dumps(card)
    assert (empty_folder / "bench" / "report.html").is_file()
