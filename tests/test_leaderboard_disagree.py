"""Which entries two extractors say different things of: against simulated classes, honest and not."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.leaderboard.disagree import LEAST, Disagreement, disagreeing, places, second_opinions
from ganbench.scoring.row import Row

ERROR = 0.012  # standard error of a logarithm: about the interval that a distance of 1,000 images has


def rows(extractor: str, logs: np.ndarray) -> list[Row | None]:
    values = np.exp(logs)
    wide = np.exp(1.96 * ERROR)
    return [Row(f"fd[{extractor}]", v, v / wide, v * wide, "lower", 1000, None, "p") for v in values.tolist()]


def simulated(
    rng: np.random.Generator,
    count: int,
    spread: float,
    kinds: float,
    tuned: int = 0,
    gain: float = 2.5,
    ahead: float = 0.0,
) -> list[Disagreement | None]:
    """Return what is said of a class; the first ``tuned`` of it fell by the factor ``gain`` under lite0 alone.

    The very first of it is ``ahead`` of the others by both, in logarithms.
    """
    quality = rng.normal(5, spread, count)
    quality[0] -= ahead
    first = quality + rng.normal(0, ERROR, count)
    second = 0.95 * quality - 0.2 + kinds * rng.standard_t(5, count) * 0.775 + rng.normal(0, ERROR, count)
    first[:tuned] -= np.log(gain)
    return disagreeing(rows("lite0", first), rows("lite2", second), "lower")


@pytest.mark.parametrize("count", [5, 8, 30, 120])
@pytest.mark.parametrize("spread", [0.05, 0.4])
@pytest.mark.parametrize("kinds", [0.02, 0.08])  # what GANs differ by, and what images of all kinds do
def test_fewer_than_one_honest_entry_in_a_hundred_is_marked(count: int, spread: float, kinds: float) -> None:
    rng = np.random.default_rng(7)
    found = [one for _ in range(max(3, 900 // count)) for one in simulated(rng, count, spread, kinds)]
    assert np.mean([one is not None for one in found]) < 0.01


@pytest.mark.parametrize("count", [10, 40, 120])
def test_what_was_tuned_against_one_of_them_is_marked_and_nobody_else(count: int) -> None:
    rng = np.random.default_rng(11)
    hits, others = [], []
    for _ in range(12):
        tuned = max(1, count // 10)
        found = simulated(rng, count, 0.4, 0.03, tuned)
        hits += [one is not None and one.favoured == 0 for one in found[:tuned]]
        others += [one is not None for one in found[tuned:]]
    assert np.mean(hits) > 0.9
    assert np.mean(others) < 0.01


@pytest.mark.parametrize("count", [5, 8, 30, 120])
@pytest.mark.parametrize("spread", [0.02, 0.05, 0.4])
@pytest.mark.parametrize("kinds", [0.02, 0.08])
def test_honest_work_far_ahead_of_a_class_that_is_nearly_equal_is_not_marked(
    count: int, spread: float, kinds: float
) -> None:
    rng = np.random.default_rng(13)
    classes = [simulated(rng, count, spread, kinds, ahead=1.8) for _ in range(200 if count < 100 else 20)]
    assert np.mean([found[0] is not None for found in classes]) < 0.01
    assert np.mean([one is not None for found in classes for one in found]) < 0.01


@pytest.mark.parametrize("count", [5, 8, 30, 120])
@pytest.mark.parametrize("spread", [0.05, 0.4])
def test_what_was_tuned_until_it_is_the_first_by_both_is_marked(count: int, spread: float) -> None:
    rng = np.random.default_rng(17)
    hits, others = [], []
    for _ in range(100 if count < 100 else 10):  # FD[lite0] 40 and FD[lite2] 79 where others have 148 and 95
        (said, *rest) = simulated(rng, count, spread, 0.03, tuned=1, gain=3.0, ahead=0.2)
        hits.append(said is not None and said.favoured == 0)
        others += [one is not None for one in rest]
    assert np.mean(hits) > 0.9
    assert np.mean(others) < 0.01


def test_it_says_by_how_much_the_first_by_both_is_off() -> None:
    logs = np.log([39.6, 153.0, 157.3, 204.2, 223.2, 234.6, 262.8])
    second = np.log(np.exp(logs) * [2.003, 0.65, 0.64, 0.66, 0.65, 0.63, 0.67])
    (said, *others) = disagreeing(rows("lite0", logs), rows("lite2", second), "lower")
    assert said is not None
    assert (said.first, said.second, said.favoured) == ((1, 1), (1, 1), 0)
    assert said.text == (
        "fd[lite0] is 39.6, fd[lite2] 79.32: 3.1 times what goes with such a fd[lite0] among the others"
    )
    assert others == [None] * 6
    (said, *_) = disagreeing(rows("lite2", second), rows("lite0", logs), "lower")  # which it is too good for
    assert said is not None
    assert said.favoured == 1
    assert "0.32 times" in said.text


def test_it_says_which_places_each_gives() -> None:
    logs = np.log([100.0, 120, 140, 160, 180, 200])
    second = logs - 0.4
    second[0] = np.log(150)
    (said, *others) = disagreeing(rows("lite0", logs), rows("lite2", second), "lower")
    assert said is not None
    assert (said.first, said.second, said.favoured) == ((1, 1), (6, 6), 0)
    assert said.text == "fd[lite0] puts it at 1, fd[lite2] puts it at 6 of 6: further apart than the others are"
    assert others == [None] * 5
    # The other way round it is the second that is kind to it.
    (said, *_) = disagreeing(rows("lite2", second), rows("lite0", logs), "lower")
    assert said is not None
    assert said.favoured == 1


def test_with_shares_the_values_count_as_they_are() -> None:
    first = [
        Row(f"precision[{i}]", v, v - 0.01, v + 0.01, "higher") for i, v in enumerate([0.0, 0.2, 0.3, 0.4, 0.5, 0.9])
    ]
    second = [Row("precision[x]", v, v - 0.01, v + 0.01, "higher") for v in [0.02, 0.21, 0.3, 0.41, 0.5, 0.1]]
    found = disagreeing(first, second, "higher")
    assert [one is not None for one in found] == [False] * 5 + [True]


def test_nothing_is_said_of_few_of_equal_ones_or_without_a_direction() -> None:
    logs = np.log([100.0, 120, 140, 160])
    assert len(logs) < LEAST
    assert disagreeing(rows("lite0", logs), rows("lite2", logs[::-1]), "lower") == [None] * 4
    six = np.log([100.0, 120, 140, 160, 180, 900])
    assert disagreeing(rows("lite0", six), rows("lite2", six[::-1]), "none") == [None] * 6
    assert disagreeing(rows("lite0", np.full(6, 5.0)), rows("lite2", np.full(6, 4.0)), "lower") == [None] * 6
    # Entries without one of the two rows keep their places in the answer.
    gaps: list[Row | None] = [None, *rows("lite0", six)[1:]]
    assert disagreeing(gaps, rows("lite2", six), "lower") == [None] * 6


def test_places_are_ranges() -> None:
    board = [Row("m", 10.0, 9.0, 11.0), Row("m", 10.5, 9.5, 11.5), Row("m", 20.0, 19.0, 21.0)]
    assert [places(board, k, "lower") for k in range(3)] == [(1, 2), (1, 2), (3, 3)]


def test_resize_protocols_of_one_network_are_no_second_opinion() -> None:
    results = ["fd[lite0]", "kd[lite0]", "fd[lite2]", "kd[lite2]", "fid[inception]", "fid[inception:clean]"]
    assert second_opinions("fd[lite0]", results) == ["fd[lite2]", "fid[inception]", "fid[inception:clean]"]
    assert second_opinions("fid[inception]", results) == ["fd[lite0]", "fd[lite2]"]
