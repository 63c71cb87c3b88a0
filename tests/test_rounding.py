"""Weights in bfloat16: each is a neighbour of what it was, and channels keep their sums."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.features.rounding import round_to_bfloat16


def nearest(weights: np.ndarray) -> np.ndarray:
    return torch.from_numpy(weights).bfloat16().float().numpy()


@pytest.mark.parametrize("shape", [(24, 64, 3, 3), (16, 300, 1, 1), (8, 3, 3, 3), (12, 40, 1, 7)])
def test_every_weight_is_a_neighbour_and_sums_stay(shape: tuple[int, ...]) -> None:
    weights = np.random.default_rng(sum(shape)).normal(0, 0.05, shape).astype(np.float32)
    rounded, plain = round_to_bfloat16(weights), nearest(weights)
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(nearest(rounded), rounded)
    error, usual = rounded.astype(np.float64) - weights, plain.astype(np.float64) - weights
    step = 2.0 ** (np.floor(np.log2(np.abs(weights))) - 7)
    assert (np.abs(error) <= 0.8 * step).all()
    assert error.std() < 1.1 * usual.std()
    apart, usually = (np.abs(e.reshape(len(e), -1).sum(axis=1)) for e in (error, usual))
    assert apart.max() <= step.max()
    assert np.sqrt(np.mean(apart**2)) < 0.5 * np.sqrt(np.mean(usually**2))
    if shape[2] * shape[3] > 1:
        assert np.abs(error.sum(axis=(2, 3))).mean() < 0.6 * np.abs(usual.sum(axis=(2, 3))).mean()


def test_bfloat16_numbers_and_zeros_stay() -> None:
    weights = nearest(np.random.default_rng(0).normal(size=(4, 5, 3, 3)).astype(np.float32))
    weights[0] = 0
    weights[1, 2] = -0.0
    np.testing.assert_array_equal(round_to_bfloat16(weights).view(np.int32), weights.view(np.int32))


def test_the_sign_of_a_weight_does_not_matter() -> None:
    weights = np.random.default_rng(1).normal(size=(6, 20, 3, 3)).astype(np.float32)
    np.testing.assert_array_equal(round_to_bfloat16(-weights), -round_to_bfloat16(weights))


def test_the_most_nearly_tied_weights_go_the_other_way() -> None:
    one = np.float32(1)
    up, far = one + one / 128 * np.float32(0.45), one + one / 128 * np.float32(0.25)
    weights = np.array([up, up, far, far, one, one]).reshape(1, 6, 1, 1)
    # To the nearest all would be 1, and 1.4 steps are missing: one weight that is nearly half way goes up.
    assert round_to_bfloat16(weights).ravel().tolist() == [one + one / 128, *[one] * 5]
