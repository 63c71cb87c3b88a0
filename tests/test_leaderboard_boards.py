"""Boards: who is better, what may be ranked together, what is listed apart, and runs over seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import make_card, make_five_runs, make_run

from ganbench.errors import UnknownName
from ganbench.leaderboard.boards import Board, Leaderboard, is_better, tier
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.seeds import over_seeds
from ganbench.leaderboard.table import lines, notes, seed_lines
from ganbench.metrics.intervals import wilson
from ganbench.scoring.row import Row

FD = "fd[lite0]"
AFD = "afd[yolo-nano]"


def _entry(name: str, values: dict, **conditions: object) -> Entry:
    return Entry(name, Path(name), make_card(values, **conditions))


def _boards(entries: list[Entry], by: str) -> list[Board]:
    return Leaderboard.of(entries, by).boards


def _share(successes: int, n: int, better: str = "higher") -> Row:
    value = successes / n
    return Row("afd[x]", value, *wilson(value, n), better)


def test_equals_are_told_apart_once_in_twenty(rng: np.random.Generator) -> None:
    for share in (0.5, 0.05):
        pairs = rng.binomial(400, share, (4000, 2))
        rows = {k: _share(int(k), 400) for k in np.unique(pairs)}
        apart = [is_better(rows[a], rows[b], "higher") or is_better(rows[b], rows[a], "higher") for a, b in pairs]
        # 4,000 pairs: a standard error of 0.0034; and counted shares come in steps, so not exactly 0.05.
        assert 0.03 < np.mean(apart) < 0.07


def test_better_respects_the_direction_and_lopsided_intervals() -> None:
    ten, twelve = Row("m", 10.0, 9.0, 11.0), Row("m", 12.0, 11.0, 13.0)
    assert is_better(ten, twelve, "lower")  # 2 > hypot(1, 1)
    assert not is_better(twelve, ten, "lower")
    assert not is_better(twelve, Row("m", 10.7, 9.0, 11.8), "higher")
    assert is_better(twelve, Row("m", 10.7, 9.0, 11.0), "higher")
    # Where the intervals face each other counts, not their outer halves.
    assert is_better(Row("m", 10.0, 0.0, 10.5), Row("m", 12.0, 11.0, 99.0), "lower")
    assert is_better(Row("m", 1.0), Row("m", 1.1), "lower")  # no intervals: the values alone
    assert not is_better(Row("m", 1.0), Row("m", 1.0), "lower")
    assert not is_better(ten, twelve, "none")
    assert not is_better(twelve, ten, "none")
    assert not is_better(ten, Row("m", None), "lower")


def test_ranks_are_shared_by_what_is_not_told_apart() -> None:
    values = {"c": (20, 19, 21), "a": (10, 9, 11), "b": (10.5, 9.5, 11.5), "d": (20.1, 19.1, 21.1)}
    (board,) = _boards([_entry(name, {FD: value}) for name, value in values.items()], FD)
    assert [(rank, e.name) for rank, e in zip(board.ranks, board.entries, strict=True)] == [
        (1, "a"), (1, "b"), (3, "c"), (3, "d"),
    ]  # fmt: skip
    shares = {"x": (0.2, 0.1, 0.3), "y": (0.9, 0.85, 0.95)}
    (board,) = _boards([_entry(name, {"recall[lite0]": value}) for name, value in shares.items()], "recall[lite0]")
    assert [(rank, e.name) for rank, e in zip(board.ranks, board.entries, strict=True)] == [(1, "y"), (2, "x")]


def test_what_does_not_compare_is_never_on_one_board() -> None:
    value = {FD: (10.0, 9.0, 11.0)}
    entries = [
        _entry("a", value), _entry("b", value), _entry("fewer", value, n=500), _entry("other", value, protocol="bf16"),
        _entry("elsewhere", value, digest="d2"),
    ]  # fmt: skip
    found = _boards(entries, FD)
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
    (board,) = _boards(entries, FD)
    shown = Leaderboard.of(entries, FD).shown
    column = [line[2 + shown.index(AFD)] for line in lines(board, shown)]
    assert [cell.text for cell in column] == ["0.90", "0.80", "0.99 †"]
    assert column[2].key is None  # sorts after all others
    assert any(note.startswith("†") for note in notes(board, shown))


def test_what_is_on_no_board_is_listed_with_its_reason() -> None:
    entries = [
        _entry("good", {FD: (1, 0, 2)}),
        Entry("broken", Path("broken"), error="not an archive"),
        _entry("unmeasured", {FD: None, AFD: (0.5, 0.4, 0.6)}),
        _entry("lacking", {AFD: (0.5, 0.4, 0.6)}),
    ]
    assert Leaderboard.of(entries, FD).unranked == [
        ("broken", "not an archive"),
        ("unmeasured", f"no {FD} here"),
        ("lacking", f"its scorecard has no {FD}: score it again, or rank by what all have (--sort)"),
    ]
    with pytest.raises(UnknownName, match=r"Did you mean 'fd\[lite0\]'"):
        _boards(entries, "fd[lite]")
    assert _boards([entries[1]], "anything") == []


def test_an_entrys_tier_is_that_of_its_scorecard() -> None:
    assert tier(_entry("a", {FD: (1, 0, 2)})) == ""
    assert tier(_entry("a", {AFD: (0.45, 0.4, 0.5)})) == "medium"


# --- runs ---


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Return the folders of two variants with two seeds each, and of one with another clip."""
    return make_five_runs(tmp_path)


def test_seeds_are_grouped_and_variants_with_other_settings_are_not(runs: list[Path]) -> None:
    entries = collect(runs, lambda: None)
    assert [e.group for e in entries[:2]] == ["dcgan", "dcgan"]
    assert entries[2].group == entries[3].group == "wgan objective.clip=1.0"
    assert entries[4].group == "wgan objective.clip=0.01"
    (board,) = _boards(entries, FD)
    groups = over_seeds(board, [FD, AFD])
    assert [(group, count) for group, count, _ in groups] == [("wgan objective.clip=1.0", 2), ("dcgan", 2)]
    spread = groups[0][2][FD]
    assert (spread.mean, spread.count) == (210, 2)
    assert spread.deviation == pytest.approx(14.142, abs=1e-3)
    assert seed_lines(board, [FD, AFD])[1] == ["dcgan", "2", "305.0 ± 7.1", "0.5 ± 0.0"]
    assert entries[1].speed.images_per_second == 81
    assert entries[1].speed.minutes == pytest.approx(1000 * 16 / 81 / 60)


def test_runs_on_other_images_are_another_group(tmp_path: Path) -> None:
    card = make_card({FD: (1.0, 0.0, 2.0)})
    paths = [make_run(tmp_path / d, "dcgan", s, card, images=d * 16) for s, d in enumerate(("a", "b"))]
    assert [e.group for e in collect(paths, lambda: None)] == ["dcgan images=aaaaaaaa", "dcgan images=bbbbbbbb"]
