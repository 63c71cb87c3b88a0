"""A made class from end to end: everybody in the right column, nothing done twice, and the same folder after a kill."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.features.extractor import Extractor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
from class_work import BROKEN
from grade_kills import Trial, differences
from made_class import made_class, wrong


def run(place: Path, *more: str, out: str = "grades") -> str:
    words = ["grade", str(place / "submissions"), "--config", str(place / "class.toml"), "--out", str(place / out)]
    done = CliRunner().invoke(app, [*words, "--device", "cpu", "--quiet", *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def rows(place: Path) -> dict[str, dict[str, str]]:
    with (place / "grades" / "grades.csv").open(encoding="utf-8-sig", newline="") as f:
        return {row["id"]: row for row in csv.DictReader(f)}


def looks(place: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (place / "grades" / "state").iterdir()}


@pytest.mark.slow
def test_a_class_from_end_to_end(tmp_path: Path, lite0: Extractor) -> None:
    place = tmp_path / "class"
    people = made_class(place, people=13, count=10)
    said = run(place)
    assert "14 on the roster, 13 handed in" in said
    first = rows(place)
    assert list(first) == [person.id for person in people]
    found = wrong(place / "truth.csv", place / "grades" / "grades.csv")
    assert [line for line in found if "the flags" not in line] == []  # of 10 images nobody can tell
    # Nothing is done twice, and one late file costs one look.
    before = looks(place)
    run(place)
    assert looks(place) == before
    absent = people[-1]
    source = next(path for path in (place / "submissions").iterdir() if people[3].id in path.name)
    (place / "submissions" / f"late_{absent.id}.tgz").write_bytes(source.read_bytes())
    run(place)
    after = looks(place)
    assert len(after) == len(before) + 1
    assert {name: stamp for name, stamp in after.items() if name in before} == before
    again = rows(place)[absent.id]
    assert again["valid"] == "yes"
    assert again["late"].startswith("yes")
    assert "shared" in again["flags"]  # a copy of the file of somebody else
    assert again["points"] == ""
    # One is looked at again, and nobody else; then the rules change, and everybody is.
    run(place, "--only", absent.id)
    once_more = looks(place)
    assert len([name for name in after if once_more[name] != after[name]]) == 1
    (place / "class.toml").write_text((place / "class.toml").read_text("utf-8") + "bytes = 100\n", "utf-8")
    run(place)
    assert not set(looks(place)) & set(after)
    assert {row["valid"] for row in rows(place).values()} == {"no"}
    feedback = json.loads((place / "grades" / "students" / f"{people[3].id}.json").read_text("utf-8"))
    assert any("under 100 bytes" in reason for reason in feedback["reasons"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills are signals")
def test_a_killed_class_ends_in_the_same_folder(tmp_path: Path, lite0: Extractor, ganbench_home: Path) -> None:
    shutil.copytree(ganbench_home / "cache" / "onnx", tmp_path / "home" / "cache" / "onnx")
    trial = Trial(tmp_path, people=4, count=8)
    seconds = trial.whole()
    assert trial.run(0.7 * seconds) == [], trial.story


def test_two_folders_are_told_apart(tmp_path: Path) -> None:
    for name, text in (("a", "x"), ("b", "y")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(text, "utf-8")
    (tmp_path / "b" / "more").write_text("", "utf-8")
    assert differences(tmp_path / "a", tmp_path / "b") == ["f", "more"]
    assert len(BROKEN) == 10
