"""Findings from series that were made to show one thing, and the ``gradnorm`` command."""

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
from ganbench.diagnostics.figures import depth_figure, training_figure
from ganbench.diagnostics.findings import profile, to_markdown, troubles
from ganbench.errors import GanbenchError
from ganbench.training.data import TrainingImages
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder


def _frame(log_norms: np.ndarray, at_bound: float = np.nan, curve: str = "c") -> pd.DataFrame:
    """Return records of ln norms (steps, layers)."""
    steps, layers = log_norms.shape
    return pd.DataFrame(
        {
            "curve": curve,
            "seed": 0,
            "step": np.repeat(np.arange(steps), layers),
            "layer": np.tile(np.arange(1, layers + 1), steps),
            "name": np.tile([f"layer{i + 1}" for i in range(layers)], steps),
            "norm": np.exp(log_norms).reshape(-1),
            "log_norm": log_norms.reshape(-1),
            "at_bound": at_bound,
        }
    )


def _steady(medians: list[float], steps: int = 120) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.1, (steps, len(medians)))
    return np.asarray(medians) + noise - np.median(noise, 0)


def test_the_reports_curves_get_the_reports_verdicts() -> None:
    # The values read off the course report's plot, layers 5 to 1; here from 1 to 5.
    published = {
        "clip 0.01": ([3.1, 2.8, 2.4, 1.6, 1.0], "grows towards the input", 0.54, 2.1),
        "clip 0.1": ([4.4, 3.9, 3.4, 2.6, 1.8], "grows towards the input", 0.65, 2.6),
        "penalty": ([2.7, 2.4, 2.3, 2.9, 3.2], "level", -0.15, 0.9),
    }
    for name, (medians, verdict, slope, span) in published.items():
        p = profile(_frame(_steady(medians)))
        assert p.verdict == verdict, name
        assert p.slope == pytest.approx(slope, abs=1e-6)
        assert p.span == pytest.approx(span, abs=1e-6)
        assert np.all(p.low < p.median)
        assert np.all(p.median < p.high)
    falling = profile(_frame(_steady([0, 1, 2, 3])))
    assert (falling.verdict, round(falling.slope, 6)) == ("grows towards the output", -1)


def test_level_needs_a_small_span_too() -> None:
    p = profile(_frame(_steady([0, 2, 2, 0])))
    assert abs(p.slope) < 1e-6
    assert p.verdict == "uneven"
    assert "is uneven, without a trend, over depth" in to_markdown(_frame(_steady([0, 2, 2, 0])))


def test_a_layer_without_a_gradient_keeps_its_place() -> None:
    norms = _steady([3, 2.5, 2, 1.5])
    norms[:, 1] = -np.inf
    p = profile(_frame(norms))
    assert np.isnan(p.median).tolist() == [False, True, False, False]
    assert p.slope == pytest.approx(0.5)
    assert "| 1.50, 2.00, -, 3.00 |" in to_markdown(_frame(norms))
    nothing = profile(_frame(np.full((60, 3), -np.inf)))
    assert (nothing.verdict, nothing.slope, nothing.span) == ("no gradient", 0, 0)
    for figure in (depth_figure(_frame(norms)), training_figure(_frame(np.full((60, 3), -np.inf)))):
        figure.canvas.draw()


def test_figure_shows_the_medians_deepest_layer_first() -> None:
    frame = pd.concat([_frame(_steady([3.1, 2.8, 2.4]), curve="clip"), _frame(_steady([2, 2, 2]), curve="penalty")])
    axes = depth_figure(frame).axes[0]
    assert axes.xaxis_inverted()
    assert [line.get_ydata().tolist() for line in axes.lines] == [
        pytest.approx([3.1, 2.8, 2.4]), pytest.approx([2, 2, 2]),
    ]  # fmt: skip
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2, 3]] * 2
    band = axes.collections[0].get_paths()[0].vertices
    log_norms = frame[(frame["curve"] == "clip") & (frame["layer"] == 1)]["log_norm"]
    assert sorted(set(band[band[:, 0] == 1][:, 1].round(9))) == pytest.approx(log_norms.quantile([0.1, 0.9]).tolist())
    assert "ln" in axes.get_ylabel()
    assert axes.get_title() == "median and 10–90 % over steps 0 to 119"
    late = _frame(_steady([2, 2, 2]), curve="run").assign(step=lambda f: f["step"] + 500)
    assert depth_figure(pd.concat([frame, late])).axes[0].get_title().endswith("over 120 steps of each")


def test_heat_map_has_a_row_per_layer_and_a_column_per_step() -> None:
    norms = _steady([3.1, 2.8, 2.4])
    panel = training_figure(_frame(norms)).axes[0]
    np.testing.assert_allclose(panel.collections[0].get_array().reshape(3, 120), norms.T)


def test_a_healthy_series_shows_no_trouble() -> None:
    assert troubles(_frame(_steady([1, 1.5, 2]), at_bound=0.1)) == []


def test_exploding() -> None:
    norms = _steady([1, 1, 1])
    norms[80:, 1] += np.log(200)
    (found,) = troubles(_frame(norms))
    assert (found.kind, found.layer, found.step) == ("exploding", "layer2", 80)
    norms[80:, 1] = np.inf
    (found,) = troubles(_frame(norms))
    assert found.step == 80
    assert "is not finite" in found.text


def test_vanishing() -> None:
    (found,) = troubles(_frame(_steady([-8, 1, 1])))
    assert (found.kind, found.layer) == ("vanishing", "layer1")


def test_dead_layer() -> None:
    norms = _steady([1, 1, 1])
    norms[30:, 2] = -np.inf
    found = troubles(_frame(norms))
    assert [(t.kind, t.layer, t.step) for t in found] == [("dead layer", "layer3", 30)]
    norms[30:, 2] = np.nan
    assert [(t.kind, t.step) for t in troubles(_frame(norms))] == [("dead layer", 30)]


def test_saturated_clipping() -> None:
    frame = _frame(_steady([1, 1]), at_bound=0.3)
    frame.loc[(frame["layer"] == 2) & (frame["step"] >= 20), "at_bound"] = 0.9
    (found,) = troubles(frame)
    assert (found.kind, found.layer, found.step) == ("saturated clipping", "layer2", 20)


def test_several_seeds_are_averaged_and_their_range_is_shown() -> None:
    frames = [_frame(_steady(m)).assign(seed=i) for i, m in enumerate(([3, 2, 1], [2, 1.5, 1], [4, 2.5, 1]))]
    together = pd.concat(frames)
    assert profile(together).slope == pytest.approx(np.mean([profile(f).slope for f in frames]))
    text = to_markdown(together)
    assert "| c | +1.00 (+0.50 … +1.50) | 2.00 (1.00 … 3.00) | grows towards the input | 1.00, 2.00, 3.00 |" in text
    assert "(ln slope +1.00), 2.00 between" in text


def test_markdown_names_every_curve_and_its_numbers() -> None:
    frame = pd.concat([_frame(_steady([3.1, 2.8, 2.4]), curve="clip"), _frame(_steady([2, 2, 2]), curve="penalty")])
    text = to_markdown(frame)
    assert "| clip | +0.35 | 0.70 | grows towards the input | 2.40, 2.80, 3.10 |" in text
    assert "Under penalty the gradient norm stays level" in text


def _invoke(*arguments: object):
    return CliRunner().invoke(app, ["gradnorm", *(str(a) for a in arguments)])


def test_the_command_writes_table_figures_and_findings(image_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "plot"
    result = _invoke(
        "--variant", "wgan", "--clip", 0.01, "--clip", 0.1, "--against", "wgan-gp", "--data", image_folder,
        "--preset", "smoke", "--set", "training.batch=8", "--steps", 6, "--skip", 2, "--seed", 0, "--seed", 1,
        "--out", out, "--json",
    )  # fmt: skip
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
    for name in ("gradnorm.png", "gradnorm-training.png"):
        assert np.asarray(Image.open(out / name).convert("L")).std() > 10  # something is drawn
    assert (out / "gradnorm.svg").read_text().startswith("<?xml")
    assert "| wgan-gp |" in (out / "findings.md").read_text()


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


def test_troubles_are_told_while_the_curve_is_measured() -> None:
    """A critic whose weights all sit at the bound: seen at the first look, and said once per layer."""
    recipe = load_recipe("wgan", "smoke", ["training.batch=8", "objective.clip=1e-4", "optimizer.lr=0.1"])
    pixels = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    told: list[str] = []
    steps_when_told = []
    images = TrainingImages(pixels, "", batch=8, seed=0)
    load = images.load
    images.load = lambda step: steps_when_told.append(len(told)) or load(step)
    frame = measure(of_recipe(recipe), images, 110, device=torch.device("cpu"), warn=told.append)
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
