"""Conditions that must hold for a while: how rules look at a series without being fooled by one bad step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganbench.doctor.records import Series

WARM_UP = 100  # steps that no rule of balance judges: what a run does at its start is not what it will do


def held_for(flags: np.ndarray, length: int) -> tuple[int, int] | None:
    """Return where the first run of so many true values starts and is complete; None if there is none."""
    if len(flags) < length:
        return None
    run = np.convolve(flags.astype(np.int64), np.ones(length, np.int64), mode="valid")
    full = np.nonzero(run == length)[0]
    return (int(full[0]), int(full[0]) + length - 1) if len(full) else None


def share_held(flags: np.ndarray, length: int, share: float) -> tuple[int, int] | None:
    """Return where the first window of so many values starts and ends of which at least a share is true."""
    if len(flags) < length:
        return None
    run = np.convolve(flags.astype(np.int64), np.ones(length, np.int64), mode="valid")
    full = np.nonzero(run >= share * length)[0]
    return (int(full[0]), int(full[0]) + length - 1) if len(full) else None


def after(series: Series, step: int) -> Series:
    """Return the part of a series behind a step."""
    first = int(np.searchsorted(series.steps, step, side="right"))
    return Series(series.steps[first:], series.values[first:])


def rolling(values: np.ndarray, length: int, reduce: Callable[..., np.ndarray] = np.median) -> np.ndarray:
    """Return a statistic of every window of so many values, float (N - length + 1,); empty for a shorter series."""
    if len(values) < length:
        return np.zeros(0)
    return np.asarray(reduce(np.lib.stride_tricks.sliding_window_view(values, length), axis=1))


def lines_for(series: Series, lines: int, steps: int) -> int:
    """Return how many values of a series make at least so many, and span at least so many steps."""
    if len(series) < 2:
        return lines
    apart = max(1.0, float(np.median(np.diff(series.steps))))
    return max(lines, int(np.ceil(steps / apart)))
