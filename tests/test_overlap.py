"""What sources share: the results, the whole of it on images, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from overlap_pictures import blobs_of_colour, recompressed, write_folder
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.metrics.same import SURE, same_picture
from ganbench.overlap.finding import compare, labels_of
from ganbench.overlap.result import Compared, Overlap, Pair

# --- results ---


def _pair(shared: int, n_a: int = 100, n_b: int = 200) -> Pair:
    return Pair("a", "b", shared, 0, n_a, n_b, ())


def test_a_gate_is_a_number_of_images_or_a_share() -> None:
    found = Overlap((Compared("a", 100), Compared("b", 200)), (_pair(20),), (), "")
    assert found.pairs[0].share == 0.2  # of the smaller source
    low, high = found.pairs[0].interval
    assert 0.12 < low < 0.2 < high < 0.3
    assert [bool(found.over(most)) for most in (0, 19, 20, 0.19, 0.2, 0.9)] == [True, True, False, True, False, False]
    assert found.images == 300


def test_sources_are_called_by_as_much_of_their_paths_as_it_takes() -> None:
    array = np.zeros((2, 4, 4, 3), np.uint8)
    given = ["x/a.tgz", "y/a.tgz", "y/b.tgz", array, array, "https://me:secret@host/c.tgz?token=1"]
    called = labels_of(given)
    assert called[:5] == ["x/a.tgz", "y/a.tgz", "b.tgz", "images", "images (2)"]
    assert called[5] == "c.tgz"
    assert len(set(labels_of(["s://h/a?token=1", "s://h/a?token=2"]))) == 2


# --- on images ---


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a folder with three submissions: b took 3 of a's images as they are, and 4 mirrored and compressed."""
    a, b, c = blobs_of_colour(1), blobs_of_colour(2), blobs_of_colour(3)
    b[:3] = a[5:8]
    b[3:7] = [recompressed(image[:, ::-1]) for image in a[8:12]]
    b[7] = b[0]  # one of them twice, and a holds it once
    write_folder(tmp_path / "a", a)
    write_folder(tmp_path / "b", b)
    np.save(tmp_path / "c.npy", c)
    return tmp_path


@pytest.mark.slow
def test_what_submissions_share_is_found_and_named(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [course / "a", course / "b", course / "c.npy", course / "d.tgz"]
    found = ganbench.overlap.find(*given)
    (pair,) = found.pairs
    assert (pair.a, pair.b, pair.shared, pair.equal, pair.n_a, pair.n_b) == ("a", "b", 7, 3, 16, 16)
    named = [(one.a, one.b, one.equal) for one in pair.images]
    assert named[:3] == [("6.png", "1.png", True), ("7.png", "2.png", True), ("8.png", "3.png", True)]
    assert sorted(named[3:], key=lambda one: one[1]) == [(f"{9 + i}.png", f"{4 + i}.png", False) for i in range(4)]
    assert all(one.alike >= SURE for one in pair.images)
    assert [one.label for one in found.sources] == ["a", "b", "c.npy"]
    ((label, reason),) = found.failed
    assert label == "d.tgz"
    assert "no such file" in reason
    assert "lite0" in found.protocol

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("everything is in the cache")

    monkeypatch.setattr("ganbench.overlap.looked.load_extractor", refuse)
    monkeypatch.setattr("ganbench.overlap.looked._loaded", {})
    monkeypatch.setattr("ganbench.overlap.looked.collect_all", refuse)
    assert ganbench.overlap.find(*given) == found
    assert ganbench.overlap.find(*given, jobs=2) == found

    given, labels, contents = given[:3], ["a", "b", "c.npy"], ["1", "2", "3"]
    opened = compare(given, labels, open_source, contents=contents)
    assert opened.pairs == found.pairs
    assert compare(given, labels, refuse, contents=contents) == opened


@pytest.mark.slow
def test_only_pairs_that_are_new_are_laid_over_each_other(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid: list[int] = []

    def counted(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        laid.append(len(a))
        return same_picture(a, b)

    monkeypatch.setattr("ganbench.overlap.sharing.same_picture", counted)
    first = ganbench.overlap.find(course / "a", course / "b")
    assert sum(laid) > 0
    laid.clear()
    assert ganbench.overlap.find(course / "a", course / "b") == first
    assert sum(laid) == 0
    late = ganbench.overlap.find(course / "a", course / "b", course / "c.npy")
    whole = sum(laid)
    laid.clear()
    assert ganbench.overlap.find(course / "a", course / "b", course / "c.npy", cache=False) == late
    assert 0 < whole < sum(laid)


@pytest.mark.slow
def test_pieces_of_a_source_are_put_together(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ganbench.overlap.find(course / "a", course / "b", cache=False)
    monkeypatch.setattr("ganbench.overlap.looking.PIECE", 5)
    assert ganbench.overlap.find(course / "a", course / "b", cache=False) == whole


@pytest.mark.slow
def test_one_bad_image_is_left_out_or_costs_its_source_alone(course: Path) -> None:
    (course / "a" / "3.png").write_bytes(b"no image")
    found = ganbench.overlap.find(course / "a", course / "b", skip_bad=1)
    assert found.pairs[0].shared == 7
    assert found.pairs[0].images[0].a == "6.png"  # names are by the position in the source
    assert any("3.png" in note for note in found.notes)
    with pytest.raises(GanbenchError, match="1 of 2 sources can be read, and two are needed. a: "):
        ganbench.overlap.find(course / "a", course / "b")


def test_fewer_than_two_sources_and_labels_that_repeat_are_refused(course: Path) -> None:
    with pytest.raises(GanbenchError, match="1 source: give two or more"):
        ganbench.overlap.find(course / "a")
    with pytest.raises(GanbenchError, match="each needs one of its own"):
        ganbench.overlap.find(course / "a", course / "b", labels=["x", "x"])


def test_more_images_than_there_is_memory_for_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_MEMORY", "64M")
    np.save(tmp_path / "a.npy", np.zeros((60_000, 4, 4, 3), np.uint8))
    with pytest.raises(GanbenchError, match="60,000 images up to a.npy are more than 64 MiB hold"):
        ganbench.overlap.find(tmp_path / "a.npy", tmp_path / "b.npy")


# --- the command ---


@pytest.mark.slow
def test_the_command_answers_and_its_gate_decides(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*more: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["overlap", str(course / "a"), str(course / "b"), *more])
        code = result.exit_code if result.exception is None else getattr(result.exception, "exit_code", 3)
        return code, result.output

    assert run("--json", "-")[0] == 0
    answer = json.loads(run("--json", "-", "--quiet")[1])
    assert [(pair["a"], pair["b"], pair["shared"]) for pair in answer["pairs"]] == [("a", "b", 7)]
    assert answer["pairs"][0]["images"][0] == {"a": "6.png", "b": "1.png", "equal": True, "alike": 1.0}
    code, text = run("--fail-over", "7")
    assert code == 0
    assert "1 of 1 pairs share images; 2 sources, 32 images" in text
    assert run("--fail-over", "6")[0] == 1
    assert run("--fail-over", "40%")[0] == 1
    assert run("--fail-over", "0.44")[0] == 0
    assert run("--fail-over", "50%", str(course / "nothing"))[0] == 1  # of that one nothing is known
    monkeypatch.setattr("ganbench.cli.overlap._SHOWN", 0)
    assert "and 1 more pairs: see --json" in run()[1]


@pytest.mark.parametrize("gate", ["many", "-1", "0.0", "100%", "1.5", "5 %"])
def test_a_gate_that_is_none_is_refused_before_the_work(gate: str) -> None:
    result = CliRunner().invoke(app, ["overlap", "a", "b", f"--fail-over={gate}"])
    assert isinstance(result.exception, GanbenchError)
    assert "expected a number of images" in str(result.exception)
