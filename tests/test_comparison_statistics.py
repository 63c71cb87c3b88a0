"""The statistics of comparisons, against scipy, closed forms, enumeration and simulation."""

from __future__ import annotations

import itertools
import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ganbench.comparison.difference import of_intervals, of_seeds, of_sets
from ganbench.comparison.holm import holm
from ganbench.comparison.power import MOST, POWER, detectable, images_needed, power, seeds_needed
from ganbench.errors import GanbenchError
from ganbench.leaderboard.better import is_better
from ganbench.metrics.variation import Variation
from ganbench.scoring.row import Row

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=6)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
    assert holm([0.5, 0.9]) == [1.0, 1.0]


@given(SHARES)
def test_holm_is_closed_testing_with_bonferroni(p_values: list[float]) -> None:
    everything = range(len(p_values))
    for i, adjusted in enumerate(holm(p_values)):
        sets = [s for size in everything for s in combinations(everything, size + 1) if i in s]
        assert adjusted == pytest.approx(min(1.0, max(len(s) * min(p_values[j] for j in s) for s in sets)))


@pytest.mark.parametrize(("n", "m"), [(2, 3), (5, 5), (4, 9)])
def test_seeds_are_compared_by_welch(rng: np.random.Generator, n: int, m: int) -> None:
    a, b = rng.normal(3, 1, n).tolist(), rng.normal(4, 2, m).tolist()
    known = stats.ttest_ind(a, b, equal_var=False)
    found, interval = of_seeds(a, b), known.confidence_interval()
    assert (found.p, found.low, found.high) == pytest.approx((known.pvalue, interval.low, interval.high))
    assert found.difference == pytest.approx(np.mean(a) - np.mean(b))
    assert found.test == f"over training seeds ({n} and {m}): Welch t"


def test_one_seed_is_no_comparison() -> None:
    with pytest.raises(GanbenchError, match="1 and 3 training seeds: a comparison of trainings is over seeds"):
        of_seeds([1.0], [1.0, 2.0, 3.0])


def test_means_over_images_are_compared_by_t_tests(rng: np.random.Generator) -> None:
    a, b = rng.exponential(1, 60), rng.exponential(2, 80)
    found, known = of_sets(Variation.of_mean(a), Variation.of_mean(b)), stats.ttest_ind(a, b, equal_var=False)
    assert found.p == pytest.approx(known.pvalue)
    b = a + rng.normal(0.1, 0.2, 60)
    found, known = of_sets(Variation.of_mean(a), Variation.of_mean(b), paired=True), stats.ttest_rel(a, b)
    assert found.p == pytest.approx(known.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(known.confidence_interval()))
    assert found.error < of_sets(Variation.of_mean(a), Variation.of_mean(b)).error / 3


def test_shares_by_hand() -> None:
    a, b = np.arange(100) < 30, np.arange(200) < 40  # 31/102 and 41/202 with a success and a failure more
    found = of_sets(Variation.of_trials(a), Variation.of_trials(b))
    error = math.sqrt(31 * 71 / 102**3 + 41 * 161 / 202**3)
    centre = 31 / 102 - 41 / 202
    assert found.difference == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((centre - 1.959964 * error, centre + 1.959964 * error))
    assert found.p == pytest.approx(2 * stats.norm.sf(centre / error))
    both = np.arange(100) < 25  # 5 images count in the one alone, none in the other alone
    paired = of_sets(Variation.of_trials(a), Variation.of_trials(both), paired=True)
    shift = 6 / 102 - 1 / 102
    error = math.sqrt((7 / 102 - shift**2) / 102)
    assert paired.p == pytest.approx(2 * stats.norm.sf(shift / error))
    assert paired.low == pytest.approx(shift - 1.959964 * error)


@pytest.mark.parametrize(("share", "low", "high"), [(0.005, 0.0, 0.02), (0.02, 0.025, 0.05), (0.3, 0.045, 0.055)])
def test_equal_shares_are_rarely_told_apart(share: float, low: float, high: float) -> None:
    n = 300
    counts = [k for k in range(n + 1) if stats.binom.pmf(k, n, share) > 1e-4]
    sets = {k: Variation.of_trials(np.arange(n) < k) for k in counts}
    chance = {k: stats.binom.pmf(k, n, share) for k in counts}
    wrong = sum(chance[a] * chance[b] for a in counts for b in counts if of_sets(sets[a], sets[b]).p < 0.05)
    assert low <= wrong <= high


def test_shares_of_nothing_have_a_width() -> None:
    none = Variation.of_trials(np.zeros(1000, bool))
    found = of_sets(none, none)
    assert found.p == 1
    assert -0.01 < found.low < 0 < found.high < 0.01
    whole = of_sets(none, Variation.of_trials(np.ones(1000, bool)))
    assert (whole.low, whole.difference) == (-1, -1)
    assert whole.p < 1e-9


@settings(max_examples=200)
@given(st.tuples(*[st.floats(-10, 10)] * 2), st.tuples(*[st.floats(0.01, 5)] * 4))
def test_scorecards_say_what_the_leaderboard_says(values: tuple[float, ...], ends: tuple[float, ...]) -> None:
    (x, y), (a, b, c, d) = values, ends
    one, other = Row("kd[lite0]", x, x - a, x + b, "lower", 9), Row("kd[lite0]", y, y - c, y + d, "lower", 9)
    found = of_intervals(one, other)
    assert found.low <= found.difference <= found.high
    better = is_better(one, other, "lower") or is_better(other, one, "lower")
    assert (found.low > 0 or found.high < 0) == better
    if abs(found.p - 0.05) > 1e-9:
        assert (found.p < 0.05) == better


@pytest.mark.parametrize(
    "row", [Row("a", 1.0), Row("a", 1.0, 0.5, 1.5, interval="1 deviation, not 95 %"), Row("a", None)]
)
def test_no_interval_is_no_comparison(row: Row) -> None:
    with pytest.raises(GanbenchError, match="no 95 % interval in a scorecard"):
        of_intervals(Row("a", 1.0, 0.5, 1.5), row)


@pytest.mark.parametrize(("shift", "count"), [(0.4, 60), (1.2, 6), (2.0, 4), (0.0, 10)])
def test_power_is_what_simulation_finds(rng: np.random.Generator, shift: float, count: int) -> None:
    a, b = rng.normal(0, 1, (20000, count)), rng.normal(shift, 1, (20000, count))
    found = float(np.mean(stats.ttest_ind(a, b, axis=1).pvalue < 0.05))
    assert power(shift, math.sqrt(2 / count), 2 * count - 2, 0.05) == pytest.approx(found, abs=0.012)


@pytest.mark.parametrize("degrees", [1.05, 1.27, 2.0, 5.5, 40.0, 900.0, 1001.0, math.inf])
@pytest.mark.parametrize("level", [0.05, 0.05 / 45])
def test_power_grows_with_the_difference(degrees: float, level: float) -> None:
    found = [power(shift, 1.0, degrees, level) for shift in np.linspace(0, 40, 81)]
    assert found[0] == pytest.approx(level, abs=1e-6)
    assert all(a <= b + 1e-6 for a, b in itertools.pairwise(found))
    assert found[-1] <= 1


def test_power_of_two_seeds_each() -> None:
    draw = np.random.default_rng(0)  # Welch's degrees of freedom of two pairs
    t = (draw.normal(size=200_000) + 12.1) / np.sqrt(draw.chisquare(1.27, 200_000) / 1.27)
    bound = stats.t.ppf(1 - 0.05 / 6, 1.27)
    assert power(12.1, 1.0, 1.27, 0.05 / 3) == pytest.approx(np.mean(np.abs(t) > bound), abs=0.01)


def test_what_is_needed_is_the_least_that_is_enough() -> None:
    a, b = [3.0, 4.0, 5.0], [4.5, 6.0, 5.0]
    count = seeds_needed(a, b, 0.05)
    variances = np.var(a, ddof=1), np.var(b, ddof=1)

    def reached(k: int) -> float:
        degrees = (k - 1) * sum(variances) ** 2 / (variances[0] ** 2 + variances[1] ** 2)
        return power(np.mean(a) - np.mean(b), math.sqrt(sum(variances) / k), degrees, 0.05)

    assert reached(count - 1) < POWER <= reached(count)
    needed = images_needed(1000, 1.0, 0.8, 0.05)
    assert needed == pytest.approx(1000 * ((1.959964 + 0.841621) * 0.8) ** 2, rel=0.002)
    assert images_needed(1000, 1.0, 0.8, 0.05 / 6) > 1.4 * needed
    assert images_needed(1000, 0.0, 0.8, 0.05) is None
    assert images_needed(1000, 1e-9, 0.8, 0.05) == MOST


@pytest.mark.parametrize("degrees", [3, 40, math.inf])
def test_the_least_difference_is_found_four_times_in_five(degrees: float) -> None:
    least = detectable(0.7, degrees, 0.05)
    assert power(least, 0.7, degrees, 0.05) == pytest.approx(POWER, abs=1e-6)
    assert detectable(0.0, degrees, 0.05) == 0
