"""The contract of a metric, as a check that every one must pass: ours, and those of other packages."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.variation import variance_of
from ganbench.metrics.varying import vary
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.known import CodedImages, HeldOut, KnownImages
from ganbench.statistics.packets import PacketSet
from ganbench.statistics.paths import PathSet
from ganbench.statistics.pixels import PixelSet
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import LENGTH, SIGNATURE
from ganbench.system.contract import require

_REAL, _FAKE = 1500, 1200  # images: more than any metric of ours asks for
_SIZE, _CLASSES = 6, 5


def check_metric(metric: Metric) -> None:
    """Check the contract of a metric.

    It takes ``real=``, ``fake=`` and ``seed=`` by keyword and
    nothing by position, so that nobody swaps the sides. It is pure: equal arguments give equal estimates, and the
    arrays stay as they are. Its interval holds its value. Its detail, which becomes part of the protocol, does not
    depend on the images. How it varies, for comparisons, is said of the same value, and of every image. No images at
    all are a ``MetricError``, and so is one image where there is nothing to say
    of one. (Its name, version, direction and needs were checked when it was made.)

    Args:
        metric: what :func:`~ganbench.metrics.base.metric` made.

    Raises:
        AssertionError: with what is wrong.
    """
    require(isinstance(metric, Metric), f"{metric!r} is no Metric: decorate the function with @metric(...)")
    name = metric.name
    require(bool(metric.title), f"{name}: there is no title for tables")
    _check_signature(metric)
    first = _computed(metric, seed=0)
    _check_estimate(name, first, _FAKE)
    _check_purity(metric, first)
    other = _computed(metric, seed=1)
    require(
        other.detail == first.detail,
        f"{name}: its detail depends on the images ({first.detail!r}, {other.detail!r}), so that no two values compare",
    )
    _check_few(metric)
    _check_variation(metric, first)


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
    require(estimate.n == count, f"{name}: n must be the {count} fake images, not {estimate.n}")
    low, high = estimate.low, estimate.high
    require((low is None) == (high is None), f"{name}: an interval has two ends, or none: {low}, {high}")
    if low is not None and high is not None:
        require(bool(estimate.interval), f"{name}: the method of its interval is not named")


def _check_purity(metric: Metric, first: Estimate) -> None:
    real, fake = _sides(metric, _FAKE, seed=0)
    kept = copy.deepcopy((real, fake))
    again = metric(real=real, fake=fake, seed=3)
    require(again == first, f"{metric.name}: equal arguments gave {first} and {again}")
    for mine, before in zip((real, fake), kept, strict=True):
        require(_same(mine, before), f"{metric.name}: it changes the arrays that it is given")


def _computed(metric: Metric, *, seed: int) -> Estimate:
    real, fake = _sides(metric, _FAKE, seed=seed)
    try:
        return metric(real=real, fake=fake, seed=3)
    except MetricError as e:
        raise AssertionError(f"{metric.name}: {_FAKE} images gave no value: {e}") from e


def _check_variation(metric: Metric, first: Estimate) -> None:
    real, fake = _sides(metric, _FAKE, seed=0)
    try:
        found = vary(metric, real=real, fake=fake, seed=3)
    except MetricError:
        return  # half the images may be too few for it
    require(
        abs(found.value - first.value) <= 1e-6 * (1 + abs(first.value)) and found.n == first.n,
        f"{metric.name}: its variation is of {found.value} of {found.n} images, its value {first.value} of {first.n}",
    )
    for what, rows in (("each", found.each), ("trials", found.trials)):
        require(rows is None or rows.shape == (_FAKE,), f"{metric.name}: its variation has no {what} of every image")
    require(
        found.units is not None or math.isfinite(variance_of(found)[0]), f"{metric.name}: its variance is no number"
    )


def _check_few(metric: Metric) -> None:
    for count in (0, 1):
        try:
            real, fake = _sides(metric, count, seed=0)
            metric(real=real, fake=fake, seed=0)
        except MetricError:
            continue
        except Exception as e:
            raise AssertionError(
                f"{metric.name}: {count} images must be a MetricError, or a value, not {type(e).__name__}: {e}"
            ) from e
        require(count > 0, f"{metric.name}: no images gave a value; it must be a MetricError")


def _sides(metric: Metric, count: int, *, seed: int) -> tuple[Any, Any]:
    """Return random sides of the kind that a metric reads; a seed gives the same ones."""
    rng = np.random.default_rng(seed)
    makers: dict[str, Callable[[np.random.Generator, int], object]] = {
        "pixels": _pixels, "detections": _detections, "paths": _paths,
    }  # fmt: skip
    if metric.needs in makers:
        return None, makers[metric.needs](rng, count)
    if metric.needs == "packets":
        return _packets(rng, _REAL), _packets(rng, count)
    if metric.needs == "index":
        return _known(rng), _coded(rng, count)
    return _features(rng, _REAL), _features(rng, count)


def _known(rng: np.random.Generator) -> KnownImages:
    features = rng.normal(size=(_REAL, _SIZE)).astype(np.float32)
    projection = Projection.of(FeatureSet.of(features).moments)
    signatures = rng.integers(0, 256, (_REAL, LENGTH), np.uint8)
    nearest = rng.uniform(0.5, 1.5, _REAL).astype(np.float32)
    names = [f"{number}.png" for number in range(_REAL)]
    index = ImageIndex(projection, projection.encode(features), signatures, SIGNATURE, nearest, np.arange(_REAL), names)
    return KnownImages(index, HeldOut(1000, 10, 250))


def _coded(rng: np.random.Generator, count: int) -> CodedImages:
    codes = rng.integers(-127, 128, (count, _SIZE)).astype(np.int8)
    return CodedImages(codes, rng.integers(0, 256, (count, LENGTH), np.uint8), np.arange(count), count)


def _features(rng: np.random.Generator, count: int) -> FeatureSet:
    return FeatureSet.of(rng.normal(size=(count, _SIZE)), rng.normal(size=(count, _CLASSES)).astype(np.float32))


def _pixels(rng: np.random.Generator, count: int) -> PixelSet:
    return PixelSet.of([f"{number:064x}" for number in rng.integers(0, 2 * count + 1, count)])


def _paths(rng: np.random.Generator, count: int) -> PathSet:
    return PathSet(rng.gamma(2, 1, count))


def _packets(rng: np.random.Generator, count: int) -> PacketSet:
    return PacketSet.of(rng.integers(0, 256, (count, 8, 8, 3), np.uint8))


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
