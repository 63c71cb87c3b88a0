"""The contract of metrics: every registered one keeps it, and the check finds what breaks it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import pytest

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.registry import METRICS
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.testing import check_metric


@pytest.mark.parametrize("name", list(METRICS))
def test_metrics(name: str) -> None:
    check_metric(METRICS[name])


def _shift(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """A right one, from which the wrong ones below differ in one thing."""
    del seed
    if fake.n < 2:
        raise MetricError("at least 2")
    value = float(np.linalg.norm(real.moments.mean - fake.moments.mean))
    return Estimate(value, 0.0, 2 * value, "made up", fake.n)


RIGHT = Metric("shift", 1, "Shift of the mean", "lower", "moments", _shift)
CALLS = itertools.count()


def _changed(change: Callable[[Estimate], Estimate]) -> Callable[..., Estimate]:
    return lambda *, real, fake, seed=0: change(_shift(real=real, fake=fake, seed=seed))


def _by_position(real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    return _shift(real=real, fake=fake, seed=seed)


def _scribbles(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    estimate = _shift(real=real, fake=fake, seed=seed)
    fake.sample[0] += 1
    return estimate


def _careless(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    return _shift(real=real, fake=real if fake.n < 2 else fake, seed=seed)


def _crashes(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    if not fake.n:
        raise ZeroDivisionError("n")
    return _shift(real=real, fake=fake, seed=seed)


def _no_seed(*, real: FeatureSet, fake: FeatureSet) -> Estimate:
    return _shift(real=real, fake=fake)


def test_a_right_one_passes() -> None:
    check_metric(RIGHT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": ""}, "no title"),
        ({"compute": _by_position}, "takes real, fake, seed by position"),
        ({"compute": _no_seed}, "it must take fake, real, seed"),
        ({"compute": _scribbles}, "changes the arrays"),
        ({"compute": _careless}, "no images gave a value"),
        ({"compute": _crashes}, "must be a MetricError, or a value, not ZeroDivisionError"),
        ({"compute": _changed(lambda e: e.value)}, "must return an Estimate"),
        (
            {"compute": _changed(lambda e: dataclasses.replace(e, value=float("nan")))},
            "1200 images gave no value: its va",
        ),
        ({"compute": _changed(lambda e: dataclasses.replace(e, low=2 * e.value))}, "does not hold its value"),
        ({"compute": _changed(lambda e: dataclasses.replace(e, low=None))}, "two ends, or none"),
        ({"compute": _changed(lambda e: dataclasses.replace(e, interval=""))}, "not named"),
        ({"compute": _changed(lambda e: dataclasses.replace(e, n=7))}, "n must be the 1200 fake images"),
        ({"compute": _changed(lambda e: dataclasses.replace(e, value=e.value / (1 + next(CALLS))))}, "gave"),
        ({"compute": _changed(lambda e: dataclasses.replace(e, detail=f"{e.value}"))}, "detail depends on the images"),
    ],
)
def test_a_wrong_one_is_found_out(change: dict[str, object], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_metric(dataclasses.replace(RIGHT, **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "my[metric]"}, "cannot be a metric's name"),
        ({"name": ""}, "cannot be a metric's name"),
        ({"version": 0}, "whole number from 1"),
        ({"better": "smaller"}, "better is 'smaller', not one of lower, higher, none"),
        ({"needs": "feelings"}, "needs is 'feelings', not one of moments, features"),
    ],
)
def test_what_is_no_metric_cannot_be_made(change: dict[str, object], message: str) -> None:
    with pytest.raises(MetricError, match=message):
        dataclasses.replace(RIGHT, **change)


def test_an_estimate_holds_finite_floats() -> None:
    estimate = Estimate(np.float32(0.5), np.int64(0), 1, "made up", 3)
    assert [type(number) for number in (estimate.value, estimate.low, estimate.high)] == [float] * 3
    for wrong in ({"value": float("nan")}, {"value": None}, {"value": "1"}, {"low": -float("inf")}):
        with pytest.raises(MetricError, match=f"its {next(iter(wrong))} is .*no finite number"):
            dataclasses.replace(estimate, **wrong)


def test_a_set_of_detections_counts_images_without_a_box() -> None:
    box, none = (np.array([[1, 2, 3, 4.0]]), np.array([0.9])), (np.zeros((0, 4)), np.zeros(0))
    two = (np.array([[0, 0, 1, 1], [5, 5, 9, 9]]), np.array([0.3, 0.7]))
    found = DetectionSet.of([none, box, none, two], (48, 64))
    assert found.n == 4
    assert found.image_size == (48, 64)
    assert found.image.tolist() == [1, 3, 3]
    assert found.counts.tolist() == [0, 1, 0, 2]
    np.testing.assert_allclose(found.best, [0, 0.9, 0, 0.7])
    assert DetectionSet.of([none], (48, 64)).best.tolist() == [0]
    with pytest.raises(MetricError, match="images 0 to 1, in order"):
        DetectionSet(2, np.array([1, 0]), np.zeros((2, 4)), np.zeros(2), (48, 64))
    with pytest.raises(MetricError, match="2 boxes, but arrays"):
        DetectionSet(2, np.array([0, 1]), np.zeros((2, 3)), np.zeros(2), (48, 64))
