"""Precision, recall, density, coverage and realism against brute force, torch-fidelity and known cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch_fidelity import metric_prc

from ganbench.metrics import pairwise
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.manifold import coverage, density, precision, realism, recall
from ganbench.metrics.neighbours import Pairs
from ganbench.statistics.features import FeatureSet

FOUR = ["precision", "recall", "density", "coverage"]


def features(rng: np.random.Generator, n: int, size: int = 6, scale: float = 1.0, shift: float = 0.0) -> FeatureSet:
    return FeatureSet.of(rng.normal(shift, scale, (n, size)))


def radii(x: np.ndarray, k: int) -> np.ndarray:
    return np.sort(cdist(x, x), axis=1)[:, k]


def values(real: FeatureSet, fake: FeatureSet) -> dict[str, float]:
    return {name: e.value for name, e in evaluate(FOUR, real=real, fake=fake).items()}


@pytest.mark.parametrize("block", [16, 50, 1024])
def test_match_brute_force(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(pairwise, "BLOCK", block)
    real, fake = features(rng, 130), features(rng, 90, scale=0.8, shift=0.3)
    x, y = real.sample.astype(np.float64), fake.sample.astype(np.float64)
    between = cdist(x, y)
    in_real, in_fake = between <= radii(x, 3)[:, None], between <= radii(y, 3)
    in_five = between < radii(x, 5)[:, None]
    pairs = Pairs(real, fake)
    assert precision(real=real, fake=fake, pairs=pairs).value == in_real.any(axis=0).mean()
    assert recall(real=real, fake=fake, pairs=pairs).value == in_fake.any(axis=1).mean()
    assert density(real=real, fake=fake, pairs=pairs).value == pytest.approx(in_five.sum() / (5 * 90))
    assert coverage(real=real, fake=fake, pairs=pairs).value == in_five.any(axis=1).mean()
    kept = radii(x, 3) <= np.median(radii(x, 3))
    expected = (radii(x, 3)[kept, None] / between[kept]).max(axis=0)
    np.testing.assert_allclose(realism(real=real, fake=fake, pairs=pairs), expected, rtol=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_match_torch_fidelity(rng: np.random.Generator, shift: float):
    real, fake = features(rng, 400, 24), features(rng, 300, 24, 0.9, shift)
    theirs = metric_prc.prc_features_to_metric(
        torch.from_numpy(fake.sample), torch.from_numpy(real.sample), save_cpu_ram=False, verbose=False
    )
    ours = values(real, fake)
    assert ours["precision"] == pytest.approx(theirs[metric_prc.KEY_METRIC_PRECISION], abs=1e-3)
    assert ours["recall"] == pytest.approx(theirs[metric_prc.KEY_METRIC_RECALL], abs=1e-3)


def test_mode_collapse_costs_recall_and_coverage_but_not_precision():
    rng = np.random.default_rng(3)
    centres = np.repeat(np.arange(10) * 20.0, 60)[:, None]
    real = FeatureSet.of(centres + rng.normal(size=(600, 4)))
    collapsed = FeatureSet.of(60.0 + rng.normal(size=(300, 4)) * 0.7)
    scores = values(real, collapsed)
    assert scores["precision"] > 0.95
    assert scores["density"] > 0.95
    assert scores["recall"] <= 0.1
    assert scores["coverage"] <= 0.1
    # Seen from the other side the roles are exchanged.
    swapped = values(collapsed, real)
    assert swapped["precision"] <= 0.1
    assert swapped["recall"] > 0.9


def test_equal_distributions_give_the_expected_density_and_coverage():
    # Naeem et al. 2020: E density = 1, E coverage = 1 - (N-1)...(N-k) / ((M+N-1)...(M+N-k)), about 0.97 at M = N.
    rng = np.random.default_rng(7)
    n, m = 300, 250
    scores = [values(features(rng, n, 3), features(rng, m, 3)) for _ in range(20)]
    j = np.arange(1, 6)
    expected = 1 - np.prod((n - j) / (m + n - j))
    assert np.mean([s["density"] for s in scores]) == pytest.approx(1.0, abs=0.03)
    assert np.mean([s["coverage"] for s in scores]) == pytest.approx(expected, abs=0.006)


def test_copies_of_all_real_images(rng: np.random.Generator):
    real = features(rng, 200, 5, shift=100.0)
    scores = values(real, FeatureSet.of(real.sample[::-1]))
    assert (scores["precision"], scores["recall"], scores["coverage"]) == (1.0, 1.0, 1.0)
    # Each ball holds its centre's copy and those of 4 neighbours; the 5th lies on its border, which is outside.
    assert scores["density"] == pytest.approx(1.0, abs=1e-12)
    score = realism(real=real, fake=real)
    assert np.isinf(score).sum() == 100
    assert (score > 0).all()


def test_repeated_images_have_balls_of_radius_zero(rng: np.random.Generator):
    real = FeatureSet.of(np.repeat(rng.normal(50, 1, (20, 4)), 6, axis=0))
    elsewhere = FeatureSet.of(rng.normal(50, 1, (40, 4)))
    assert values(real, elsewhere)["precision"] == 0
    assert values(real, real)["precision"] == 1
    np.testing.assert_array_less(realism(real=real, fake=elsewhere), 1e-90)


def test_groups_and_halves_equal_recomputing_each(rng: np.random.Generator):
    real, fake = features(rng, 80, 3), features(rng, 70, 3, 0.8)
    fake = FeatureSet.of(np.vstack([fake.sample, fake.sample[:20] + 1e-3]))
    between = Pairs(real, fake, seed=9).between
    draw = np.random.default_rng(9)
    groups = draw.permutation(90) % 20
    halves = [draw.permutation(90) % 2 == 0 for _ in range(20)]
    x, y = real.sample.astype(np.float64), fake.sample.astype(np.float64)
    assert between.covered.shape == (80, 21)
    for group in range(20):
        covered = (cdist(x, y[groups != group]) < radii(x, 5)[:, None]).any(axis=1)
        np.testing.assert_array_equal(between.covered[:, 1 + group], covered)
    assert between.recalled_by_half.shape == (80, 20, 2)
    for split, first in enumerate(halves):
        for side, half in enumerate((first, ~first)):
            recalled = (cdist(x, y[half]) <= radii(y[half], 3)).any(axis=1)
            np.testing.assert_array_equal(between.recalled_by_half[:, split, side], recalled)


def test_intervals_cover_the_spread_between_sets():
    rng = np.random.default_rng(12)
    real = features(rng, 300, 4)
    runs = [evaluate(FOUR, real=real, fake=features(rng, 150, 4, 0.7), seed=i) for i in range(40)]
    for name in FOUR:
        found = [run[name] for run in runs]
        centre = np.mean([e.value for e in found])
        spread = np.std([e.value for e in found])
        width = np.mean([e.high - e.low for e in found]) / 2 / 1.96
        assert sum(e.low <= centre <= e.high for e in found) >= 35, name
        # Never much too narrow; the group jackknife is known to be wide for quantities that jump.
        assert 0.8 * spread < width < 2.0 * spread, name


@pytest.mark.parametrize(("name", "scale", "shift"), [("recall", 0.2, 0.9), ("coverage", 0.5, 2.4)])
def test_intervals_cover_a_share_that_is_often_zero(name: str, scale: float, shift: float):
    """Where most sets reach no real image at all, the interval from 0 still has to reach the average over sets."""
    rng = np.random.default_rng(5)
    real = features(rng, 500, 5)
    found = [evaluate([name], real=real, fake=features(rng, 120, 5, scale, shift))[name] for _ in range(40)]
    centre = np.mean([e.value for e in found])
    zeros = [e for e in found if e.value == 0]
    assert len(zeros) >= 4
    assert 0 < centre < 0.01
    assert all(e.low == 0 < e.high for e in zeros)
    assert sum(e.low <= centre <= e.high for e in found) >= 36


@pytest.mark.parametrize("block", [9, 1024])
def test_nearest_neighbours_match_scipy(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(pairwise, "BLOCK", block)
    # Far from the origin: the squared distances are differences of numbers a million times larger.
    x = (rng.normal(size=(50, 16)) + 1000).astype(np.float32)
    x[31] = x[4]
    squared, index = pairwise.nearest(x, 3)
    exact = cdist(x.astype(np.float64), x.astype(np.float64))
    np.fill_diagonal(exact, np.inf)
    np.testing.assert_allclose(np.sqrt(squared), np.sort(exact, axis=1)[:, :3], rtol=1e-7)
    np.testing.assert_allclose(np.take_along_axis(exact, index, axis=1), np.sqrt(squared), rtol=1e-7)
    assert squared[4, 0] == squared[31, 0] == 0
    assert (index[4, 0], index[31, 0]) == (31, 4)


def test_warns_about_small_samples(rng: np.random.Generator):
    estimate = precision(real=features(rng, 1000, 3), fake=features(rng, 50, 3))
    assert len(estimate.warnings) == 1
    assert "only 50 fake images" in estimate.warnings[0]
    assert estimate.detail == "k=3, real sample 1000"
