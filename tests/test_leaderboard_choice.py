"""What a leaderboard is ranked by and what it shows: ids, metrics alone, and results that nothing can be ranked by."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from synthetic_runs import make_card, make_run
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError, UnknownName
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.choice import Choice, choose, directions, matching
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.export import to_csv, to_json, to_latex, to_markdown
from ganbench.leaderboard.table import cautions, header, lines, notes
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.registry import HEADS, METRICS, heading, heads, metric_of, name_of
from ganbench.report.page import make_page
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

FD, KD, RECALL, AFD = "fd[lite0]", "kd[lite0]", "recall[lite0]", "afd[yolo-nano]"
MMD, PRECISION = "mmd_rbf[lite0]", "precision[lite0]"
BOTH = {FD: "lower", KD: "lower", "fid[inception]": "lower", "kid[inception]": "lower", AFD: "higher"}


def _never(**sides: object) -> Estimate:
    raise AssertionError("nothing here is computed")


@pytest.fixture
def spread(monkeypatch: pytest.MonkeyPatch) -> str:
    """Register a metric without a direction; returns a result's id."""
    monkeypatch.setitem(METRICS._entries, "spread", Metric("spread", 1, "Spread", "none", "features", _never))
    return "spread[lite0]"


def _entry(name: str, *rows: Row) -> Entry:
    return Entry(name, Path(name), Scorecard(list(rows), {"label": name}, {}))


def _row(name: str, value: float | None, better: str, protocol: str = "p", reason: str = "") -> Row:
    low, high = (None, None) if value is None else (value - 1, value + 1)
    return Row(name, value, low, high, better, 1000, None, protocol, reason=reason)


# --- names ---


def test_results_know_their_metric() -> None:
    assert metric_of("fd[lite0]") is metric_of("fid[inception]") is metric_of("fid") is METRICS["fd"]
    assert metric_of("is[inception]") is METRICS["inception_score"]
    assert metric_of("of-a-plug-in[lite0]") is None
    assert [name_of(text) for text in ("fid[inception:tf1]", "afd")] == ["fid", "afd"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (FD, [FD]),
        ("fd", [FD, "fid[inception]"]),  # a metric alone: with all instruments
        ("fid", ["fid[inception]"]),  # the field's name is that on Inception features
        ("fid[lite0]", [FD]),
        ("kd[inception]", ["kid[inception]"]),
        ("afd", [AFD]),
        ("fd[lite2]", []),
        ("lite0", []),
        ("", []),
    ],
)
def test_what_a_name_stands_for(asked: str, found: list[str]) -> None:
    assert matching(asked, BOTH) == found


def test_a_metric_that_is_not_installed_goes_by_its_name() -> None:
    assert matching("swd", ["swd[a]", "swd[b]", FD]) == ["swd[a]", "swd[b]"]
    assert matching("fid", [FD, "fd[lite2]"]) == [FD, "fd[lite2]"]


def test_an_unambiguous_name_is_taken_and_said() -> None:
    assert choose({FD: "lower", AFD: "higher"}, "afd") == Choice(AFD, None, f"'afd' was taken for {AFD}.")
    taken = choose({FD: "lower"}, "fid")
    assert taken.by == FD
    assert taken.note == "'fid' was taken for fd[lite0]; only on Inception features it is called fid."
    assert choose({FD: "lower"}, FD).note == ""
    (board,) = Leaderboard.of([_entry("a", _row(FD, 3.0, "lower"))], "fd").boards
    assert notes(board, [FD])[:2] == ["Ranked by fd[lite0], n = 1000; p.", f"'fd' was taken for {FD}."]


def test_an_ambiguous_name_lists_what_it_may_mean() -> None:
    with pytest.raises(UnknownName, match=r"'fd' may mean fd\[lite0\] or fid\[inception\]\. Say which"):
        choose(BOTH, "fd")
    with pytest.raises(UnknownName, match=r"'afd' may mean afd\[a\], afd\[b\] or afd\[c\]"):
        choose(dict.fromkeys(("afd[a]", "afd[b]", "afd[c]"), "higher"), "afd")


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("fdd", "no result is called 'fdd'. Did you mean 'fd'?"),
        ("fd[lite]", "no result is called 'fd[lite]'. Did you mean 'fd[lite0]'?"),
        ("zzz", "no result is called 'zzz'. Known: fd, kd, fid, kid, afd."),
        ("zzz[zz]", f"no result is called 'zzz[zz]'. Known: {', '.join(BOTH)}."),
    ],
)
def test_an_unknown_name_gets_a_hint(asked: str, hint: str) -> None:
    for sort, columns in ((asked, None), (None, [asked])):
        with pytest.raises(UnknownName, match=f"^{re.escape(hint)}$"):
            choose(BOTH, sort, columns)


def test_without_a_name_the_first_usual_result_counts(spread: str) -> None:
    assert choose(BOTH).by == KD  # as of scorecards that were made before mmd_rbf was measured by default
    assert choose(BOTH | {MMD: "lower"}).by == MMD
    assert choose({spread: "none", "swd[a]": "lower", RECALL: "higher", PRECISION: "higher"}).by == PRECISION
    assert choose({spread: "none", "swd[a]": "lower"}).by == "swd[a]"
    assert choose({spread: "none"}).by == spread
    assert choose({}) == Choice("")
    entries = [_entry("a", _row(FD, None, "lower", reason="no reference"), _row(AFD, 0.5, "higher"))]
    assert Leaderboard.of(entries).by == AFD  # the first that was measured


def test_directions_come_from_the_registry_then_from_the_rows() -> None:
    rows = [_row("swd[a]", 1.0, "none"), _row("swd[a]", 1.0, "lower"), _row(FD, None, "higher"), _row(KD, 1.0, "lower")]
    assert list(directions(rows, {AFD: "higher"}).items()) == [
        (AFD, "higher"), ("swd[a]", "lower"), (KD, "lower"), (FD, "lower"),
    ]  # fmt: skip


def test_what_a_plan_will_give_is_known_before_anything_is_scored() -> None:
    plan = Plan.of(ScoreOptions(metrics=("fd", "duplicates", "afd"), device="cpu"))
    assert plan.results() == {FD: "lower", "duplicates[pixels]": "lower", AFD: "higher"}
    assert choose(plan.results(), "afd").by == AFD


# --- columns ---


def test_columns_stand_as_the_table_of_heads_has_them_each_instrument_together() -> None:
    rows = ["fd[a]", "kd[a]", "mmd_rbf[a]", RECALL, "precision[a]", "coverage[a]", "fd[b]", "mmd_rbf[b]", AFD, "x[a]"]
    assert heads(rows) == [f"{name}[a]" for name in HEADS[:-1]] + ["mmd_rbf[b]", "fd[b]", AFD]
    assert heading(rows) == "mmd_rbf[a]"
    assert heading([RECALL, "x[a]"]) is None


def test_on_inception_features_the_established_names_come_first() -> None:
    rows = ["fid[inception]", "kid[inception]", "mmd_rbf[inception]", "precision[inception]", "fid[inception:tf1]"]
    assert heads(rows) == heads([rows[3], *rows[:3], rows[4]]) == rows
    assert heading(reversed(rows[:4])) == "fid[inception]"


def test_a_metric_of_somebody_else_may_be_a_column_behind_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, column in (("theirs", True), ("hidden", False)):
        other = Metric(name, 1, name, "lower", "features", _never, column=column, caution="a trial")
        monkeypatch.setitem(METRICS._entries, name, other)
    assert heads(["theirs[a]", "hidden[a]", "afd[a]"]) == ["afd[a]", "theirs[a]"]
    assert cautions(["theirs[a]", "theirs[b]", "swd[a]"]) == {"theirs": "a trial"}


def test_every_column_has_its_warning_in_the_notes_of_every_export() -> None:
    assert all(METRICS[name].caution for name in HEADS)
    rows = [_row(f"{name}[lite0]", 0.5, METRICS[name].better) for name in HEADS]
    board = Leaderboard.of([_entry("a", *rows), _entry("b", *rows)])
    (note,) = [text for text in notes(board.boards[0], board.shown) if text.startswith("Beware.")]
    assert "fd: falls as the number of images grows: compares at equal n only" in note
    assert all(f"{name}: {METRICS[name].caution}." in note for name in HEADS)
    assert json.loads(to_json(board))["cautions"]["fd"] == METRICS["fd"].caution
    for text in (to_markdown(board), to_latex(board), make_page(board)):
        assert "compares at equal n only" in text
    only = Leaderboard.of([_entry("a", *rows)], columns=[""])
    assert list(json.loads(to_json(only))["cautions"]) == ["mmd_rbf"]  # of what is shown alone


VALUES = {
    FD: (10.0, 9.0, 11.0), KD: (0.1, 0.09, 0.11), RECALL: (0.5, 0.4, 0.6), "density[lite0]": (0.7, 0.6, 0.8),
    "fd[lite2]": (20.0, 19.0, 21.0), AFD: (0.45, 0.4, 0.5),
}  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (None, [FD, KD, "fd[lite2]", AFD]),  # those that head boards; recall and density do not
        (["fd[lite2],afd"], [FD, "fd[lite2]", AFD]),
        (["afd", "density , kd"], [FD, AFD, "density[lite0]", KD]),
        (["fd"], [FD, "fd[lite2]"]),
        ([""], [FD]),
    ],
)
def test_columns(columns: list[str] | None, shown: list[str]) -> None:
    assert Leaderboard.of([Entry("a", Path("a"), make_card(VALUES))], FD, columns).shown == shown


def test_commas_within_brackets_do_not_part_columns() -> None:
    known = {FD: "lower", "afd[yolo:a,b.onnx]": "higher"}
    assert choose(known, FD, ["afd[yolo:a,b.onnx],fd"]).columns == ("afd[yolo:a,b.onnx]", FD)


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Return the folders of two seeds of a variant."""
    made = []
    for seed in (0, 1):
        values = {name: tuple(x + seed / 100 for x in numbers) for name, numbers in VALUES.items()}
        made.append(make_run(tmp_path / f"dcgan-{seed}", "dcgan", seed, make_card(values)))
    return made


def test_every_export_obeys_the_columns_but_csv(runs: list[Path]) -> None:
    board = Leaderboard.of(collect(runs, lambda: None), FD, ["density,fd[lite2]"])
    titles = "| rank | name | fd[lite0] ↓ | density[lite0] ↑ | fd[lite2] ↓ | images/s | minutes |"
    assert titles in to_markdown(board)
    assert "| variant | seeds | fd[lite0] | density[lite0] | fd[lite2] |" in to_markdown(board)
    assert "kd" not in to_markdown(board)
    assert r"density[lite0] $\uparrow$ & fd[lite2]" in to_latex(board)
    assert "kd[" not in to_latex(board)
    content = json.loads(to_json(board))
    assert content["columns"] == [FD, "density[lite0]", "fd[lite2]"]
    assert list(content["boards"][0]["over_seeds"][0]["results"]) == content["columns"]
    assert len(content["boards"][0]["entries"][0]["scorecard"]["results"]) == len(VALUES)  # cards stay whole
    page = make_page(board)
    heads = re.findall(r'<th scope="col"[^>]*><button type="button">([^<]*)</button>', page)
    assert [" ".join(head.split("\n")) for head in heads[2:5]] == ["fd [lite0] ↓", "density [lite0] ↑", "fd [lite2] ↓"]
    assert set(VALUES) < set(next(csv.reader(io.StringIO(to_csv(board)))))


def test_the_tier_stands_beside_the_afd() -> None:
    entries = [Entry("a", Path("a"), make_card(VALUES))]
    for columns, tiered in ((None, True), (["afd"], True), (["kd"], False)):
        board = Leaderboard.of(entries, FD, columns)
        assert ("AFD tier" in header(board.boards[0], board.shown)) is tiered
        assert any("AFD gates" in note for note in notes(board.boards[0], board.shown)) is tiered


def test_the_command_takes_columns_and_bare_names(runs: list[Path], tmp_path: Path) -> None:
    command = ["leaderboard", *map(str, runs), "--sort", "afd", "--columns", "density,fd[lite2]", "--columns", "recall"]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    heads = [[cell.strip() for cell in line.split("┃")[3:]] for line in result.stdout.splitlines() if "┃" in line]
    assert heads[0][:4] == ["afd", "density", "fd", "recall"]
    assert heads[1][:5] == ["[yolo-nano] ↑", "[lite0] ↑", "[lite2] ↓", "[lite0] ↑", "AFD tier"]
    assert "'afd' was taken for afd[yolo-nano]" in result.stdout
    for wrong, error in ((["--columns", "kid2"], UnknownName), (["--sort", "fd"], UnknownName)):
        refused = CliRunner().invoke(app, ["leaderboard", *map(str, runs), *wrong])
        assert isinstance(refused.exception, error), wrong


# --- without a direction ---


def test_nothing_is_ranked_by_what_has_no_direction(spread: str) -> None:
    entries = [_entry(n, _row(FD, v, "lower"), _row(spread, v, "none")) for n, v in (("a", 9.0), ("b", 1.0))]
    with pytest.raises(GanbenchError, match=r"spread\[lite0\] has no direction.*--columns spread.*To rank by: fd\[lit"):
        Leaderboard.of(entries, "spread")
    board = Leaderboard.of(entries, FD, ["spread"])
    assert header(board.boards[0], board.shown) == ["rank", "name", "fd[lite0] ↓", "spread[lite0]"]
    assert [str(cell) for cell in lines(board.boards[0], board.shown)[0]] == ["1", "b", "1 (0 … 2)", "1 (0 … 2)"]


def test_where_nothing_has_a_direction_entries_are_shown_as_they_were_given(spread: str) -> None:
    board = Leaderboard.of([_entry(n, _row(spread, v, "none")) for n, v in (("b", 3.0), ("a", 9.0), ("c", 1.0))])
    (only,) = board.boards
    assert [(rank, e.name) for rank, e in zip(only.ranks, only.entries, strict=True)] == [
        (None, "b"), (None, "a"), (None, "c"),
    ]  # fmt: skip
    assert notes(only, board.shown)[0].startswith("Not ranked: spread[lite0] has no direction. In the order given")
    assert "| – | b | 3 (2 … 4) |" in to_markdown(board)
    assert [e["rank"] for e in json.loads(to_json(board))["boards"][0]["entries"]] == [None] * 3
    assert "In the order given" in make_page(board)


def test_rows_of_an_unknown_metric_with_and_without_direction_do_not_mix() -> None:
    rows = {"a": "lower", "b": "none", "c": "lower"}
    board = Leaderboard.of([_entry(name, _row("swd[x]", 1.0, better)) for name, better in rows.items()], "swd")
    assert [([e.name for e in b.entries], b.ranks) for b in board.boards] == [(["a", "c"], [1, 1]), (["b"], [None])]


def test_versions_of_a_metric_do_not_share_a_board() -> None:
    entries = [_entry(n, _row(FD, 5.0, "lower", f"p; metric v{version}")) for n, version in (("a", 1), ("b", 2))]
    assert [[e.name for e in board.entries] for board in Leaderboard.of(entries, FD).boards] == [["a"], ["b"]]
