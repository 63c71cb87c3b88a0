"""The curves of a figure, how they are measured, and the ``gradnorm`` command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.diagnostics.curves import measure, of_recipe, plan
from ganbench.diagnostics.experiment import experiment
from ganbench.diagnostics.findings import troubles
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.training.data import TrainingImages
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder


def _invoke(*arguments: object):
    return CliRunner().invoke(app, ["gradnorm", *(str(a) for a in arguments)])


@pytest.mark.slow
def test_the_command_writes_table_figures_and_findings(image_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "plot"
    result = _invoke(
        "--variant", "wgan", "--clip", 0.01, "--clip", 0.1, "--against", "wgan-gp", "--data", image_folder,
        "--preset", "smoke", "--set", "training.batch=8", "--steps", 6, "--skip", 2, "--seed", 0, "--seed", 1,
        "--out", out, "--json",
    )  # fmt: skip
    assert "wgan, clip 0.01; wgan, clip 0.1; wgan-gp, 6 curves with all seeds. This takes about" in result.stderr
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(out / "gradnorm.csv")
    assert list(frame.columns[:7]) == ["curve", "variant", "step", "layer", "name", "norm", "log_norm"]
    assert list(frame["curve"].unique()) == ["wgan, clip 0.01", "wgan, clip 0.1", "wgan-gp"]
    assert len(frame) == 3 * 2 * 6 * 5
    np.testing.assert_allclose(frame["log_norm"], np.log(frame["norm"]), rtol=1e-9)
    assert frame.query("variant == 'wgan'")["at_bound"].notna().all()
    assert frame.query("step == 0")["input_gradient"].notna().all()
    printed = json.loads(result.stdout)
    settled = frame.query("step >= 2 and curve == 'wgan-gp'")
    medians = settled.groupby(["seed", "layer"])["log_norm"].median()
    assert printed["wgan-gp"]["seeds"]["1"]["log_norm"] == pytest.approx(medians[1].tolist())
    assert printed["wgan-gp"]["log_norm"] == pytest.approx(medians.groupby("layer").mean().tolist())
    generator = pd.read_csv(out / "gradnorm-generator.csv")
    assert list(generator.columns) == list(frame.columns)
    assert generator.query("variant == 'wgan'")["step"].unique().tolist() == [1, 3, 5]
    assert frame[["spectral_norm", "activation_std"]].notna().all(axis=None)
    assert frame.query("step < 5")["update_ratio"].gt(0).all()
    shown = generator.query("step >= 2 and curve == 'wgan-gp'").groupby(["seed", "layer"])["log_norm"].median()
    assert printed["wgan-gp"]["generator"]["seeds"]["0"]["log_norm"] == pytest.approx(shown[0].tolist())
    assert "## Generator" in (out / "findings.md").read_text()
    for name in ("gradnorm.png", "gradnorm-training.png", "gradnorm-generator-layers.png"):
        assert np.asarray(Image.open(out / name).convert("L")).std() > 10  # something is drawn
    assert (out / "gradnorm.svg").read_text().startswith("<?xml")
    assert "| wgan-gp |" in (out / "findings.md").read_text()


@pytest.mark.slow
def test_the_command_goes_on_from_a_run_without_touching_it(image_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained = CliRunner().invoke(
        app,
        ["train", "--variant", "wgan", "--data", str(image_folder), "--run", str(run), "--preset", "smoke",
         "--steps", "3", "--set", "training.batch=8"],
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    result = _invoke("--run", run, "--data", image_folder, "--steps", 4, "--skip", 1, "--out", tmp_path / "plot")
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(tmp_path / "plot" / "gradnorm.csv")
    assert frame["step"].unique().tolist() == [3, 4, 5, 6]
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    (run / "checkpoint.pt").unlink()
    assert "no checkpoint" in str(_invoke("--run", run, "--data", image_folder, "--out", tmp_path / "p").exception)


@pytest.mark.slow
def test_troubles_are_told_while_the_curve_is_measured() -> None:
    """A critic whose weights all sit at the bound: seen at the first look, and said once per layer."""
    recipe = load_recipe("wgan", "smoke", ["training.batch=8", "objective.clip=1e-4", "optimizer.lr=0.1"])
    pixels = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    told: list[str] = []
    steps_when_told = []
    images = TrainingImages(pixels, "", batch=8, seed=0)
    load = images.load
    images.load = lambda step: steps_when_told.append(len(told)) or load(step)
    frame = measure(of_recipe(recipe), images, 110, device=torch.device("cpu"), warn=told.append).discriminator
    saturated = [text for text in told if "stayed at the clipping bound" in text]
    assert len(saturated) > 0
    assert len(set(told)) == len(told)
    assert steps_when_told[49] == 0 < steps_when_told[51]  # not only at the end
    assert all(text.startswith("wgan, clip 0.0001: layers.") for text in told)
    assert {(t.kind, t.layer) for t in troubles(frame)} >= {
        ("saturated clipping", t.split()[3][:-1]) for t in saturated
    }


def test_curves_of_runs_and_variants_are_told_apart(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "runs" / "wgan-gp")
    recipe = load_recipe("wgan-gp", "smoke")
    run.start(recipe, {})
    with pytest.raises(GanbenchError, match="no checkpoint"):
        plan([], [], [], [run.path])
    run.checkpoint.touch()
    curves = plan(["wgan"], [0.01, 0.1], ["wgan-gp"], [run.path], preset="smoke", seeds=[0, 1])
    assert [(c.name, c.recipe.training.seed) for c in curves] == [
        ("runs/wgan-gp", 0),
        ("wgan, clip 0.01", 0), ("wgan, clip 0.1", 0), ("wgan-gp", 0),
        ("wgan, clip 0.01", 1), ("wgan, clip 0.1", 1), ("wgan-gp", 1),
    ]  # fmt: skip


def test_one_clipped_variant_alone_becomes_the_reports_figure(tmp_path: Path) -> None:
    said: list[str] = []
    curves = plan(["wgan"], [], [], [], say=said.append)
    assert [(c.name, getattr(c.recipe.objective, "clip", None)) for c in curves] == [
        ("wgan, clip 0.01", 0.01), ("wgan, clip 0.1", 0.1), ("wgan-gp", None),
    ]  # fmt: skip
    assert {c.recipe.preset for c in curves} == {"probe"}
    assert len(said) == 1
    assert len(plan(["wgan"], [], [], [], seeds=[0, 1])) == 6
    (tmp_path / "mine.toml").write_text('title = "mine"\nextends = "wgan"\n[training]\nn_critic = 5\n')
    mine = plan([str(tmp_path / "mine.toml")], [], [], [])
    assert [c.name for c in mine] == ["mine, clip 0.01", "mine, clip 0.1", "wgan-gp"]
    assert mine[0].recipe.training.n_critic == 5


def test_nothing_is_added_to_what_is_asked_for() -> None:
    def names(variants: list[str], clips: list[float], against: list[str], *sets: str) -> list[str]:
        return [curve.name for curve in plan(variants, clips, against, [], overrides=list(sets))]

    assert names(["wgan"], [0.5], []) == ["wgan, clip 0.5"]
    assert names(["wgan"], [], ["dcgan"]) == ["wgan, clip 1", "dcgan"]
    assert names(["wgan", "dcgan"], [], []) == ["wgan, clip 1", "dcgan"]
    assert names(["wgan"], [], [], "objective.clip=0.5") == ["wgan, clip 0.5"]
    assert names([], [], ["wgan"]) == ["wgan, clip 1"]
    for variant in ("dcgan", "dcgan-clipnorm", "wgan-gp", "stylegan2"):
        assert names([variant], [], []) == [variant]


@pytest.mark.slow
def test_an_experiment_from_python(image_folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    sets = ["training.batch=8", "training.steps=9"]
    curves = plan(["wgan-gp"], [], ["dcgan"], [], preset="smoke", overrides=sets)
    found = experiment(curves, open_source(image_folder), tmp_path / "out", device="cpu", say=said.append)
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(found.files)
    assert {"gradnorm.svg", "gradnorm-generator-layers.png", "findings.md"} < set(found.files)
    assert sorted(found.generator["name"].unique())[0] == "project.0.weight"
    assert sorted(found.settled["step"].unique()) == [2, 3, 4, 5, 6, 7, 8]  # the recipe's steps without a quarter
    assert set(found.small) == {"wgan-gp", "dcgan"}
    assert len(pd.read_csv(tmp_path / "out" / "gradnorm.csv")) == 2 * 9 * 5
    assert said[0].startswith("measuring 9 steps of each: wgan-gp; dcgan. This takes about")


def test_mistakes(image_folder: Path, tmp_path: Path) -> None:
    common = ("--data", image_folder, "--out", tmp_path)
    for arguments, message in (
        ((), "nothing to probe"),
        (("--variant", "wgan", "--steps", 10, "--skip", 10), "leaves nothing"),
        (("--variant", "dcgan", "--clip", 1), "dcgan does not clip its weights. Variants that do: wgan;"),
        (("--variant", "wgam"), "Did you mean 'wgan'"),
        (("--against", "wgan", "--clip", 1), "--clip makes curves of --variant"),
        (("--run", tmp_path, "--set", "optimizer.lr=1"), "a run keeps its recipe"),
        (("--run", tmp_path), "not a training run"),
        (("--variant", "wgan", "--against", "wgan"), "asked for twice"),
        (("--variant", "wgan", "--seed", 1, "--seed", 1), "asked for twice"),
        (("--variant", "wgan", "--preset", "smoke", "--set", "model.size=32"), "images are 64x64, the recipe trains"),
    ):
        assert message in str(_invoke(*arguments, *common).exception), arguments
