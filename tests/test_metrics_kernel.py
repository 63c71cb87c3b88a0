"""Kernel distance against double loops and torch-fidelity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_fidelity import metric_kid

from ganbench.errors import MetricError
from ganbench.metrics import kernel, pairwise
from ganbench.metrics.kernel import kd, kd_subsets
from ganbench.statistics.features import FeatureSet


def looped(real: np.ndarray, fake: np.ndarray) -> float:
    """Unbiased squared MMD by the definition, one pair at a time."""

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x @ y) / len(x) + 1) ** 3

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    among = [mean([k(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j]) for s in (real, fake)]
    return sum(among) - 2 * mean([k(x, y) for x in real for y in fake])


@pytest.mark.parametrize("block", [7, 1024])
def test_value_and_interval_match_the_definition(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(pairwise, "BLOCK", block)
    real, fake = FeatureSet.of(rng.normal(0, 1, (17, 5))), FeatureSet.of(rng.normal(0.5, 1, (12, 5)))
    x, y = real.sample.astype(np.float64), fake.sample.astype(np.float64)
    estimate = kd(real=real, fake=fake)
    assert estimate.value == pytest.approx(looped(x, y), rel=1e-12)
    without = np.array([looped(x, np.delete(y, i, axis=0)) for i in range(12)])
    error = np.sqrt(11 / 12 * np.sum((without - without.mean()) ** 2))
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.959964 * error, rel=1e-6)
    assert estimate.detail == "all pairs, real sample 17"


@pytest.mark.slow
@pytest.mark.parametrize("block", [100, 1024])
def test_subsets_match_torch_fidelity(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(pairwise, "BLOCK", block)
    real = np.abs(rng.normal(0, 1, (260, 64))).astype(np.float32)
    fake = np.abs(rng.normal(0.2, 1, (230, 64))).astype(np.float32)
    for seed in (0, 5):
        # Float64 in, so that both add in float64; given float32 it adds in float32 and is off by 4e-4 here.
        theirs = metric_kid.kid_features_to_metric(
            torch.from_numpy(fake.astype(np.float64)),
            torch.from_numpy(real.astype(np.float64)),
            kid_subsets=20,
            kid_subset_size=100,
            rng_seed=kernel.TORCH_FIDELITY_SEED + seed,
            verbose=False,
        )
        ours = kd_subsets(real=FeatureSet.of(real), fake=FeatureSet.of(fake), seed=seed, subsets=20, subset_size=100)
        assert ours.value == pytest.approx(theirs[metric_kid.KEY_METRIC_KID_MEAN], rel=1e-9)
        assert ours.high - ours.value == pytest.approx(theirs[metric_kid.KEY_METRIC_KID_STD], rel=1e-9)


def test_defaults_are_those_of_torch_fidelity():
    from torch_fidelity.defaults import DEFAULTS

    assert DEFAULTS["kid_subsets"] == kernel.SUBSETS
    assert DEFAULTS["kid_subset_size"] == kernel.SUBSET_SIZE
    assert DEFAULTS["rng_seed"] == kernel.TORCH_FIDELITY_SEED


def test_equal_distributions_give_zero_on_average():
    rng = np.random.default_rng(2)
    real = FeatureSet.of(rng.normal(size=(400, 8)))
    estimates = [kd(real=real, fake=FeatureSet.of(rng.normal(size=(100, 8)))) for _ in range(60)]
    values = np.array([e.value for e in estimates])
    assert values.min() < 0 < values.max()
    centre = values.mean()
    # A biased estimator would sit above 0 by the mean of the diagonal over n, about 0.08 here.
    assert abs(centre) < 0.02
    assert sum(e.low <= centre <= e.high for e in estimates) >= 52


def test_subsets_larger_than_a_side_are_refused(rng: np.random.Generator):
    small, large = FeatureSet.of(rng.normal(size=(30, 4))), FeatureSet.of(rng.normal(size=(1000, 4)))
    with pytest.raises(MetricError, match="subsets of 1000 need as many fake images, got 30: use kd"):
        kd_subsets(real=large, fake=small)
    with pytest.raises(MetricError, match="as many real images, got 30"):
        kd_subsets(real=small, fake=large)
