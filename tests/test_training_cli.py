"""``train``, ``sample`` and ``recipes`` from the command line, and generators from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from assignment import AssignmentGenerator
from PIL import Image
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.images.submission import check_submission
from ganbench.models.dcgan import Generator
from ganbench.models.imported import load_generator_file
from ganbench.system.progress import _Lines
from ganbench.training.data import to_pixels
from ganbench.training.sampling import load_generator, sample


def _invoke(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def run(image_folder: Path, tmp_path: Path) -> Path:
    """Return a finished run of two steps."""
    result = _invoke(
        "train", "--variant", "dcgan", "--data", image_folder, "--run", tmp_path / "run", "--preset", "smoke",
        "--steps", 2, "--set", "training.batch=8", "--sheet-every", 2,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return tmp_path / "run"


@pytest.mark.slow
def test_train_fills_the_run_folder(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names == {"recipe.toml", "environment.json", "metrics.jsonl", "vitals.jsonl", "checkpoint.pt", "samples"}
    environment = json.loads((run / "environment.json").read_text())
    assert environment["images"]["count"] == 12
    sheet = open_source(run / "samples" / "0000002.png", grid=(8, 8), pad=2)
    expected = np.concatenate(list(sample(load_generator(run), 64, seed=0)))
    assert np.array_equal(np.stack([sheet.load(i) for i in range(64)]), expected)


@pytest.mark.slow
def test_resume_takes_more_steps(run: Path, image_folder: Path) -> None:
    again = [
        "train", "--variant", "dcgan", "--data", image_folder, "--run", run, "--preset", "smoke",
        "--set", "training.batch=8", "--steps", 4,
    ]  # fmt: skip
    refused = _invoke(*again)
    assert refused.exit_code == 1
    assert "--resume" in str(refused.exception)
    assert _invoke(*again, "--resume").exit_code == 0
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]


@pytest.mark.slow
def test_sample_writes_a_valid_submission_and_the_same_folder(run: Path, tmp_path: Path) -> None:
    assert _invoke("sample", run, "--out", tmp_path / "s.tgz").exit_code == 0
    assert all(check.ok for check in check_submission(tmp_path / "s.tgz"))
    assert _invoke("sample", run, "--count", 60, "--out", tmp_path / "folder").exit_code == 0
    names = sorted(int(path.stem) for path in (tmp_path / "folder").iterdir())
    assert names == list(range(1, 61))
    expected = np.concatenate(list(sample(load_generator(run), 60, seed=0)))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "folder" / "60.png")), expected[59])
    refused = _invoke("sample", run, "--count", 60, "--out", tmp_path / "folder")
    assert "not empty" in str(refused.exception)
    assert "not 60" in str(_invoke("sample", run, "--count", 60, "--out", tmp_path / "t.tgz").exception)
    assert "not a training run" in str(_invoke("sample", tmp_path / "folder", "--out", tmp_path / "x").exception)
    assert "no such run" in str(_invoke("sample", tmp_path / "nowhere", "--out", tmp_path / "x").exception)


@pytest.mark.slow
def test_samples_depend_on_the_seed_alone(run: Path) -> None:
    generator = load_generator(run)
    first = np.concatenate(list(sample(generator, 70, seed=3)))
    torch.randn(5)
    assert np.array_equal(np.concatenate(list(sample(generator, 120, seed=3)))[:70], first)
    assert not np.array_equal(np.concatenate(list(sample(generator, 70, seed=4))), first)


@pytest.mark.slow
@pytest.mark.parametrize("wrap", ["plain", "module", "nested"])
def test_the_assignments_generator_is_imported(wrap: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = AssignmentGenerator(100, 8)
    theirs(torch.randn(32, 100))  # moves the running statistics
    state = theirs.state_dict()
    if wrap == "module":
        state = {f"module.{name}": value for name, value in state.items()}
    torch.save({"generator": state, "epoch": 3} if wrap == "nested" else state, tmp_path / "G.pth")
    ours = load_generator_file(tmp_path / "G.pth").eval()
    z = torch.randn(6, 100)
    torch.testing.assert_close(ours(z), theirs.eval()(z), rtol=1e-5, atol=1e-6)
    (pixels,) = sample(ours, 4, seed=0)
    stream = torch.Generator().manual_seed(0)
    assert np.array_equal(pixels, to_pixels(theirs(torch.randn(50, 100, generator=stream)))[:4])


def test_other_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "G.pth"
    small = Generator(64, 10, 4).state_dict()
    swapped = dict(small)
    swapped["upsample.0.1.weight"] = torch.zeros(5)
    for content, message in (
        ({"GAN": {"G.initial_block": torch.zeros(1)}, "version": "1.9.0"}, "stylegan2_pytorch .*data slice"),
        ({"a.weight": torch.zeros(3)}, "not the assignment.s DCGAN generator: expected a linear layer .* found none"),
        ([1, 2], "not a state dict"),
        ({"gen": small, "disc": {}}, r"not a state dict .*holds 'gen', 'disc'. Save the generator's weights alone"),
        (torch.nn.Linear(2, 2), "running code from a file"),
        (swapped, "is where upsample.0.1.weight"),
        (small | {"extra": torch.zeros(1)}, "tensors, .* expected"),
    ):
        torch.save(content, path)
        with pytest.raises(GanbenchError, match=message):
            load_generator_file(path)
    for data, message in (
        (b"not a file of torch's", "does not begin like one"),
        (b"", "does not begin like one"),
        (b"\x02\0\0\0\0\0\0\0{}", "a safetensors file, which is not read. Save the weights with torch.save"),
    ):
        path.write_bytes(data)
        with pytest.raises(GanbenchError, match=f"not a readable PyTorch file: .*{message}"):
            load_generator_file(path)
    with pytest.raises(GanbenchError, match="no such file"):
        load_generator_file(tmp_path / "nowhere.pth")


def test_recipes_commands() -> None:
    listed = json.loads(_invoke("recipes", "list", "--json").stdout)
    assert [r["variant"] for r in listed][:2] == ["dcgan", "dcgan-clipnorm"]
    shown = json.loads(_invoke("recipes", "show", "wgan", "--set", "objective.clip=0.1", "--json").stdout)
    assert shown["objective.clip"] == 0.1
    assert 'name = "wgan' not in _invoke("recipes", "show", "wgan").stdout
    rows = json.loads(_invoke("recipes", "diff", "dcgan", "wgan", "--json").stdout)
    assert {"objective.clip", "optimizer.name"} < {row["what"] for row in rows}
    assert "do not differ" in _invoke("recipes", "diff", "wgan", "wgan").stdout
    assert "objective.penalty_norm" in _invoke("recipes", "diff", "wgan-gp", "wgan-gp-report").stdout


@pytest.mark.slow
@pytest.mark.parametrize("log_every", [1, 100])
def test_training_without_a_terminal_says_where_it_stands(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_every: int
) -> None:
    monkeypatch.setattr("ganbench.system.progress._lines", _Lines())  # other tests may have said something just now
    monkeypatch.setattr("ganbench.system.progress.FIRST_SECONDS", 0.0)
    monkeypatch.setattr("ganbench.system.progress.EVERY_SECONDS", 0.0)
    monkeypatch.setattr("ganbench.training.loop.EVERY_SECONDS", 0.0)  # also where the log has no line for long
    result = _invoke(
        "train", "--variant", "dcgan", "--data", image_folder, "--run", tmp_path / "run", "--preset", "smoke",
        "--steps", 5, "--set", "training.batch=8", "--sheet-every", 0, "--log-every", log_every,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    said = [line for line in result.stderr.splitlines() if line.startswith("dcgan: ")]
    assert len(said) == 5
    assert re.fullmatch(r"dcgan: 2 of 5 steps, D \S+  G \S+  \d+ images/s, about \d+ s left", said[1])
    logged = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len([line for line in logged if "images_per_second" in line]) == (5 if log_every == 1 else 1)
    quiet = _invoke("sample", tmp_path / "run", "--count", 20, "--out", tmp_path / "samples", "--quiet")
    assert quiet.stderr == ""
