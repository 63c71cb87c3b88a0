"""Findings from series that were made to show one thing, and the ``gradnorm`` command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.diagnostics.findings import profile, to_markdown, troubles


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


def test_a_healthy_series_shows_no_trouble() -> None:
    assert troubles(_frame(_steady([1, 1.5, 2]), at_bound=0.1)) == []


def test_exploding() -> None:
    norms = _steady([1, 1, 1])
    norms[80:, 1] += np.log(200)
    (found,) = troubles(_frame(norms))
    assert (found.kind, found.layer, found.step) == ("exploding", "layer2", 80)
    norms[80:, 1] = np.inf
    assert troubles(_frame(norms))[0].step == 80


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
    medians = settled.groupby("layer")["log_norm"].median()
    assert printed["wgan-gp"]["log_norm"] == pytest.approx(medians.tolist())
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


def test_mistakes(image_folder: Path, tmp_path: Path) -> None:
    common = ("--data", image_folder, "--out", tmp_path)
    assert "nothing to probe" in str(_invoke(*common).exception)
    assert "leaves nothing" in str(_invoke("--variant", "wgan", "--steps", 10, "--skip", 10, *common).exception)
    assert "unknown key objective.clip" in str(_invoke("--variant", "dcgan", "--clip", 1, *common).exception)
    assert "Did you mean 'wgan'" in str(_invoke("--variant", "wgam", *common).exception)
