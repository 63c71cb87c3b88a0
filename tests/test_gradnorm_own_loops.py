"""Figures and tables of anybody's own loop: ``plot_gradnorm``, ``gradnorm --csv``, and what is wrong with a table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.diagnostics.records import joined, read_curves, read_records
from ganbench.errors import GanbenchError, UnknownName

OLD = ["step", "layer", "name", "norm", "log_norm", "weight_norm", "ratio", "at_bound", "input_gradient"]


def probed(layers: int, steps: int = 12) -> pd.DataFrame:
    """Return the records of a network of so many layers."""
    torch.manual_seed(layers)
    module = nn.Sequential(*(nn.Sequential(nn.Linear(6, 6), nn.ReLU()) for _ in range(layers - 1)), nn.Linear(6, 1))
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    with ganbench.GradNormProbe(module) as probe:
        for step in range(steps):
            optimizer.zero_grad()
            (module(torch.randn(8, 6)) - 1).square().mean().backward()
            probe.record(step)
            optimizer.step()
    return probe.to_frame()


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return {"D": probed(3), "G": probed(5)}


def test_a_figure_of_two_networks(frames: dict[str, pd.DataFrame]) -> None:
    figure = ganbench.plot_gradnorm(frames)
    assert isinstance(figure, Figure)
    (axes,) = figure.axes
    assert [len(line.get_ydata()) for line in axes.lines] == [3, 5]
    medians = frames["G"].groupby("layer")["log_norm"].median()
    np.testing.assert_allclose(axes.lines[1].get_ydata(), medians)
    assert axes.xaxis_inverted()
    assert figure.get_suptitle() == "Gradient norm of each layer"
    assert ganbench.plot_gradnorm({"D": frames["D"]}).get_suptitle() == "D: gradient norm of each layer"
    assert ganbench.plot_gradnorm(frames, title="Mine").get_suptitle() == "Mine"


@pytest.mark.parametrize("style", ["screen", "paper"])
@pytest.mark.parametrize("over", ["depth", "training", "layers"])
def test_a_legend_lies_over_no_panel(frames: dict[str, pd.DataFrame], over: str, style: str) -> None:
    figure = ganbench.plot_gradnorm(frames, over=over, style=style)
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] == pytest.approx(3.4 if style == "paper" else 6.4)
    whole = figure.bbox
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert whole.contains(box.x0, box.y0)
        assert whole.contains(box.x1, box.y1)
        assert not any(axes.get_tightbbox().overlaps(box) for axes in figure.axes)


def test_every_panel_has_a_colour_scale_of_its_own(frames: dict[str, pd.DataFrame]) -> None:
    figure = ganbench.plot_gradnorm(frames, over="training")
    meshes = [axes.collections[0] for axes in figure.axes[:2]]
    for mesh, frame in zip(meshes, frames.values(), strict=True):
        assert mesh.get_clim() == pytest.approx(tuple(np.quantile(frame["log_norm"], [0.05, 0.95])))
    assert len(figure.axes) == 4  # a bar beside each


def test_frames_of_other_makes(frames: dict[str, pd.DataFrame]) -> None:
    least = frames["D"][["step", "layer", "name", "norm"]]
    for over in ("depth", "training", "layers"):
        ganbench.plot_gradnorm({"D": least}, over=over)
    for frame, why in (
        (least.drop(columns="norm"), "it has no column norm"),
        (pd.concat([least, least]), "a layer twice at one step"),
        (least.assign(norm=-1.0), "a norm below 0"),
        (least.iloc[:0], "it has no rows"),
        (least.assign(layer=7), "its layers are not 1 to"),
    ):
        with pytest.raises(GanbenchError, match=f"the frame of D holds no gradient norms: {why}"):
            ganbench.plot_gradnorm({"D": frame})
    with pytest.raises(GanbenchError, match="no frames"):
        ganbench.plot_gradnorm({})
    with pytest.raises(UnknownName, match="Did you mean 'training'"):
        ganbench.plot_gradnorm(frames, over="trainin")


def test_tables_of_a_loop_are_drawn(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    frames["D"].to_csv(tmp_path / "d.csv", index=False)
    frames["G"].to_csv(tmp_path / "g.csv", index=False)
    out = tmp_path / "plot"
    arguments = ["gradnorm", "--csv", f"critic={tmp_path / 'd.csv'}", str(tmp_path / "g.csv"), "--out", str(out)]
    done = CliRunner().invoke(app, [*arguments, "--style", "paper"])
    assert done.exit_code == 0, done.output
    drawn = {f"gradnorm{what}.{ending}" for what in ("", "-training", "-layers") for ending in ("png", "svg", "pdf")}
    assert {path.name for path in out.iterdir()} == drawn | {"findings.md"}
    assert "| critic |" in done.stdout
    assert "| g |" in (out / "findings.md").read_text()
    printed = json.loads(CliRunner().invoke(app, [*arguments, "--json", "--skip", "3"]).stdout)
    medians = frames["D"].query("step >= 3").groupby("layer")["log_norm"].median()
    assert printed["critic"]["log_norm"] == pytest.approx(medians.tolist())


def test_one_file_may_hold_several_curves(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    joined(frames).to_csv(path, index=False)
    found = dict(read_curves(path))
    assert list(found) == ["D", "G"]
    pd.testing.assert_series_equal(found["G"]["norm"].reset_index(drop=True), frames["G"]["norm"])
    together = [frame.assign(curve="wgan", seed=seed) for seed, frame in enumerate((probed(3), probed(3)))]
    pd.concat(together).to_csv(path, index=False)
    ((name, curve),) = read_curves(path)
    assert (name, sorted(curve["seed"].unique())) == ("wgan", [0, 1])


def test_tables_of_earlier_versions_load(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    path = tmp_path / "gradnorm.csv"
    old = frames["D"][OLD].assign(seed=0, curve="dcgan", variant="dcgan")
    old.to_csv(path, index=False)
    frame = read_records(path)
    assert frame["norm"].tolist() == pytest.approx(old["norm"].tolist())
    assert frame["spectral_norm"].isna().all()
    ((name, curve),) = read_curves(path)
    assert name == "dcgan"
    assert curve["log_norm"].tolist() == pytest.approx(old["log_norm"].tolist())


def test_mistakes(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    table, other = tmp_path / "d.csv", tmp_path / "other.csv"
    frames["D"].to_csv(table, index=False)
    other.write_text("a,b\n1,2\n")
    for arguments, message in (
        (["--csv", tmp_path / "none.csv"], "No such file"),
        (["--csv", other], "it has no column step, layer, name, norm"),
        (["--csv", table, table], "two curves are called 'd'"),
        (["--csv", table, "--variant", "wgan"], "leave out what is for a training"),
        (["--csv", table, "--skip", 99], "--skip 99 leaves nothing of d"),
        (["--csv", table, "--style", "papper"], "Did you mean 'paper'"),
        ([table], "are given with --csv"),
    ):
        done = CliRunner().invoke(app, ["gradnorm", *map(str, arguments), "--out", str(tmp_path / "out")])
        assert message in str(done.exception), arguments
        assert isinstance(done.exception, GanbenchError)
