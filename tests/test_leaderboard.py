"""Entries of a leaderboard and its command: what has to be scored, what cannot be, and what is printed."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic_runs import make_card, make_five_runs, make_run
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError, UnknownName
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.leaderboard.boards import Leaderboard, measured
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.terminal import fitting
from ganbench.metrics import neighbours, pairwise
from ganbench.metrics.evaluate import evaluate
from ganbench.references.reference import Reference
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan as ScoringPlan
from ganbench.scoring.scorecard import Scorecard
from ganbench.statistics.features import FeatureSet
from ganbench.system.cluster import Site

FD = "fd[lite0]"


def _plan(reference: Path, **options: object) -> ScoringPlan:
    return ScoringPlan.of(ScoreOptions(references=(str(reference),), detector=None, device="cpu", **options))


def _no_plan() -> ScoringPlan:
    raise AssertionError("nothing here has to be scored")


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Return the folders of two variants with two seeds each, and of one with another clip."""
    return make_five_runs(tmp_path)


# --- paths ---


def test_names_and_paths(tmp_path: Path) -> None:
    paths = []
    for folder in ("alice", "bob"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "card.json")
        make_card({FD: (1, 0, 2)}).write(json_file=paths[-1])
    shutil.copy(paths[0], tmp_path / "carol.json")
    entries = collect([*paths, paths[0], tmp_path / "carol.json"], _no_plan)
    assert [e.name for e in entries] == [str(paths[0]), str(paths[1]), "carol.json"]
    with pytest.raises(GanbenchError, match="nothing to rank"):
        collect([], _no_plan)


def test_damaged_scorecards_are_reasons(tmp_path: Path) -> None:
    told: list[str] = []
    for name, text in (("a.json", "{"), ("b.json", '{"results": 3}'), ("c.json", "[]")):
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in ("a.json", "b.json", "c.json", "absent.json")]
    entries = collect(paths, _no_plan, warn=told.append)
    assert [e.card for e in entries] == [None] * 4
    assert all("not a scorecard" in text for text in told[:3])
    assert "No such file" in told[3]


# --- submissions ---


def _pack(path: Path, images: np.ndarray) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for number, image in enumerate(images, 1):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "JPEG", quality=95)
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(info, buffer)
    return path


@pytest.fixture
def submissions(tmp_path: Path, image_folder: Path, lite0: Extractor) -> tuple[Path, list[Path], dict[str, str]]:
    """Return a reference, three submissions from near to far, and broken ones with what is said of them."""
    source = open_source(image_folder)
    real = np.stack([source.load(i) for i in range(len(source))])
    Reference.build(source, lite0, name="smooth").save(tmp_path / "ref.npz")
    rng = np.random.default_rng(0)
    good = []
    for strength in (0, 20, 80):
        noisy = np.clip(real + rng.normal(0, strength + 1, real.shape), 0, 255).astype(np.uint8)
        good.append(_pack(tmp_path / f"noise{strength}.tgz", noisy))
    whole = good[0].read_bytes()
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.tgz").write_text("my images are on the other disk")
    _pack(tmp_path / "small.tgz", real[:, ::2, ::2])
    _pack(tmp_path / "one.tgz", real[:1])
    with tarfile.open(tmp_path / "empty.tgz", "w:gz"):
        pass
    broken = {
        "cut.tgz": "cut.tgz: ", "text.tgz": "text.tgz: ", "small.tgz": "--resize 64x64",
        "one.tgz": "at least 2 images", "empty.tgz": "no image in it", "absent.tgz": "no such file",
    }  # fmt: skip
    return tmp_path / "ref.npz", good, broken


@pytest.mark.slow
def test_broken_submissions_do_not_spoil_the_rest(
    submissions: tuple[Path, list[Path], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, good, broken = submissions
    told: list[str] = []
    paths = [*good[::-1], *(tmp_path / name for name in broken)]

    def collected(ref: Path = reference) -> list[Entry]:
        return collect(paths, lambda: _plan(ref), warn=told.append)

    first = collected()
    (board,) = replace(Leaderboard.of(first, FD), keep_flagged=True).boards  # two of them are copies of the real images
    assert [e.name for e in board.entries] == ["noise0.tgz", "noise20.tgz", "noise80.tgz"]
    missing = dict(Leaderboard.of(first, FD).unranked)
    assert missing.keys() == broken.keys()
    assert all(part in missing[name] for name, part in broken.items()), missing
    assert len(told) == len(broken)

    def no_network(*arguments: object, **options: object) -> None:
        raise AssertionError("the network ran although the scorecards are cached")

    shutil.move(good[2], moved := tmp_path / "renamed.tgz")  # the same images under another name
    paths[0] = moved
    with monkeypatch.context() as patch:
        patch.setattr(Extractor, "__call__", no_network)
        patch.setattr("ganbench.scoring.cached.score_source", no_network)
        again = collected()
        good_again = [e for e in again if e.card]
        assert [e.card.rows for e in good_again] == [e.card.rows for e in first if e.card]
        assert good_again[0].card.source["label"] == str(moved)
        other = Reference.load(reference)
        other.features.sample[0] += 1
        other.save(tmp_path / "other.npz")
        # Another reference: the cached scorecards are not taken for it.
        refused = collected(tmp_path / "other.npz")[:3]
        assert all("AssertionError" in e.error for e in refused), [e.error for e in refused]


def test_what_depends_on_the_reference_alone_is_computed_once(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, *fakes = (FeatureSet.of(rng.normal(size=(40, 6))) for _ in range(3))
    alone = [evaluate(["recall", "kd"], real=FeatureSet.of(real.sample), fake=fake) for fake in fakes]
    calls: list[int] = []
    monkeypatch.setattr(neighbours, "nearest", lambda x, k: calls.append(len(x)) or pairwise.nearest(x, k))
    assert [evaluate(["recall", "kd"], real=real, fake=fake) for fake in fakes] == alone
    assert len(calls) == 3  # once among the real images, and once among each of the two sets of fake ones


@pytest.mark.slow
def test_several_processes_rank_the_same(
    submissions: tuple[Path, list[Path], dict[str, str]], tmp_path: Path, ganbench_home: Path
) -> None:
    reference, good, broken = submissions
    paths = [*good, *(tmp_path / name for name in broken)]
    scoring = _plan(reference, cache=False)
    one, two = (collect(paths, lambda: scoring, site=Site(jobs)) for jobs in (1, 2))
    assert [e.error for e in one] == [e.error for e in two]
    for a, b in zip(one, two, strict=True):
        assert (a.card is None) == (b.card is None)
        if a.card is not None:
            assert measured(b, FD).value == pytest.approx(measured(a, FD).value, rel=1e-4)


# --- the command ---


def test_the_command_ranks_scorecards_and_exports(runs: list[Path], tmp_path: Path) -> None:
    make_card({FD: (1.5, 1.0, 2.0)}).write(json_file=tmp_path / "best.json")
    (tmp_path / "bad.json").write_text("{")
    files = {name: tmp_path / f"out.{name}" for name in ("csv", "markdown", "latex", "json")}
    options = [str(text) for name, path in files.items() for text in (f"--{name}", path)]
    paths = [str(p) for p in (*runs, tmp_path / "best.json", tmp_path / "bad.json")]
    result = CliRunner().invoke(app, ["leaderboard", *paths, *options, "--published"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "best.json" in result.stdout
    assert "published elsewhere" in result.stdout
    assert "not scored: bad.json" in result.stderr
    assert json.loads(files["json"].read_text())["boards"][0]["entries"][0]["name"] == "best.json"
    assert "396.8" in files["markdown"].read_text()
    assert "396.8" in files["latex"].read_text()
    assert files["csv"].read_text().splitlines()[1].startswith("best.json,1.5")
    for path in files.values():
        assert f"wrote {path.name}" in result.stdout.replace(f"{tmp_path}/", "")


def test_columns_that_do_not_fit_a_narrow_terminal_are_left_out() -> None:
    table = [["rank", "name", "fd\n[lite0]", "kd"], ["1", "a long name", "392.4\n390 … 394", "0.7"]]
    kept, name = [0, 1, 2], 1
    assert fitting(table, 4 + 11 + 9 + 2 + 3 * 4 + 1, kept, name) == ([0, 1, 2], None)  # one too few for the "0.7"
    assert fitting(table, 4 + 11 + 9 + 3 + 3 * 4 + 1, kept, name) == ([0, 1, 2, 3], None)
    assert fitting(table, 4 + 9 + 9 + 3 * 3 + 1, kept, name) == ([0, 1, 2], 9)
    assert fitting(table, 1, kept, name) == ([0, 1, 2], 8)


def test_a_long_name_is_folded_before_the_tier_is_left_out() -> None:
    titles = ["rank", "name", "fd\n[lite0]", "kd\n[lite0]", "afd\n[yolo-nano]", "AFD tier", "minutes"]
    table = [titles, ["1", "二" * 20, "392.4\n390 … 394", "0.71", "0.61", "boss", "3.3"]]
    assert fitting(table, 120, [0, 1, 2, 4, 5], 1) == ([0, 1, 2, 3, 4, 5, 6], None)
    assert fitting(table, 84, [0, 1, 2, 4, 5], 1) == ([0, 1, 2, 3, 4, 5, 6], 16)
    assert fitting(table, 83, [0, 1, 2, 4, 5], 1) == ([0, 1, 2, 3, 4, 5], 25)
    assert fitting(table, 60, [0, 1, 2, 4, 5], 1) == ([0, 1, 2, 4, 5], 12)


def test_the_command_prints_json_alone_and_says_when_nothing_was_scored(runs: list[Path], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["leaderboard", *map(str, runs), "--json", "-"])
    assert len(json.loads(result.stdout)["boards"][0]["entries"]) == 5
    (tmp_path / "bad.json").write_text("{")
    make_card({FD: None}).write(json_file=tmp_path / "unmeasured.json")
    for name in ("bad.json", "unmeasured.json"):
        assert CliRunner().invoke(app, ["leaderboard", str(tmp_path / name)]).exit_code == 1
    wrong = CliRunner().invoke(app, ["leaderboard", *map(str, runs), "--sort", "fdd", "--csv", str(tmp_path / "x.csv")])
    assert isinstance(wrong.exception, UnknownName)
    assert not (tmp_path / "x.csv").exists()
    kept = CliRunner().invoke(app, ["leaderboard", *map(str, runs), "--detector", "none"])
    assert "--rescore" in kept.stderr


def test_a_run_that_trained_on_is_scored_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = make_card({FD: (5.0, 4.0, 6.0)})
    card.source["run"] = {"step": 100, "samples": 1000, "plan": "k"}
    run = make_run(tmp_path / "run", "dcgan", 0, card)
    assert collect([run], _no_plan)[0].card[FD].value == 5  # no checkpoint: nothing newer can be there
    steps = {"now": 100}
    monkeypatch.setattr("ganbench.leaderboard.entries.trained_steps", lambda path: steps["now"])
    newer = Scorecard.from_json(make_card({FD: (3.0, 2.0, 4.0)}).to_json())
    monkeypatch.setattr("ganbench.leaderboard.entries.score_run", lambda path, plan, samples: newer)
    assert collect([run], _no_plan)[0].card[FD].value == 5
    pixels = ScoringPlan.of(ScoreOptions(metrics=("duplicates",), detector=None, device="cpu"))
    assert collect([run], lambda: pixels, rescore=True)[0].card[FD].value == 3
    steps["now"] = 200
    assert collect([run], lambda: pixels)[0].card[FD].value == 3
