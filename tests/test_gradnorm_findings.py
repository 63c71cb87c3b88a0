"""Findings from series that were made to show one thing."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from ganbench.diagnostics.figures import depth_figure, training_figure
from ganbench.diagnostics.findings import profile, to_dict, to_markdown, troubles
from ganbench.diagnostics.too_small import too_small
from ganbench.training.recipe import load_recipe


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


def test_layers_that_go_against_the_trend_are_named() -> None:
    assert profile(_frame(_steady([3, 2, 1, 0]))).against == []
    assert profile(_frame(_steady([0, 1, 2, 3]))).against == []
    assert profile(_frame(_steady([4, 5, 2, 1, 2]))).against == [(5, 4), (2, 1)]
    text = to_markdown(_frame(_steady([4, 5, 2, 1, 2])))
    assert "strongest layer; not from layer 5 to 4 and from layer 2 to 1." in text
    norms = _steady([4, 3, 2, 3])
    norms[:, 2] = -np.inf  # layer 3 has no gradient: 4 and 2 are neighbours, and level
    norms[:, 3] -= 0.1
    assert profile(_frame(norms)).against == []


def test_networks_below_what_was_measured_get_no_verdict() -> None:
    for variant, preset, sets, trained, expected in (
        ("wgan", "probe", [], 200, None),
        ("wgan-gp", "probe", [], 200, None),
        ("dcgan", "probe", [], 200, None),
        ("stylegan2", "probe", [], 200, None),
        ("wgan", "probe", [], 99, "99 steps, where it shows from 100 on at this learning rate"),
        ("wgan", "cpu", [], 249, "249 steps, where it shows from 250 on at this learning rate"),
        ("wgan", "cpu", [], 250, None),
        ("wgan", "paper", [], 500, None),
        ("wgan", "probe", ["model.width=31"], 200, "width 31, where the shape shows from 32 on"),
        ("stylegan2", "smoke", [], 200, "width 4, where the shape shows from 16 on"),
        ("wgan", "smoke", [], 20, "width 4, .*; 20 steps, where it shows from 500 on .*"),
    ):
        why = too_small(load_recipe(variant, preset, sets), trained)
        assert (why is None) if expected is None else re.fullmatch(expected, why or ""), (variant, preset, why)


def test_a_curve_that_is_too_small_has_the_reason_in_place_of_a_verdict() -> None:
    frame = pd.concat([_frame(_steady([3.1, 2.8, 2.4]), curve="clip"), _frame(_steady([2, 2, 2]), curve="penalty")])
    small = {"clip": "width 4"}
    text = to_markdown(frame, small)
    assert "| clip | +0.35 | 0.70 | too small to tell | 2.40, 2.80, 3.10 |" in text
    assert "clip is too small to tell: width 4. Under penalty the gradient norm stays level" in text
    assert "grows" not in text
    plain = to_dict(frame, small)
    assert (plain["clip"]["verdict"], plain["clip"]["why"]) == ("too small to tell", "width 4")
    assert plain["clip"]["seeds"][0]["verdict"] == "too small to tell"
    assert plain["penalty"] == to_dict(frame)["penalty"]
    labels = [entry.get_text() for entry in depth_figure(frame, small).legends[0].get_texts()]
    assert labels[0] == "clip  (too small to tell)"
    assert re.fullmatch(r"penalty  \([+-]0\.00 per layer\)", labels[1])


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
    assert axes.get_legend() is None  # it lies outside, over no curve
    assert axes.get_title("left") == "median and 10–90 % over steps 0 to 119"
    late = _frame(_steady([2, 2, 2]), curve="run").assign(step=lambda f: f["step"] + 500)
    assert depth_figure(pd.concat([frame, late])).axes[0].get_title("left").endswith("over 120 steps of each")


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
