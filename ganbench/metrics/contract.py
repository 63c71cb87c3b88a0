"""The contract of a metric, as a check that every one must pass: ours, and those of other packages."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Better, Estimate, Metric, Needs
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.pixels import PixelSet
from ganbench.system.contract import require

_REAL, _FAKE = 1500, 1200  # images: more than any metric of ours asks for
_SIZE, _CLASSES = 6, 5


def check_metric(metric: Metric) -> None:
    """Check the contract of a metric.

    It has a name, a version, a direction and what it needs. It takes ``real=``, ``fake=`` and ``seed=`` by keyword and
    nothing by position, so that nobody swaps the sides. It is pure: equal arguments give equal estimates, and the
    arrays stay as they are. Its interval holds its value. Its detail, which becomes part of the protocol, does not
    depend on the images. No images at all are a ``MetricError``, and so is one image where there is nothing to say
    of one.

    Args:
        metric: what :func:`~ganbench.metrics.base.metric` made.

    Raises:
        AssertionError: with what is wrong.
    """
    require(isinstance(metric, Metric), f"{metric!r} is no Metric: decorate the function with @metric(...)")
    name = metric.name
    require(bool(name) and not set(name) & set("[];,| "), f"{name!r} cannot be a result's id")
    require(
        isinstance(metric.version, int) and metric.version >= 1, f"{name}: the version must be a whole number from 1"
    )
    require(metric.better in get_args(Better), f"{name}: better is {metric.better!r}, not one of {get_args(Better)}")
    require(metric.needs in get_args(Needs), f"{name}: needs is {metric.needs!r}, not one of {get_args(Needs)}")
    require(bool(metric.title), f"{name}: there is no title for tables")
    _check_signature(metric)
    real, fake = _sides(metric, _FAKE, seed=0)
    first = metric(real=real, fake=fake, seed=3)
    _check_estimate(name, first, _FAKE)
    _check_purity(metric, first)
    other = metric(**dict(zip(("real", "fake"), _sides(metric, _FAKE, seed=1), strict=True)), seed=3)
    require(
        other.detail == first.detail,
        f"{name}: its detail depends on the images ({first.detail!r}, {other.detail!r}), so that no two values compare",
    )
    _refuses(metric, 0)


def _check_signature(metric: Metric) -> None:
    parameters = inspect.signature(metric.compute).parameters
    wanted = {"real", "fake", "seed"} | ({"pairs"} if metric.uses_pairs else set())
    anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    require(anything or wanted <= set(parameters), f"{metric.name}: it must take {', '.join(sorted(wanted))}")
    positional = [
        p.name
        for p in parameters.values()
        if p.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    require(
        not positional,
        f"{metric.name}: it takes {', '.join(positional)} by position: put a * first, or the sides get swapped",
    )


def _check_estimate(name: str, estimate: Estimate, count: int) -> None:
    require(isinstance(estimate, Estimate), f"{name}: it must return an Estimate, not {type(estimate).__name__}")
    require(
        isinstance(estimate.value, float) and math.isfinite(estimate.value),
        f"{name}: the value must be a finite float, not {estimate.value!r}",
    )
    require(estimate.n == count, f"{name}: n must be the {count} fake images, not {estimate.n}")
    low, high = estimate.low, estimate.high
    require((low is None) == (high is None), f"{name}: an interval has two ends, or none: {low}, {high}")
    if low is not None and high is not None:
        require(low <= estimate.value <= high, f"{name}: {estimate.value} lies outside its interval {low} to {high}")
        require(bool(estimate.interval), f"{name}: the method of its interval is not named")


def _check_purity(metric: Metric, first: Estimate) -> None:
    real, fake = _sides(metric, _FAKE, seed=0)
    kept = copy.deepcopy((real, fake))
    again = metric(real=real, fake=fake, seed=3)
    require(again == first, f"{metric.name}: equal arguments gave {first} and {again}")
    for mine, before in zip((real, fake), kept, strict=True):
        require(_same(mine, before), f"{metric.name}: it changes the arrays that it is given")


def _refuses(metric: Metric, count: int) -> None:
    try:
        real, fake = _sides(metric, count, seed=0)
        metric(real=real, fake=fake, seed=0)
    except MetricError:
        return
    except Exception as e:
        raise AssertionError(f"{metric.name}: {count} images must be a MetricError, not {type(e).__name__}: {e}") from e
    raise AssertionError(f"{metric.name}: {count} images gave a value; it must be a MetricError")


def _sides(metric: Metric, count: int, *, seed: int) -> tuple[Any, Any]:
    """Return random sides of the kind that a metric reads; a seed gives the same ones."""
    rng = np.random.default_rng(seed)
    makers: dict[str, Callable[[np.random.Generator, int], object]] = {"pixels": _pixels, "detections": _detections}
    if metric.needs in makers:
        return None, makers[metric.needs](rng, count)
    return _features(rng, _REAL), _features(rng, count)


def _features(rng: np.random.Generator, count: int) -> FeatureSet:
    return FeatureSet.of(rng.normal(size=(count, _SIZE)), rng.normal(size=(count, _CLASSES)).astype(np.float32))


def _pixels(rng: np.random.Generator, count: int) -> PixelSet:
    return PixelSet([f"{number:064x}" for number in rng.integers(0, 2 * count + 1, count)])


def _detections(rng: np.random.Generator, count: int) -> DetectionSet:
    found = []
    for boxes in rng.integers(0, 3, count):
        corner = rng.uniform(0, 30, (boxes, 2))
        found.append((np.hstack([corner, corner + rng.uniform(1, 30, (boxes, 2))]), rng.uniform(0, 1, boxes)))
    return DetectionSet.of(found, (64, 64))


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b)
    if hasattr(a, "__dataclass_fields__"):
        fields = [name for name in a.__dataclass_fields__ if not name.startswith("_")]
        return all(_same(getattr(a, name), getattr(b, name)) for name in fields)
    return bool(a == b)
