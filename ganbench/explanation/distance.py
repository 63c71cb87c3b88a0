"""A Frechet distance taken apart: mean against covariance, the directions that carry it, and every image's part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganbench.metrics.factors import are_few, factor_of
from ganbench.metrics.frechet import distances_of_parts, sampled, solve
from ganbench.metrics.intervals import Z95
from ganbench.statistics.features import FeatureSet

DIRECTIONS = 5
ENDS = 8  # images shown at each end of a direction
INFLUENCES = 20
LEFT_OUT = 0.05
_REAL_SETS = 3  # of the same size, for what real images reach
_LEAST = 8  # images


@dataclass(frozen=True)
class Direction:
    """A direction of the features along which the two sets differ.

    Attributes:
        share: of the distance that it carries, 0 to 1, at most: directions are not quite independent.
        shift: mean of the set less that of real images, in standard deviations of real images.
        spread: standard deviation of the set over that of real images.
        low: positions of the images at its lower end, and at its upper one (``high``).
        high: see ``low``.
        real_low: likewise of real images, by their names.
        real_high: see ``real_low``.
    """

    share: float
    shift: float
    spread: float
    low: tuple[int, ...]
    high: tuple[int, ...]
    real_low: tuple[str, ...]
    real_high: tuple[str, ...]


@dataclass(frozen=True)
class Distance:
    """A Frechet distance, and what it is made of.

    Attributes:
        extractor: whose features.
        n: images.
        value: the distance.
        low: end of its 95 % interval, as ``high``.
        high: see ``low``.
        mean: the part of the means: their squared distance.
        covariance: the part of the covariances.
        real: what as many real images reach; None where the reference keeps too few features of them.
        real_spread: its standard deviation between such sets.
        worst: positions of the images that raise the distance most, the first most of all.
        best: likewise, of those that lower it most.
        influences: the derivative of the distance towards more weight on each of ``worst``, then on each of ``best``.
        without_worst: the distance without the 5 % of the images that raise it most.
        left_out: how many these are.
        directions: the first carries most.
    """

    extractor: str
    n: int
    value: float
    low: float
    high: float
    mean: float
    covariance: float
    real: float | None
    real_spread: float | None
    worst: tuple[int, ...]
    best: tuple[int, ...]
    influences: tuple[float, ...]
    without_worst: float
    left_out: int
    directions: tuple[Direction, ...]

    @property
    def effect(self) -> float:
        """How far the distance is above that of as many real images, in spreads; 0 where that is not known."""
        if self.real is None or not self.real_spread:
            return 0.0
        return (self.value - self.real) / float(np.hypot(self.real_spread, (self.high - self.low) / (2 * Z95)))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            name: [dict(vars(one)) for one in value] if name == "directions" else value
            for name, value in vars(self).items()
        }


def take_apart(
    real: FeatureSet, fake: FeatureSet, extractor: str, rng: np.random.Generator, name_of: Callable[[int], str]
) -> Distance | None:
    """Return the distance between real images and a set, taken apart; None of fewer than 8 images.

    Args:
        real: the reference's.
        fake: complete: the features of all images.
        extractor: whose features these are.
        rng: draws real sets.
        name_of: names a real image by its position in the reference's source.

    Raises:
        MetricError: features that do not fit together.
    """
    if len(fake.sample) < _LEAST:
        return None
    fake = sampled(fake)
    solved = solve(real, fake)
    half = Z95 * solved.standard_error()
    shift = fake.moments.mean - real.moments.mean
    mean = float(shift @ shift)
    influences = solved.influences()
    order = np.argsort(-influences, kind="stable")
    count = max(1, round(LEFT_OUT * fake.n))
    kept = np.sort(order[count:])
    (without,) = distances_of_parts(real, fake, [kept])
    level, spread = _of_real_sets(real, fake.n, rng)
    worst, best = order[:INFLUENCES], order[::-1][:INFLUENCES]
    positions = fake.sample_index
    return Distance(
        extractor, fake.n, solved.value, max(0.0, solved.value - half), solved.value + half, mean,
        max(0.0, solved.value - mean), level, spread,
        _positions(positions, worst), _positions(positions, best),
        tuple(float(influences[row]) for row in (*worst, *best)), float(without), count,
        tuple(_directions(real, fake, shift, solved.value, name_of)),
    )  # fmt: skip


def _positions(positions: np.ndarray, rows: np.ndarray) -> tuple[int, ...]:
    return tuple(int(positions[row]) for row in rows)


def _of_real_sets(real: FeatureSet, n: int, rng: np.random.Generator) -> tuple[float | None, float | None]:
    """Return the mean distance of real sets of ``n`` images, and its spread; None where too few are known."""
    if len(real.sample) < 2 * n:
        return None, None
    whole = FeatureSet.of(np.asarray(real.sample, np.float32))
    parts = [np.sort(rng.choice(len(real.sample), n, replace=False)) for _ in range(_REAL_SETS)]
    found = distances_of_parts(real, whole, parts)
    # Three sets say little of the spread; that of a set's own interval comes beside it.
    return float(found.mean()), float(max(found.std(ddof=1), 0.02 * found.mean()))


def _directions(
    real: FeatureSet, fake: FeatureSet, shift: np.ndarray, value: float, name_of: Callable[[int], str]
) -> list[Direction]:
    """Return the directions of the largest differences: those of (S_r^1/2 - S_f^1/2)^2 and the shift of the means."""
    found = []
    for axis in _axes(_root(real) - _root(fake), shift):
        spreads = [float(np.sqrt(max(axis @ features.moments.cov @ axis, 0.0))) for features in (real, fake)]
        moved = float(axis @ shift)
        along = (fake.sample - fake.moments.mean) @ axis
        order = np.argsort(along, kind="stable")
        known = np.asarray(real.sample, np.float32) @ axis.astype(np.float32)
        ends = np.argsort(known, kind="stable")
        carried = moved**2 + (spreads[0] - spreads[1]) ** 2
        found.append(
            Direction(
                min(1.0, carried / max(value, 1e-12)), moved / max(spreads[0], 1e-12),
                spreads[1] / max(spreads[0], 1e-12),
                _positions(fake.sample_index, order[:ENDS]), _positions(fake.sample_index, order[::-1][:ENDS]),
                tuple(name_of(int(real.sample_index[row])) for row in ends[:ENDS]),
                tuple(name_of(int(real.sample_index[row])) for row in ends[::-1][:ENDS]),
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: -one.share)


def _axes(difference: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return the eigenvectors of ``difference^2 + shift shift'`` of the largest eigenvalues, (``DIRECTIONS``, D)."""
    from scipy.linalg import eigh

    size = len(shift)
    whole = difference @ difference + np.outer(shift, shift)
    axes = eigh(whole, subset_by_index=(max(0, size - DIRECTIONS), size - 1), overwrite_a=True, check_finite=False)[1]
    return np.asarray(axes[:, ::-1].T)


def _root(features: FeatureSet) -> np.ndarray:
    """Return the symmetric square root of the covariance, (D, D)."""
    if not are_few(features):
        values, axes = np.linalg.eigh(features.moments.cov)
        return np.asarray((axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T)
    # Of few images: C C' = S has the root C (C' C)^-1/2 C', of matrices as small as their number.
    factor, _ = factor_of(features)
    values, axes = np.linalg.eigh(factor.T @ factor)
    used = values > 1e-12 * values[-1]
    mapped = factor @ axes[:, used]
    return np.asarray((mapped / np.sqrt(values[used])) @ mapped.T)
