"""Weights rounded to bfloat16 so that their errors do not add up.

A convolution of bfloat16 numbers sums its products in float32: what is lost is lost when weights and activations are
rounded. Activations are rounded anew in every place of every image, and the pooling at the end averages most of that
away. Weights are rounded once: to the nearest, the errors of the few hundred weights of a channel add up to some ten
times one of them, and as the activations that they meet come out of a ReLU and are not negative, they shift and scale
that channel in every image alike. Here a few weights of each channel, those nearly half way between two bfloat16
numbers, are rounded the other way, so that the sum of the channel stays what it was. docs/features.md has what it does.
"""

from __future__ import annotations

import numpy as np

_NEAR = 0.2  # of the step between two bfloat16 numbers: what lies nearer to one of them is not taken to the other


def round_to_bfloat16(weights: np.ndarray) -> np.ndarray:
    """Round the weights of a convolution, (outputs, inputs, height, width) float32.

    Returns:
        float32 of that shape, every number a bfloat16. The sum of every kernel (height, width), and then that of every
        output channel, is kept to about half of a step between two numbers.
    """
    outputs, inputs = weights.shape[:2]
    rounded = _nearest(weights)
    if weights[0, 0].size > 1:
        shape = outputs * inputs, -1
        rounded = _with_sums_kept(weights.reshape(shape), rounded.reshape(shape)).reshape(weights.shape)
    shape = outputs, -1
    return _with_sums_kept(weights.reshape(shape), rounded.reshape(shape)).reshape(weights.shape)


def _nearest(values: np.ndarray) -> np.ndarray:
    """Return the nearest bfloat16 of each number, of two equally near ones the even one."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    bits = bits + (0x7FFF + ((bits >> np.uint32(16)) & np.uint32(1)))
    return (bits & np.uint32(0xFFFF0000)).astype(np.uint32).view(np.float32)


def _with_sums_kept(exact: np.ndarray, rounded: np.ndarray) -> np.ndarray:
    """Take some numbers of every row, (rows, n), to their other neighbour: the most nearly tied ones first.

    As many as bring the sum of the row's errors nearest to 0. Numbers that are no tie at all stay, and so does 0.
    """
    error = rounded.astype(np.float64) - exact
    away = np.where((rounded > 0) == (error < 0), 1 << 16, -(1 << 16))
    other = (rounded.view(np.int32) + away).astype(np.int32).view(np.float32)
    change = np.where((error == 0) | (rounded == 0), 0.0, other.astype(np.float64) - rounded)
    total = error.sum(axis=1, keepdims=True)
    share = np.abs(error) / np.maximum(np.abs(change), np.finfo(np.float64).tiny)
    helps = (change * total < 0) & (share >= _NEAR)
    order = np.argsort(np.where(helps, -share, 0.0), axis=1, kind="stable")
    steps = np.take_along_axis(np.where(helps, np.abs(change), np.inf), order, axis=1)
    left = np.abs(np.abs(total) - np.cumsum(steps, axis=1))
    count = np.argmin(np.hstack([np.abs(total), left]), axis=1)
    chosen = np.zeros(exact.shape, bool)
    np.put_along_axis(chosen, order, np.arange(exact.shape[1]) < count[:, None], axis=1)
    return np.where(chosen, other, rounded)
