"""The synthetic sets of Raisa et al. 2025 (Position: All Current Generative Fidelity and Diversity Metrics are Flawed).

The distributions, their dimensions and the 1,000 images a side are the paper's. Two things are not: there are fewer
settings along a line (its criteria read the ends, one setting between and the extremes), and numbers of images go up to
3,000 where the paper goes to 10,000. Every set is drawn with a seed of its own, as the paper's authors do since they
found that theirs could not be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

COUNT = 1000  # real and fake images, but where their number is what is changed
_SIZES = (100, 3000)
_MODES = 10
_WIDTHS = {1: 1 / 6, 8: 1 / 3, 64: 1.0}  # of the modes of a mixture, by dimension
_REACH = {1: 6.0, 8: 3.0, 64: 1.0}  # of shifts
_DECADES = {1: 3.0, 8: 1.0, 64: 0.5}  # of widths
_OVERLAP = 0.2  # of the volume of two cubes
_TAIL = 1.01  # of Pareto's law
_CENTRES = np.array(
    [(5.5, -4.1), (4.9, -13.6), (-16.4, 9.1), (-2.2, 12.5), (11.6, -5.0), (-24.6, 14.2), (16.8, -3.2), (-5.5, -6.8),
     (9.5, 1.1), (-5.4, -17.3)]
)  # fmt: skip

Random = np.random.Generator
Draw = Callable[[Random, Any, float], np.ndarray]


def normal(rng: Random, variant: Any, x: float) -> np.ndarray:
    """Return the standard normal distribution; the dimension is the variant, or the last of it."""
    return rng.standard_normal((COUNT, variant[-1] if isinstance(variant, tuple) else variant))


def shifted(rng: Random, variant: Any, x: float) -> np.ndarray:
    """Return the same, with every mean at x."""
    return normal(rng, variant, x) + x


def with_outlier(rng: Random, variant: Any, x: float, *, side: str, draw: Draw) -> np.ndarray:
    """Return a set, and one image at the far end of all shifts if the variant is of this side."""
    points = draw(rng, variant, x)
    if variant[0] != side:
        return points
    return np.vstack([points, np.full((1, variant[1]), _REACH[variant[1]])])


def widened(rng: Random, variant: Any, x: float) -> np.ndarray:
    """Return the normal distribution, x times as wide."""
    return normal(rng, variant, x) * x


def mixture(rng: Random, variant: int, weights: np.ndarray) -> np.ndarray:
    """Return ten modes on a diagonal with given weights, which add up to 1."""
    mode = rng.choice(_MODES, COUNT, p=weights)
    centres = np.linspace(0, 10, _MODES)[mode][:, None]
    return centres + _WIDTHS[variant] * rng.standard_normal((COUNT, variant))


def all_modes(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return ten modes of equal weight."""
    return mixture(rng, variant, np.full(_MODES, 1 / _MODES))


def faded_modes(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return ten modes, where all but the first have lost the share x."""
    weights = np.append(1.0, np.full(_MODES - 1, 1 - x))
    return mixture(rng, variant, weights / weights.sum())


def fewer_modes(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return ten modes without the last x."""
    kept = np.arange(_MODES) < _MODES - x
    return mixture(rng, variant, kept / kept.sum())


def first_centres(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return the first x of ten modes in the plane; the variant is how many there are really."""
    mode = rng.integers(int(x), size=COUNT)
    return _CENTRES[mode] + 0.25 * rng.standard_normal((COUNT, 2))


def real_centres(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return the first ``variant`` of ten modes in the plane."""
    return first_centres(rng, variant, variant)


def surface(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return the surface of a ball with radius x."""
    points = rng.standard_normal((COUNT, variant))
    return x * points / np.linalg.norm(points, axis=1, keepdims=True)


def surface_of_one(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return the surface of the ball with radius 1."""
    return surface(rng, variant, 1.0)


def cube(rng: Random, variant: int, x: float, *, away: bool, count: int | None = None) -> np.ndarray:
    """Return the unit cube with x images, or ``count``; moved so that a fifth overlaps, if ``away``."""
    shift = 1 - _OVERLAP ** (1 / variant) if away else 0.0
    return rng.random((count or int(x), variant)) + shift


def ball_or_torus(rng: Random, variant: str, x: float, *, real: bool) -> np.ndarray:
    """Return a ball of radius 0.8 and a torus around it; ``variant`` is which of them is real; x images if fake."""
    count = COUNT if real else int(x)
    if (variant == "ball") == real:
        points = rng.standard_normal((count, 3))
        return 0.8 * rng.random((count, 1)) ** (1 / 3) * points / np.linalg.norm(points, axis=1, keepdims=True)
    around, across, out = rng.random((3, count)) * 2 * np.pi
    width = 0.1 * np.sqrt(out / (2 * np.pi))
    ring = 1 + width * np.cos(across)
    return np.stack([ring * np.cos(around), ring * np.sin(around), width * np.sin(across)], axis=1)


def two_modes(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return two modes that are x apart in every dimension."""
    return rng.choice([-0.5, 0.5], (COUNT, 1)) * x + rng.standard_normal((COUNT, variant))


def one_mode(rng: Random, variant: int, x: float) -> np.ndarray:
    """Return one mode that is as wide as two and more."""
    return np.sqrt(1 + x * x) * rng.standard_normal((COUNT, variant))


def scaled_apart(rng: Random, variant: int, x: float, *, away: bool) -> np.ndarray:
    """Return two dimensions: the first tells real and fake apart, the second is x times as wide."""
    return rng.standard_normal((COUNT, 2)) * (1, x) + (6 * away, 0)


def beside_pareto(rng: Random, variant: int, x: float, *, away: bool) -> np.ndarray:
    """Return a normal dimension with its mean at x if ``away``, and one with Pareto's heavy tail."""
    return np.stack([rng.standard_normal(COUNT) + x * away, 1 + rng.pareto(_TAIL, COUNT)], axis=1)


def one_apart(rng: Random, variant: int, x: float, *, away: bool) -> np.ndarray:
    """Return x dimensions that are alike, beside one that tells real and fake apart."""
    points = rng.standard_normal((COUNT, int(x) + 1))
    points[:, 0] += 6 * away
    return points


def rounded(rng: Random, variant: str, x: float, *, side: str) -> np.ndarray:
    """Return a normal distribution x wide; of whole numbers if ``variant`` is this side."""
    points = x * rng.standard_normal((COUNT, 1))
    return np.round(points) if variant == side else points


def around_zero(variant: Any, points: int) -> list[float]:
    """Return shifts from one end to the other, 0 among them."""
    reach = _REACH[variant[-1] if isinstance(variant, tuple) else variant]
    return list(np.linspace(-reach, reach, points))


def widths(variant: int, points: int) -> list[float]:
    """Return widths from narrow to wide, 1 among them."""
    return list(np.logspace(-_DECADES[variant], _DECADES[variant], points))


def fractions(variant: int, points: int) -> list[float]:
    """Return shares from 0 to 1, 0.96 among them."""
    return [*np.linspace(0, 0.96, points - 1), 1.0]


def radii(variant: int, points: int) -> list[float]:
    """Return radii from small to large, 1 among them."""
    return list(np.linspace(0.1, 1.9, points))


def numbers(variant: Any, points: int) -> list[float]:
    """Return numbers of images from 100 to 3,000."""
    return [int(n) for n in np.geomspace(*_SIZES, points).round()]


def distances(variant: int, points: int) -> list[float]:
    """Return distances of two modes from 0 to 5."""
    return list(np.linspace(0, 5, points))


def scales(variant: Any, points: int) -> list[float]:
    """Return scales from a thousandth to a thousand."""
    return list(np.logspace(-3, 3, points))


def grains(variant: Any, points: int) -> list[float]:
    """Return widths from 1 to 1,000 steps of a discrete distribution."""
    return list(np.logspace(0, 3, points))


def dimensions(variant: Any, points: int) -> list[float]:
    """Return numbers of dimensions from 1 to 1,000."""
    return sorted({int(n) for n in np.logspace(0, 3, points).round()})
