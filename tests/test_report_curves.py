"""Curves of the runs: a panel per loss and per metric that was logged, with the instruments told apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image
from synthetic_runs import make_card, make_run
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.leaderboard.entries import Entry, collect
from ganbench.report.curves import running_mean, training_figure
from ganbench.system.style import COLOURS, STYLES
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
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "discriminator loss (BCE)", "discriminator loss (Wasserstein)", "generator loss (BCE)",
        "generator loss (Wasserstein)", "fd ↓", "kd[lite0] ↓", "recall[lite0] ↑", "duplicates[pixels] ↓",
        "afd[yolo-nano] ↑", "swd[mine]",
    ]  # fmt: skip
    assert [axes.get_xlabel() for axes in figure.axes] == [""] * 8 + ["discriminator step"] * 2
    assert figure.get_suptitle() == "Losses and scores of 3 runs over training"
    assert [len(axes.lines) for axes in figure.axes[:4]] == [2, 1, 2, 1]  # no axis for losses of two kinds
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["dcgan-0", "dcgan-1", "wgan-0"]


def test_a_loss_that_would_be_a_flat_line_has_axes_of_its_own(tmp_path: Path) -> None:
    card = make_card({FD: (10.0, 9.0, 11.0)})
    for times, expected in (
        (10, ["BCE", "Wasserstein"]),
        (100, ["BCE", "Wasserstein: wasserstein-clip", "Wasserstein: wasserstein-gp"]),
    ):
        paths = [make_run(tmp_path / f"{times}-{v}", v, 0, card) for v in ("dcgan", "wgan", "wgan-gp")]
        log = paths[1] / "metrics.jsonl"
        lines = [json.loads(text) for text in log.read_text().splitlines()]
        for line in lines:
            line |= {key: line[key] * times for key in line if key.endswith("_loss")}
        log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        figure = training_figure(collect(paths, lambda: None))
        assert figure is not None
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        for which in ("discriminator", "generator"):
            assert [title for title in titles if title.startswith(which)] == [f"{which} loss ({k})" for k in expected]


def test_shares_begin_at_zero(entries: list[Entry]) -> None:
    figure = training_figure(entries)
    assert figure is not None
    bottoms = {axes.get_title(loc="left"): axes.get_ylim()[0] for axes in figure.axes}
    assert bottoms["duplicates[pixels] ↓"] == 0
    assert bottoms["afd[yolo-nano] ↑"] >= 0


def test_instruments_share_the_panel_of_their_metric(entries: list[Entry]) -> None:
    figure = training_figure(entries)
    assert figure is not None
    panel = next(axes for axes in figure.axes if axes.get_title(loc="left") == "fd ↓")
    assert [text.get_text() for text in panel.get_legend().get_texts()] == [FD, "fid[inception]"]
    drawn = [
        (to_hex(line.get_color()).upper(), line.get_linestyle(), line.get_marker(), list(line.get_ydata()))
        for line in panel.lines
    ]
    assert drawn == [
        (COLOURS[0], "-", ".", [200, 150]),
        (COLOURS[0], "-", "x", [150]),
        (COLOURS[0], "--", ".", [200, 150]),
        (COLOURS[1], "-", ".", [200, 150]),
    ]
    assert next(axes for axes in figure.axes if "kd" in axes.get_title(loc="left")).get_legend() is None


def test_variants_differ_in_colour_and_seeds_in_dashes(entries: list[Entry]) -> None:
    figure = training_figure(entries)
    assert figure is not None
    lines = [*figure.axes[0].lines, *figure.axes[1].lines]
    assert [to_hex(line.get_color()).upper() for line in lines] == [COLOURS[0], COLOURS[0], COLOURS[1]]
    assert [line.get_linestyle() for line in lines] == ["-", "--", "-"]
    log = [json.loads(text) for text in (entries[0].path / "metrics.jsonl").read_text().splitlines()]
    losses = np.array([line["discriminator_loss"] for line in log if "discriminator_loss" in line])
    assert np.allclose(lines[0].get_ydata(), running_mean(losses, 11))


@pytest.mark.parametrize("style", STYLES)
def test_no_legend_lies_over_a_curve(style: str, entries: list[Entry]) -> None:
    figure = training_figure(entries, style)
    assert figure is not None
    figure.draw_without_rendering()
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend() is not None)]
    titles = [text for axes in figure.axes for text in (axes.title, axes._left_title) if text.get_text()]
    assert len(legends) == 2
    for legend in legends:
        place = legend.get_window_extent()
        assert not any(place.overlaps(axes.patch.get_window_extent().padded(-1)) for axes in figure.axes)
        assert not any(place.overlaps(title.get_window_extent()) for title in titles)
        assert figure.bbox.padded(1).contains(place.x0, place.y0)
        assert figure.bbox.padded(1).contains(place.x1, place.y1)


def test_of_many_runs_the_legend_names_groups_and_seeds(tmp_path: Path) -> None:
    card = make_card({FD: (10.0, 9.0, 11.0)})
    paths = [
        make_run(tmp_path / f"{v}-{s}", v, s, card) for v in ("dcgan", "wgan", "wgan-gp", "stylegan2") for s in range(4)
    ]
    figure = training_figure(collect(paths, lambda: None))
    assert figure is not None
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["dcgan", "wgan", "wgan-gp", "stylegan2", *(f"seed {s}" for s in range(4))]
    assert [axes.get_title(loc="left") for axes in figure.axes][:3] == [
        f"discriminator loss ({kind})" for kind in ("BCE", "Wasserstein", "StyleGAN2")
    ]


def test_the_command_draws_the_curves(entries: list[Entry], tmp_path: Path) -> None:
    runs = [str(entry.path) for entry in entries]
    sizes = []
    for style in STYLES:
        out = tmp_path / f"{style}.png"
        done = CliRunner().invoke(app, ["leaderboard", *runs, "--curves", str(out), "--style", style])
        assert done.exit_code == 0, done.output
        assert out.name in done.output
        with Image.open(out) as picture:
            sizes.append(picture.width)
    assert sizes == [10 * 150, 7 * 300]
    for arguments, message in (
        (["--curves", str(tmp_path / "a.gif")], "figures are written as .png, .svg, .pdf"),
        (["--curves", str(tmp_path / "a.png"), "--style", "printed"], "unknown style 'printed'"),
    ):
        done = CliRunner().invoke(app, ["leaderboard", *runs, *arguments])
        assert message in str(done.exception)


def test_there_is_no_figure_without_runs(tmp_path: Path) -> None:
    assert training_figure([Entry("card", tmp_path / "card.json")]) is None


def test_running_mean_at_the_ends() -> None:
    assert running_mean(np.array([0.0, 3.0, 6.0, 3.0]), 3).tolist() == [1.5, 3.0, 4.0, 4.5]
