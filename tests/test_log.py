"""The log: silent until asked, on standard error, one line per record, in worker processes too."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from bench_processes import say_so
from PIL import Image
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.system.log import log_to_stderr, log_warnings, shown_level
from ganbench.system.workers import Workers


@pytest.fixture
def submission(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Return a folder of one image."""
    folder = tmp_path / "generated"
    folder.mkdir()
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / "1.jpg")
    return folder


@pytest.mark.parametrize(("switches", "levels"), [([], set()), (["-v"], {"INFO"}), (["-vv"], {"INFO", "DEBUG"})])
def test_the_switch_shows_the_log_on_standard_error(
    switches: list[str], levels: set[str], submission: Path, tmp_path: Path
) -> None:
    tiles = tmp_path / "tiles"
    done = CliRunner().invoke(app, [*switches, "data", "slice", str(submission / "1.jpg"), str(tiles), "--grid", "2x2"])
    assert done.exit_code == 0
    lines = done.stderr.splitlines()
    assert {line.split()[1] for line in lines} == levels
    assert any(f"{submission / '1.jpg'}: SheetSource of 4 images" in line for line in lines) == ("INFO" in levels)
    assert any(f"wrote {tiles}" in line for line in lines) == ("DEBUG" in levels)
    assert "ganbench.images" not in done.stdout
    assert shown_level() is None


def test_a_program_that_asks_for_nothing_sees_nothing(submission: Path) -> None:
    code = (
        f"import logging, ganbench as g; g.open_source({str(submission)!r}); logging.getLogger('ganbench').error('no')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


def test_a_program_sees_it_with_the_usual_call(submission: Path) -> None:
    code = f"import ganbench, logging; logging.basicConfig(level='INFO'); ganbench.open_source({str(submission)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "INFO:ganbench.images." in done.stderr


def test_control_characters_are_shown_and_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    with log_to_stderr(logging.INFO):
        logging.getLogger("ganbench.test").info("opened %s", "a\x1b[31m\nb é 顔")
        logging.getLogger("ganbench.test").debug("not this")
    logging.getLogger("ganbench.test").info("nor this")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r"INFO ganbench.test: opened a\x1b[31m\nb é 顔")


def test_workers_log_as_their_parent_does(capfd: pytest.CaptureFixture[str]) -> None:
    with log_to_stderr(logging.INFO), Workers(say_so, 1) as crew:
        assert list(crew.run([1])) == [(0, logging.INFO)]
    assert "INFO ganbench.test: task 1" in capfd.readouterr().err


def test_warnings_of_libraries_go_to_the_log_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log_warnings()
        warnings.warn("unseen", UserWarning, stacklevel=1)
        with log_to_stderr(logging.INFO):
            warnings.warn("a\x1b[31m tag", UserWarning, stacklevel=1)
    (line,) = capsys.readouterr().err.splitlines()
    assert " INFO ganbench: " in line
    assert line.endswith(r"UserWarning: a\x1b[31m tag")


def test_a_command_prints_no_warning_of_python(tmp_path: Path, rng: np.random.Generator) -> None:
    exif = Image.Exif()
    exif[305] = "x" * 40
    pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "1.jpg", exif=exif.tobytes()[:30])  # Pillow warns, and reads it
    words = [sys.executable, "-m", "ganbench", "-v", "data", "check", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    warned = [line for line in done.stderr.splitlines() if "UserWarning" in line]
    assert warned
    assert all(" INFO ganbench: " in line for line in warned)
