"""Inception Score against torch-fidelity and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_fidelity import metric_isc

from ganbench.errors import MetricError
from ganbench.metrics.inception_score import inception_score
from ganbench.statistics.features import FeatureSet


def with_logits(logits: np.ndarray) -> FeatureSet:
    return FeatureSet.of(np.zeros((len(logits), 2)), logits.astype(np.float32))


@pytest.mark.parametrize(("n", "seed"), [(1000, 0), (237, 0), (237, 4)])
def test_matches_torch_fidelity(rng: np.random.Generator, n: int, seed: int):
    logits = rng.normal(0, 3, (n, 50)).astype(np.float32)
    theirs = metric_isc.isc_features_to_metric(torch.from_numpy(logits), rng_seed=2020 + seed)
    ours = inception_score(fake=with_logits(logits), seed=seed)
    assert ours.value == pytest.approx(theirs[metric_isc.KEY_METRIC_ISC_MEAN], rel=1e-9)
    half = 2.262157 * theirs[metric_isc.KEY_METRIC_ISC_STD] / 3
    assert ours.high - ours.value == pytest.approx(half, rel=1e-6)


def test_extremes():
    # No class is more likely than another: 1. Every image sure of its class, classes balanced in each split: K.
    assert inception_score(fake=with_logits(np.zeros((100, 7)))).value == pytest.approx(1.0)
    assert inception_score(fake=with_logits(np.full((100, 7), -1e4) + 2e4 * np.eye(7)[3])).value == pytest.approx(1.0)
    sure = inception_score(fake=with_logits(100 * np.eye(4)[np.arange(8000) % 4]))
    assert sure.value == pytest.approx(4.0, rel=0.01)
    assert not sure.warnings


def test_refusals(rng: np.random.Generator):
    with pytest.raises(MetricError, match="gives none"):
        inception_score(fake=FeatureSet.of(rng.normal(size=(50, 3))))
    with pytest.raises(MetricError, match="at least 20 images, got 19"):
        inception_score(fake=with_logits(rng.normal(size=(19, 3))))
    assert "biased downward" in inception_score(fake=with_logits(rng.normal(size=(20, 3)))).warnings[0]
