"""The exported judge for Codabench, run as its documentation says that it is run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from export_fixtures import without_network
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GateFailed
from ganbench.features.extractor import Extractor
from ganbench.grade.alone import Judged
from ganbench.grade.config import load_class
from ganbench.grade.export_codabench import key_of, to_scores
from ganbench.grade.student import Graded, Student


class Codabench:
    """The worker of Codabench: program, input/ref, input/res and output under a folder in the place of /app."""

    def __init__(self, bundle: Path, root: Path) -> None:
        self.root = root
        unpacked = root / "bundle"
        zipfile.ZipFile(bundle).extractall(unpacked)
        self.competition = yaml.safe_load((unpacked / "competition.yaml").read_text("utf-8"))
        (task,) = self.competition["tasks"]
        for key, place in (("scoring_program", "program"), ("reference_data", "input/ref")):
            zipfile.ZipFile(unpacked / task[key]).extractall(root / place)

    def score(self, handed_in: Path) -> tuple[int, dict | None, str]:
        """Score what a participant's .zip holds; return exit code, scores.json (None: there is none) and the page."""
        for name in ("input/res", "output"):
            shutil.rmtree(self.root / name, ignore_errors=True)
            (self.root / name).mkdir(parents=True)
        zipfile.ZipFile(handed_in).extractall(self.root / "input" / "res")
        (self.root / "input" / "res" / "metadata").write_text("exitCode: 0\n", "utf-8")  # as the worker leaves it
        command = yaml.safe_load((self.root / "program" / "metadata.yaml").read_text("utf-8"))["command"]
        words = [
            sys.executable if word == "python3" else word.replace("/app", str(self.root)) for word in command.split()
        ]
        environment = without_network(self.root)
        environment["PYTHONPATH"] = environment["NO_NETWORK"]
        done = subprocess.run(
            words, cwd=self.root / "program", env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        scores, page = self.root / "output" / "scores.json", self.root / "output" / "detailed_results.html"
        return (
            done.returncode,
            json.loads(scores.read_text("utf-8")) if scores.is_file() else None,
            page.read_text("utf-8") if page.is_file() else done.stderr,
        )


def check_competition(competition: dict, files: Path) -> None:
    """Hold competition.yaml against what the documentation and the platform's unpacker ask for."""
    assert competition["version"] == 2
    assert {"title", "image", "terms", "pages", "tasks", "phases", "leaderboards"} <= set(competition)
    for name in (competition["image"], competition["terms"], *(page["file"] for page in competition["pages"])):
        assert (files / name).stat().st_size > 0
    indices = {task["index"] for task in competition["tasks"]}
    for phase in competition["phases"]:
        assert {"name", "start", "tasks"} <= set(phase)
        assert set(phase["tasks"]) <= indices
        assert phase["start"] < phase["end"] == "2098-12-31 16:00:00"  # in UTC
    for board in competition["leaderboards"]:
        assert {"title", "key", "columns"} <= set(board)
        assert len(board["title"]) <= 64
        assert [column["index"] for column in board["columns"]] == list(range(len(board["columns"])))
        assert len({column["key"] for column in board["columns"]}) == len(board["columns"])
        assert all(len(column[key]) <= 36 for column in board["columns"] for key in ("key", "title"))
        assert {column["sorting"] for column in board["columns"]} <= {"asc", "desc"}


@pytest.mark.slow
def test_codabench(lite0: Extractor, class_config: Path, class_tgz: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    answered = CliRunner().invoke(
        app,
        ["grade", "export", "codabench", "--config", str(class_config), "--image", "you/ganbench:1", "-o", str(bundle)],
    )
    assert answered.exit_code == 0, answered.output
    place = Codabench(bundle, tmp_path / "app")
    check_competition(place.competition, place.root / "bundle")
    assert place.competition["title"] == 'Faces: "B" & more'
    assert place.competition["docker_image"] == "you/ganbench:1"
    assert "COPY requirements.txt" in (place.root / "bundle" / "image" / "Dockerfile").read_text("utf-8")
    keys = [column["key"] for column in place.competition["leaderboards"][0]["columns"]]
    assert keys[:3] == ["flagged", "points", "fd_lite0"]

    inside = tmp_path / "upload.zip"
    with zipfile.ZipFile(inside, "w") as upload:  # the archive of the assignment, in the .zip that Codabench takes
        upload.write(class_tgz, class_tgz.name)
    code, scores, page = place.score(inside)
    assert code == 0, page
    assert scores is not None
    assert set(scores) <= set(keys)
    assert all(isinstance(value, int | float) and np.isfinite(value) for value in scores.values())
    assert scores["flagged"] == 0
    assert scores["points"] > 0
    assert page.lstrip().lower().startswith("<!doctype html")

    with zipfile.ZipFile(inside, "w") as upload:
        upload.writestr("hw6.tgz", b"not an archive")
    code, scores, page = place.score(inside)
    assert code == 1  # failed, and on no leaderboard
    assert scores is None
    assert page.lstrip().lower().startswith("<!doctype html")


def test_what_breaks_a_rule_or_was_not_measured_has_no_score(class_config: Path) -> None:
    graded = Graded(load_class(class_config), [], [], "plain", {}, {})
    with pytest.raises(GateFailed, match="not valid: 999 images"):
        to_scores(Judged(Student("s", "", "a", reasons=("999 images",)), graded), {"fd[lite0]": "lower"})
    with pytest.raises(GateFailed, match=r"fd\[lite0\] could not be measured"):
        to_scores(Judged(Student("s", "", "a", valid=True), graded), {"fd[lite0]": "lower"})


def test_keys_are_short_and_apart() -> None:
    assert key_of("fd[lite0]") == "fd_lite0"
    long = [key_of(f"precision[inception:pytorch-fid-and-a-long-name-{i}]") for i in range(3)]
    assert len(set(long)) == 3
    assert all(len(key) <= 36 for key in long)
