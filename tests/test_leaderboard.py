"""The leaderboard: who is better, what may be ranked together, what is listed apart, and every export."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic_runs import make_card, make_run
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError, UnknownName
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.leaderboard.boards import boards, is_better, measured, over_seeds, tier, unranked
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.export import to_csv, to_frame, to_json, to_latex, to_markdown
from ganbench.leaderboard.published import PUBLISHED, tier_of
from ganbench.leaderboard.table import columns, lines, notes, seed_lines
from ganbench.leaderboard.terminal import fitting
from ganbench.metrics import neighbours, pairwise
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.intervals import wilson
from ganbench.references.reference import Reference
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan as ScoringPlan
from ganbench.scoring.scorecard import Row, Scorecard
from ganbench.statistics.features import FeatureSet

FD = "fd[lite0]"
AFD = "afd[yolo-nano]"


def _entry(name: str, values: dict, **conditions: object) -> Entry:
    return Entry(name, Path(name), make_card(values, **conditions))


def _plan(reference: Path) -> ScoringPlan:
    return ScoringPlan.of(ScoreOptions(references=(str(reference),), detector=None, device="cpu"))


def _no_plan() -> ScoringPlan:
    raise AssertionError("nothing here has to be scored")


def _share(successes: int, n: int, better: str = "higher") -> Row:
    value = successes / n
    return Row("afd[x]", value, *wilson(value, n), better)


# --- ranking ---


def test_equals_are_told_apart_once_in_twenty(rng: np.random.Generator) -> None:
    for share in (0.5, 0.05):
        pairs = rng.binomial(400, share, (4000, 2))
        rows = {k: _share(int(k), 400) for k in np.unique(pairs)}
        apart = [is_better(rows[a], rows[b]) or is_better(rows[b], rows[a]) for a, b in pairs]
        # 4,000 pairs: a standard error of 0.0034; and counted shares come in steps, so not exactly 0.05.
        assert 0.03 < np.mean(apart) < 0.07


def test_better_respects_the_direction_and_lopsided_intervals() -> None:
    low, high = Row("m", 10.0, 9.0, 11.0, "lower"), Row("m", 12.0, 11.0, 13.0, "lower")
    assert is_better(low, high)  # 2 > hypot(1, 1)
    assert not is_better(high, low)
    assert not is_better(Row("m", 12.0, 11.0, 13.0, "higher"), Row("m", 10.7, 9.0, 11.8, "higher"))
    assert is_better(Row("m", 12.0, 11.0, 13.0, "higher"), Row("m", 10.7, 9.0, 11.0, "higher"))
    # Where the intervals face each other counts, not their outer halves.
    assert is_better(Row("m", 10.0, 0.0, 10.5, "lower"), Row("m", 12.0, 11.0, 99.0, "lower"))
    assert is_better(Row("m", 1.0, better="lower"), Row("m", 1.1, better="lower"))  # no intervals: the values alone
    assert not is_better(Row("m", 1.0, better="lower"), Row("m", 1.0, better="lower"))


def test_ranks_are_shared_by_what_is_not_told_apart() -> None:
    values = {"c": (20, 19, 21), "a": (10, 9, 11), "b": (10.5, 9.5, 11.5), "d": (20.1, 19.1, 21.1)}
    (board,) = boards([_entry(name, {FD: value}) for name, value in values.items()], FD)
    assert [(rank, e.name) for rank, e in zip(board.ranks, board.entries, strict=True)] == [
        (1, "a"), (1, "b"), (3, "c"), (3, "d"),
    ]  # fmt: skip
    shares = {"x": (0.2, 0.1, 0.3), "y": (0.9, 0.85, 0.95)}
    (board,) = boards([_entry(name, {"recall[lite0]": value}) for name, value in shares.items()], "recall[lite0]")
    assert [(rank, e.name) for rank, e in zip(board.ranks, board.entries, strict=True)] == [(1, "y"), (2, "x")]


def test_what_does_not_compare_is_never_on_one_board() -> None:
    value = {FD: (10.0, 9.0, 11.0)}
    entries = [
        _entry("a", value), _entry("b", value), _entry("fewer", value, n=500), _entry("other", value, protocol="bf16"),
        _entry("elsewhere", value, digest="d2"),
    ]  # fmt: skip
    found = boards(entries, FD)
    assert [[e.name for e in board.entries] for board in found] == [["a", "b"], ["fewer"], ["other"], ["elsewhere"]]
    assert found[1].n == 500
    assert "bf16" in found[2].protocol
    assert "d2" in found[3].protocol


def test_a_value_of_another_protocol_is_marked_within_a_column() -> None:
    entries = [
        _entry("a", {FD: (1, 0, 2), AFD: (0.9, 0.8, 1)}),
        _entry("b", {FD: (2, 1, 3), AFD: (0.8, 0.7, 0.9)}),
    ]
    strange = make_card({FD: (3, 2, 4), AFD: (0.99, 0.9, 1)})
    strange.rows[1] = Row(AFD, 0.99, 0.9, 1, "higher", 1000, None, "conf 0.01")
    entries.append(Entry("c", Path("c"), strange))
    (board,) = boards(entries, FD)
    shown = columns(entries, FD)
    column = [line[2 + shown.index(AFD)] for line in lines(board, shown)]
    assert [cell.text for cell in column] == ["0.9", "0.8", "0.99 †"]
    assert column[2].key is None  # sorts after all others
    assert any(note.startswith("†") for note in notes(board, shown))


def test_what_is_on_no_board_is_listed_with_its_reason() -> None:
    entries = [
        _entry("good", {FD: (1, 0, 2)}),
        Entry("broken", Path("broken"), error="not an archive"),
        _entry("unmeasured", {FD: None, AFD: (0.5, 0.4, 0.6)}),
        _entry("lacking", {AFD: (0.5, 0.4, 0.6)}),
    ]
    assert unranked(entries, FD) == [
        ("broken", "not an archive"),
        ("unmeasured", f"no {FD} here"),
        ("lacking", f"its scorecard has no {FD}"),
    ]
    with pytest.raises(UnknownName, match=r"Did you mean 'fd\[lite0\]'"):
        boards(entries, "fd[lite]")
    assert boards([entries[1]], "anything") == []


def test_tiers_are_the_afd_gates() -> None:
    assert [tier_of(value) for value in (0.0, 0.399, 0.4, 0.5, 0.599, 0.6, 1.0)] == [
        "simple", "simple", "medium", "strong", "strong", "boss", "boss",
    ]  # fmt: skip
    assert tier(_entry("a", {FD: (1, 0, 2)})) == ""
    assert tier(_entry("a", {AFD: (0.45, 0.4, 0.5)})) == "medium"


# --- runs ---


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Return the folders of two variants with two seeds each, one of them with another clip as well."""
    made = []
    for variant, seed, value, overrides in (
        ("dcgan", 0, 300.0, ()), ("dcgan", 1, 310.0, ()), ("wgan", 0, 200.0, ()), ("wgan", 1, 220.0, ()),
        ("wgan", 2, 500.0, ("objective.clip=0.01",)),
    ):  # fmt: skip
        card = make_card({FD: (value, value - 2, value + 2), AFD: (0.5, 0.4, 0.6)})
        made.append(make_run(tmp_path / f"{variant}-{seed}", variant, seed, card, overrides=overrides))
    return made


def test_seeds_are_grouped_and_variants_with_other_settings_are_not(runs: list[Path]) -> None:
    entries = collect(runs, _no_plan)
    assert [e.group for e in entries[:2]] == ["dcgan", "dcgan"]
    assert entries[2].group == entries[3].group == "wgan objective.clip=1.0"
    assert entries[4].group == "wgan objective.clip=0.01"
    (board,) = boards(entries, FD)
    groups = over_seeds(board, [FD, AFD])
    assert [(group, count) for group, count, _ in groups] == [("wgan objective.clip=1.0", 2), ("dcgan", 2)]
    spread = groups[0][2][FD]
    assert (spread.mean, spread.count) == (210, 2)
    assert spread.deviation == pytest.approx(14.142, abs=1e-3)
    assert seed_lines(board, [FD, AFD])[1] == ["dcgan", "2", "305 ± 7.071", "0.5 ± 0"]
    assert entries[1].speed.images_per_second == 81
    assert entries[1].speed.minutes == pytest.approx(1000 * 16 / 81 / 60)


def test_runs_on_other_images_are_another_group(tmp_path: Path) -> None:
    card = make_card({FD: (1.0, 0.0, 2.0)})
    paths = [make_run(tmp_path / d, "dcgan", s, card, images=d * 16) for s, d in enumerate(("a", "b"))]
    assert [e.group for e in collect(paths, _no_plan)] == ["dcgan images=aaaaaaaa", "dcgan images=bbbbbbbb"]


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
    assert "cannot read" in told[3]


# --- exports ---


@pytest.fixture
def entries(runs: list[Path]) -> list[Entry]:
    """Return runs, a submission with an awkward name, and a broken one."""
    awkward = _entry("50%_|<b>&#{x}", {FD: (250.0, 248.0, 252.0), AFD: (0.9, 0.8, 0.95)})
    return [*collect(runs, _no_plan), awkward, Entry("broken.tgz", Path("broken.tgz"), error="cut\nshort")]


def test_csv_is_wide_and_best_first(entries: list[Entry]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(entries, FD))))
    names = ["wgan-0", "wgan-1", "50%_|<b>&#{x}", "dcgan-0", "dcgan-1", "wgan-2", "broken.tgz"]
    assert [row["name"] for row in rows] == names
    assert list(rows[0])[:7] == ["name", FD, f"{FD}.low", f"{FD}.high", AFD, f"{AFD}.low", f"{AFD}.high"]
    assert [float(rows[0][c]) for c in (FD, f"{FD}.low", f"{FD}.high")] == [200, 198, 202]
    assert rows[0]["seed"] == "0"
    assert float(rows[0]["images_per_second"]) == 80
    assert rows[2]["seed"] == ""
    assert rows[-1]["error"] == "cut\nshort"
    assert "DCGAN (simple)" not in to_csv(entries, FD)
    cards = [_entry("a", {FD: (1, 0, 2)})]
    assert list(to_frame(cards, FD)) == ["name", FD, f"{FD}.low", f"{FD}.high", "error"]  # no columns of runs


def test_markdown(entries: list[Entry]) -> None:
    text = to_markdown(entries, FD)
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    widths = [{len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()} for table in tables]
    assert len(tables) == 3  # the board, the means over seeds, what was not ranked
    assert all(len(w) == 1 for w in widths)
    assert "| 1 | wgan-0 | 200 (198 … 202) | 0.5 (0.4 … 0.6) | strong | 80 | 3.33 |" in text
    assert r"50%_\|<b>&#{x}" in text
    assert "| broken.tgz | cut short |" in text
    assert "396.8" not in text
    assert "| DCGAN (simple) | 396.8 | 0.085 |" in to_markdown(entries, FD, published=True)
    assert "not comparable" in to_markdown(entries, FD, published=True)


def test_latex_has_no_bare_special_characters(entries: list[Entry]) -> None:
    text = to_latex(entries, FD, published=True)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 3
    for block in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        columns_, body = block
        rows = [row for row in body.split("\\\\\n") if "&" in row]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns_)}
        assert not re.search(r"(?<!\\)[%#_]", body)
    assert r"50\%\_|<b>\&\#\{x\}" in text
    assert "".join(line for line in text.splitlines() if not line.startswith("%")).isascii()


def test_json(entries: list[Entry]) -> None:
    content = json.loads(to_json(entries, FD, published=True))
    (board,) = content["boards"]
    assert [e["rank"] for e in board["entries"]] == [1, 2, 3, 4, 5, 6]
    assert board["entries"][0]["scorecard"]["results"][0]["value"] == 200
    assert [group["variant"] for group in board["over_seeds"]] == ["wgan objective.clip=1.0", "dcgan"]
    assert content["not_ranked"] == [{"name": "broken.tgz", "reason": "cut\nshort"}]
    assert [row["fid"] for row in content["published"]["rows"]] == [fid for _, fid, _ in PUBLISHED]
    assert not {row["name"] for row in content["published"]["rows"]} & {e["name"] for e in board["entries"]}
    assert "published" not in json.loads(to_json(entries, FD))


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


def test_broken_submissions_do_not_spoil_the_rest(
    submissions: tuple[Path, list[Path], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, good, broken = submissions
    told: list[str] = []
    paths = [*good[::-1], *(tmp_path / name for name in broken)]

    def collected(ref: Path = reference) -> list[Entry]:
        return collect(
            paths,
            lambda: ScoringPlan.of(ScoreOptions(references=(str(ref),), detector=None, device="cpu")),
            warn=told.append,
        )

    first = collected()
    (board,) = boards(first, FD)
    assert [e.name for e in board.entries] == ["noise0.tgz", "noise20.tgz", "noise80.tgz"]
    missing = dict(unranked(first, FD))
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


def test_several_processes_rank_the_same(
    submissions: tuple[Path, list[Path], dict[str, str]], tmp_path: Path, ganbench_home: Path
) -> None:
    reference, good, broken = submissions
    paths = [*good, *(tmp_path / name for name in broken)]
    scoring = ScoringPlan.of(ScoreOptions(references=(str(reference),), detector=None, device="cpu", cache=False))
    one, two = (collect(paths, lambda: scoring, jobs=jobs) for jobs in (1, 2))
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
    assert fitting(table, 4 + 11 + 9 + 2 + 3 * 4 + 1) == 3  # one too few: "0.7" is three wide
    assert fitting(table, 4 + 11 + 9 + 3 + 3 * 4 + 1) == 4
    assert fitting(table, 1) == 3


def test_the_command_prints_json_alone_and_says_when_nothing_was_scored(runs: list[Path], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["leaderboard", *map(str, runs), "--json", "-"])
    assert len(json.loads(result.stdout)["boards"][0]["entries"]) == 5
    (tmp_path / "bad.json").write_text("{")
    make_card({FD: None}).write(json_file=tmp_path / "unmeasured.json")
    for name in ("bad.json", "unmeasured.json"):
        assert CliRunner().invoke(app, ["leaderboard", str(tmp_path / name)]).exit_code == 1
    wrong = CliRunner().invoke(app, ["leaderboard", *map(str, runs), "--sort", "fd", "--csv", str(tmp_path / "x.csv")])
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
    assert collect([run], lambda: None, rescore=True)[0].card[FD].value == 3
    steps["now"] = 200
    assert collect([run], lambda: None)[0].card[FD].value == 3
