"""The command ``bench``: what is left to do, its tables and its report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from bench_contents import CELLS
from bench_processes import SETTINGS
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import UnknownName


def _invoke(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.slow
def test_a_dry_run_says_what_is_left(whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text(
        'variants = ["dcgan", "wgan-gp"]\npreset = "smoke"\nsamples = 30\ngradnorm_steps = 9\nsave_every = 2\n'
        '[overrides]\n"" = ["model.size=32", "training.batch=8", "training.steps=12"]\n'
    )
    options = (
        "--data",
        bench_faces[0],
        "--reference",
        bench_faces[1],
        "--detector",
        "none",
        "--device",
        "cpu",
        "--dry-run",
        "--quiet",
    )
    result = _invoke("bench", grid, "--seeds", 2, "--gradnorm-steps", 4, "--out", whole_bench, *options)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert [line[:3] for line in lines[:4]] == [
        ["dcgan-seed0", "done", "0"], ["dcgan-seed1", "new", "16"],
        ["wgan-gp-seed0", "done", "0"], ["wgan-gp-seed1", "new", "16"],
    ]  # fmt: skip
    assert float(lines[0][4]) == 0
    assert "4 cells, about" in result.output
    listed = json.loads(
        _invoke(
            "bench", grid, "--seeds", 2, "--gradnorm-steps", 4, "--out", whole_bench, *options, "--json", "-"
        ).stdout
    )
    assert [(cell["name"], cell["steps"]) for cell in listed["cells"][:2]] == [("dcgan-seed0", 0), ("dcgan-seed1", 16)]
    refused = _invoke("bench", grid, "--set", "model.width=8", "--out", whole_bench, *options)
    assert "model.width was 4, now 8" in str(refused.exception)
    assert isinstance(_invoke("bench", "--variants", "wgam", "--out", tmp_path, *options).exception, UnknownName)


@pytest.mark.slow
def test_the_command_writes_tables_and_a_report(
    whole_bench: Path, warm: list[str], bench_faces: tuple[Path, Path], tmp_path: Path, ganbench_home: Path
) -> None:
    """Run the command in a process of its own; most of it is done already."""
    out = tmp_path / "bench"
    shutil.copytree(whole_bench, out)
    (out / CELLS[0] / "gradnorm.csv").unlink()
    small = [text for pair in (("--set", text) for text in SETTINGS["overrides"][""]) for text in pair]
    command = [
        *warm, "bench", "--variants", "dcgan,wgan-gp,wgan", "--preset", "smoke", *small,
        "--set", "training.seed=7", "--samples", "30", "--gradnorm-steps", "4", "--save-every", "2",
        "--data", bench_faces[0], "--reference", bench_faces[1], "--detector", "none", "--device", "cpu", "--out", out,
    ]  # fmt: skip
    environment = os.environ | {"GANBENCH_HOME": str(ganbench_home), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in out.iterdir() if path.is_file()}
    assert written == {
        "bench.json",
        "leaderboard.csv",
        "leaderboard.md",
        "leaderboard.json",
        "leaderboard.tex",
        "report.html",
    }
    table = pd.read_csv(out / "leaderboard.csv")
    assert set(table["name"]) == {*CELLS, "wgan-seed0"}
    assert (table["minutes"] > 0).all()
    assert table["error"].isna().all()
    texts = [(out / name).read_text() for name in written if name not in ("bench.json", "leaderboard.csv")]
    assert not any("published by a course report" in text for text in texts)
    shown = _invoke(
        *command[len(warm) :], "--published", "--json", tmp_path / "result.json"
    )  # all of it is done: no more processes
    assert "published elsewhere" in shown.stdout
    texts = [(out / name).read_text() for name in written if name not in ("bench.json", "leaderboard.csv")]
    assert all("published by a course report" in text for text in texts)
    result = json.loads((tmp_path / "result.json").read_text())
    assert [(cell["name"], cell["state"]) for cell in result["cells"]] == [(n, "done") for n in (*CELLS, "wgan-seed0")]
    assert result["leaderboard"] == json.loads((out / "leaderboard.json").read_text())
    assert "3 of 3 cells done" in done.stderr
    assert "wgan-seed0" in (out / "report.html").read_text()
