"""Every command that scores takes the same options, and passes every one of them on."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ganbench.cli import scoring
from ganbench.cli.app import app
from ganbench.cli.bench import bench
from ganbench.cli.leaderboard import leaderboard
from ganbench.cli.score import score
from ganbench.cli.train import train
from ganbench.toyfaces import toyfaces

OPTIONS = list(inspect.signature(scoring._flags).parameters)
TINY = """
import torch


class Means(torch.nn.Module):
    name, input_size = "means", 8

    def forward(self, x):
        return torch.nn.functional.avg_pool2d(x, 4).flatten(1) / 255
"""


@pytest.mark.parametrize("command", [score, leaderboard, bench, train])
def test_every_command_that_scores_takes_them_all(command: object) -> None:
    taken = set(inspect.signature(command).parameters)
    renamed = {"precision": "score_precision", "seed": "score_seed"} if command is train else {}
    assert {renamed.get(name, name) for name in OPTIONS} <= taken
    assert "scoring" not in taken


def test_the_options_reach_the_choices() -> None:
    given = {
        "features": ["lite0", "x:y"],
        "metric": ["fd"],
        "reference": ["a.npz", "b.npz"],
        "detector": "none",
        "conf": 0.4,
        "iou": 0.6,
        "imgsz": 96,
        "layout": "yolov8:1",
        "detector_set": ["least=0.2"],
        "weights": Path("w.pth"),
        "precision": "bf16",
        "device": "cpu",
        "resize": "64",
        "recursive": True,
        "limit": 7,
        "skip_bad": 3,
        "seed": 5,
    }
    assert list(given) == OPTIONS
    chosen = scoring._flags(**given)
    assert chosen.features == ("lite0", "x:y")
    assert chosen.metrics == ("fd",)
    assert chosen.references == ("a.npz", "b.npz")
    assert chosen.detector is None
    assert chosen.detector_settings == {"conf": 0.4, "iou": 0.6, "imgsz": 96, "layout": "yolov8:1", "least": "0.2"}
    for name in ("weights", "precision", "device", "resize", "recursive", "limit", "skip_bad", "seed"):
        assert getattr(chosen, name) == given[name], name


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two submissions, one of noise, and an extractor of the user's own with its reference."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.py").write_text(TINY)
    monkeypatch.delitem(sys.modules, "tiny", raising=False)  # of another folder
    faces = np.stack([image for _, image in toyfaces(60, seed=3)])
    np.save("real.npy", np.stack([image for _, image in toyfaces(60, seed=4)]))
    np.save("faces.npy", faces)
    np.save("noise.npy", np.random.default_rng(0).integers(0, 256, faces.shape, dtype=np.uint8))
    built = run("reference", "build", "real.npy", "--features", "tiny:Means", "-o", "tiny.npz")
    assert "60 images" in built
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_a_leaderboard_by_another_extractor_is_one_command(here: Path) -> None:
    choices = ["--features", "tiny:Means", "--reference", "tiny.npz", "--metric", "kd", "--metric", "fd"]
    board = json.loads(run("leaderboard", "noise.npy", "faces.npy", *choices, "--sort", "kd[means]", "--json", "-"))
    (only,) = board["boards"]
    assert [entry["name"] for entry in only["entries"]] == ["faces.npy", "noise.npy"]
    rows = only["entries"][0]["scorecard"]["results"]
    assert [row["id"] for row in rows] == ["kd[means]", "fd[means]"]
    alone = json.loads(run("score", "faces.npy", *choices, "--json", "-"))
    assert alone["results"] == rows


@pytest.mark.slow
def test_a_bench_by_another_extractor_is_one_command(here: Path) -> None:
    run(
        "bench", "--variants", "dcgan", "--preset", "smoke", "--data", "real.npy", "--out", "out", "--set",
        "training.steps=4", "--gradnorm-steps", "0", "--samples", "20", "--score-every", "2",
        "--features", "tiny:Means", "--reference", "tiny.npz", "--metric", "fd", "--quiet",
    )  # fmt: skip
    (entry,) = json.loads(Path("out/leaderboard.json").read_text())["boards"][0]["entries"]
    assert [row["id"] for row in entry["scorecard"]["results"]] == ["fd[means]"]
    logged = [json.loads(line) for line in Path("out/dcgan-seed0/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in logged if "fd[means]" in line] == [2, 4]


@pytest.mark.slow
def test_train_scores_by_the_same_options(here: Path) -> None:
    run(
        "train", "--variant", "dcgan", "--preset", "smoke", "--data", "real.npy", "--run", "run", "--steps", "2",
        "--score-every", "2", "--metric", "duplicates", "--quiet",
    )  # fmt: skip
    logged = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert [line["duplicates[pixels]"] for line in logged if "duplicates[pixels]" in line]
    assert not any("fd[lite0]" in line for line in logged)
