"""Curves of the runs: a panel per loss and per metric that was logged, with the instruments told apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from synthetic_runs import make_card, make_run

from ganbench.leaderboard.entries import Entry, collect
from ganbench.report.curves import running_mean, training_figure
from ganbench.system.style import COLOURS
from ganbench.training.run_folder import RunFolder

FD = "fd[lite0]"
SCORES = {"afd[yolo-nano]": 0.9, "kd[lite0]": 0.2, "swd[mine]": 5.0, "fid[inception]": 150.0, "duplicates[pixels]": 0.0}


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """Return two seeds of one variant and one run of another, scored twice while they trained."""
    card = make_card({FD: (10.0, 9.0, 11.0)})
    names = {"dcgan-0": ("dcgan", 0), "dcgan-1": ("dcgan", 1), "wgan-0": ("wgan", 0)}
    paths = [make_run(tmp_path / name, variant, seed, card) for name, (variant, seed) in names.items()]
    RunFolder(paths[0]).log({"step": 1000, **SCORES, "told_apart": 0.5, "penalty": 1.0})
    return collect(paths, lambda: None)


def test_panels_follow_what_was_logged(entries: list[Entry]) -> None:
    figure = training_figure(entries)
    assert figure is not None
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "discriminator_loss", "generator_loss", "fd ↓", "kd[lite0] ↓", "recall[lite0] ↑", "duplicates[pixels] ↓",
        "afd[yolo-nano] ↑", "swd[mine]",
    ]  # fmt: skip
    assert [axes.get_xlabel() for axes in figure.axes] == [""] * 6 + ["discriminator step"] * 2
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["dcgan-0", "dcgan-1", "wgan-0"]


def test_instruments_share_the_panel_of_their_metric(entries: list[Entry]) -> None:
    figure = training_figure(entries)
    assert figure is not None
    panel = next(axes for axes in figure.axes if axes.get_ylabel() == "fd ↓")
    assert [text.get_text() for text in panel.get_legend().get_texts()] == [FD, "fid[inception]"]
    drawn = [(line.get_label(), line.get_marker(), list(line.get_ydata())) for line in panel.lines]
    assert drawn == [
        ("dcgan-0", ".", [200, 150]),
        ("dcgan-0", "x", [150]),
        ("dcgan-1", ".", [200, 150]),
        ("wgan-0", ".", [200, 150]),
    ]
    assert next(axes for axes in figure.axes if "kd" in axes.get_ylabel()).get_legend() is None


def test_variants_differ_in_colour_and_seeds_in_dashes(entries: list[Entry]) -> None:
    figure = training_figure(entries)
    assert figure is not None
    lines = figure.axes[0].lines
    assert [to_hex(line.get_color()).upper() for line in lines] == [COLOURS[0], COLOURS[0], COLOURS[1]]
    assert [line.get_linestyle() for line in lines] == ["-", "--", "-"]
    log = [json.loads(text) for text in (entries[0].path / "metrics.jsonl").read_text().splitlines()]
    losses = np.array([line["discriminator_loss"] for line in log if "discriminator_loss" in line])
    assert np.allclose(lines[0].get_ydata(), running_mean(losses, 11))


def test_there_is_no_figure_without_runs(tmp_path: Path) -> None:
    assert training_figure([Entry("card", tmp_path / "card.json")]) is None


def test_running_mean_at_the_ends() -> None:
    assert running_mean(np.array([0.0, 3.0, 6.0, 3.0]), 3).tolist() == [1.5, 3.0, 4.0, 4.5]
