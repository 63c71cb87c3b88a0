"""The command line: help, exit codes, one line per mistake, output for machines."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click
import pytest
import typer
from typer.testing import CliRunner

from ganbench import __version__
from ganbench.cli.app import app

SUBCOMMANDS = (
    ["score"],
    ["detect"],
    *(["reference", name] for name in ("build", "list", "show", "verify", "export")),
    *(["data", name] for name in ("check", "pack", "slice", "toyfaces")),
    *(["assets", name] for name in ("list", "fetch", "add", "verify")),
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ganbench", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", SUBCOMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"ganbench {' '.join(command)}" in result.output


def test_what_may_be_left_out_stands_in_one_pair_of_brackets() -> None:
    result = CliRunner().invoke(app, ["bench", "--help"])
    assert "[OPTIONS] [GRID.toml]" in result.output
    assert "[[" not in result.output


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys; sys.argv = ['ganbench', '--help']\nfrom ganbench.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'cv2', 'onnxruntime', 'scipy', 'pandas', 'matplotlib', 'PIL', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.strip() == f"ganbench {__version__}"


@pytest.mark.slow
def test_mistakes_end_in_one_line_and_exit_2(tmp_path: Path) -> None:
    done = run("score", str(tmp_path / "absent"))
    assert done.returncode == 2
    assert done.stderr.strip() == f"ganbench: {tmp_path / 'absent'}: no such file or folder"
    assert done.stdout == ""


@pytest.mark.slow
def test_failed_gates_exit_1(tmp_path: Path, image_folder: Path) -> None:
    done = run("data", "check", str(image_folder))
    assert done.returncode == 1
    assert "FAIL 1,000 images: 12 images" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_score_writes_every_export(image_folder: Path, tmp_path: Path) -> None:
    exports = {name: tmp_path / f"card.{name}" for name in ("json", "csv", "markdown")}
    options = [text for name, path in exports.items() for text in (f"--{name}", str(path))]
    done = run("score", str(image_folder), *options, "--per-image", str(tmp_path / "images.csv"), "--quiet")
    assert done.returncode == 0, done.stderr
    assert "fd[lite0]" in done.stdout
    results = json.loads(exports["json"].read_text())["results"]
    with exports["csv"].open() as f:
        rows = list(csv.DictReader(f))
    assert [r["id"] for r in rows] == [*(r["id"] for r in results), "tier"]
    assert float(rows[0]["value"]) == results[0]["value"]
    assert results[-1]["id"] == "afd[yolo-nano]"
    assert results[-1]["value"] == 0  # smooth colours are no faces
    assert "real faces reach" in results[-1]["protocol"]
    assert exports["markdown"].read_text().count("\n| ") == len(results) + 1
    lines = (tmp_path / "images.csv").read_text().splitlines()
    looked_up = "nearest_reference[lite0],realism[lite0],copy_of[lite0],alike[lite0],blend_of[lite0],explained[lite0]"
    assert lines[0] == f"name,duplicate_of,{looked_up},faces[yolo-nano],score[yolo-nano]"
    assert len(lines) == 13


@pytest.mark.slow
def test_json_on_standard_output_is_all_there_is(image_folder: Path) -> None:
    done = run("score", str(image_folder), "--json", "-", "--metric", "fd", "--detector", "none")
    assert [r["id"] for r in json.loads(done.stdout)["results"]] == ["fd[lite0]"]


@pytest.mark.slow
def test_bad_grid_is_explained(tmp_path: Path) -> None:
    done = run("score", str(tmp_path), "--grid", "10by10")
    assert done.returncode == 2
    assert "expected ROWSxCOLUMNS such as 10x10, or guess" in done.stderr


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(cast(click.Group, command), (*path, name))
        else:
            yield (*path, name), command


def test_limit_means_the_first_images_in_every_command_that_takes_any() -> None:
    takes_one = set()
    for path, command in _commands(cast(click.Group, typer.main.get_command(app))):
        options = {option: p for p in command.params for option in p.opts if p.param_type_name == "option"}
        if "--limit" in options:
            takes_one.add(" ".join(path))
            limit = options["--limit"]
            assert (limit.metavar, limit.help) == ("N", "Use the first N images only.")
    assert takes_one == {
        "score", "reference build", "data pack", "detect", "afd calibrate", "train", "bench", "bench collect",
        "leaderboard", "gradnorm", "overlap", "audit", "compare", "explain",
    }  # fmt: skip
