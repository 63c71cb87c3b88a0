"""Runs over seeds: a run that was copied is no further seed."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_runs import make_card, make_run

from ganbench.images.rules import HW6
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.export import to_json, to_markdown
from ganbench.leaderboard.flagged import judged
from ganbench.leaderboard.seeds import Copies, copies_of, over_seeds
from ganbench.report.page import make_page

FD = "fd[lite0]"


def _run(folder: Path, seed: int, value: float, digest: str | None = None, variant: str = "dcgan") -> Path:
    card = make_card({FD: (value, value - 1, value + 1)})
    card.source.update({} if digest is None else {"digest": digest})
    return make_run(folder, variant, seed, card)


def _board(paths: list[Path]) -> Leaderboard:
    return Leaderboard.of(collect(paths, lambda: None), FD)


def test_a_copied_run_counts_once(tmp_path: Path) -> None:
    paths = [
        _run(tmp_path / "a", 0, 10.0, "s0"),
        _run(tmp_path / "copy-of-a", 0, 10.0, "s0"),
        _run(tmp_path / "b", 1, 14.0, "s1"),
    ]
    leaderboard = _board(paths)
    (board,) = leaderboard.boards
    ((group, count, spreads),) = over_seeds(board, [FD])
    assert (group, count) == ("dcgan", 2)
    assert (spreads[FD].mean, spreads[FD].count) == (12.0, 2)
    assert spreads[FD].deviation == pytest.approx(statistics.stdev([10, 14]))  # of 10, 10, 14 it would be 2.3
    assert copies_of(board) == [Copies("dcgan", ("a", "copy-of-a"), ("seed 0", "samples"))]
    note = "a and copy-of-a are taken as copies of one another, because they share seed 0 and samples"
    assert note in to_markdown(leaderboard)
    assert note in make_page(leaderboard)
    assert json.loads(to_json(leaderboard))["boards"][0]["copies"] == [
        {"group": "dcgan", "names": ["a", "copy-of-a"], "shared": ["seed 0", "samples"]}
    ]


@pytest.mark.parametrize(
    ("second", "shared"),
    [
        ((0, 12.0, "other"), ("seed 0",)),  # trained twice: the same seed is no further one
        ((1, 10.0, "s0"), ("samples",)),  # a copy whose recipe was given another seed
        ((1, 12.0, "s0"), ("samples",)),  # the same, scored otherwise
    ],
)
def test_what_tells_copies(tmp_path: Path, second: tuple[int, float, str], shared: tuple[str, ...]) -> None:
    (board,) = _board([_run(tmp_path / "a", 0, 10.0, "s0"), _run(tmp_path / "b", *second)]).boards
    assert over_seeds(board, [FD]) == []  # one training: nothing to say over seeds
    assert copies_of(board) == [Copies("dcgan", ("a", "b"), shared)]


def test_a_scorecard_tells_where_no_digest_does(tmp_path: Path) -> None:
    (board,) = _board([_run(tmp_path / "a", 0, 10.0), _run(tmp_path / "b", 1, 10.0)]).boards
    assert copies_of(board) == [Copies("dcgan", ("a", "b"), ("scorecard",))]
    (board,) = _board([_run(tmp_path / "c", 0, 10.0), _run(tmp_path / "d", 1, 10.5)]).boards
    assert copies_of(board) == []


def test_copies_of_copies_are_one_seed_and_count_with_their_mean(tmp_path: Path) -> None:
    paths = [
        _run(tmp_path / "a", 0, 10.0, "s0"),
        _run(tmp_path / "b", 1, 13.0, "s1"),
        _run(tmp_path / "c", 0, 16.0, "s1"),  # a's seed, b's samples
        _run(tmp_path / "d", 2, 20.0, "s2"),
    ]
    (board,) = _board(paths).boards
    ((_, count, spreads),) = over_seeds(board, [FD])
    assert (count, spreads[FD].mean) == (2, 16.5)  # of (10 + 13 + 16) / 3 and 20
    assert copies_of(board) == [Copies("dcgan", ("a", "b", "c"), ("seed 0", "samples"))]


def test_other_groups_and_submissions_are_no_copies(tmp_path: Path) -> None:
    paths = [_run(tmp_path / "a", 0, 10.0), _run(tmp_path / "b", 0, 10.0, variant="wgan")]
    card = make_card({FD: (10.0, 9.0, 11.0)})
    submissions = [Entry(name, Path(name), card, group=name) for name in ("x", "y")]
    leaderboard = Leaderboard.of([*collect(paths, lambda: None), *submissions], FD)
    assert [copies_of(board) for board in leaderboard.boards] == [[]]


def test_seeds_of_a_result_without_values_are_left_out(tmp_path: Path) -> None:
    paths = [_run(tmp_path / str(seed), seed, 10.0 + seed) for seed in range(3)]
    entries = collect(paths, lambda: None)
    card = entries[0].card
    assert card is not None
    entries[0] = replace(entries[0], card=replace(card, rows=[*card.rows, replace(card.rows[0], id="kd[lite0]")]))
    (board,) = Leaderboard.of(entries, FD).boards
    ((_, count, spreads),) = over_seeds(board, [FD, "kd[lite0]"])
    assert count == 3
    assert list(spreads) == [FD]  # one value of kd has no spread


def test_a_group_of_which_one_run_compares_has_no_spread(tmp_path: Path) -> None:
    few = make_card({FD: (10.0, 9.0, 11.0)}, n=500)
    entries = collect([_run(tmp_path / "a", 0, 12.0), make_run(tmp_path / "b", "dcgan", 1, few)], lambda: None)
    leaderboard = Leaderboard.of(judged(entries, HW6), FD)
    assert [len(over_seeds(board, [FD])) for board in leaderboard.boards] == [0] * len(leaderboard.boards)
    assert "500 images" in to_markdown(leaderboard)
