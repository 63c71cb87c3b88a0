"""What a metric is, what it returns, and the registry of all metrics.

A new metric is one file: a function that returns an :class:`Estimate`, under :func:`register`, imported once in
``ganbench/metrics/__init__.py``. The command line, the tables and the exports read the registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ganbench.registry import Registry

Better = Literal["lower", "higher", "none"]
Needs = Literal["features", "moments", "logits"]


@dataclass(frozen=True)
class Estimate:
    """One measured number.

    Attributes:
        value: The number, in the metric's unit.
        low: Lower end of the interval, or None where there is none.
        high: Upper end of the interval, or None where there is none.
        interval: Name of the interval's method; 95 % unless the name says otherwise.
        n: Fake images that the value rests on.
        seed: Seed of the random choices made, or None when nothing was random.
        detail: Settings that belong to the protocol (``"k=3, real sample 3000"``). It never depends on the values, so
            that rows with equal protocols compare.
        warnings: Plain sentences about what limits this number.
    """

    value: float
    low: float | None
    high: float | None
    interval: str
    n: int
    seed: int | None = None
    detail: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """A registered metric.

    Attributes:
        name: Result id on any features, such as ``fd``.
        title: Full name for tables.
        better: Direction in which the number improves.
        unit: Unit of the value: ``""`` (a plain number), ``"share"`` (0 to 1), ``"classes"``.
        needs: What it reads: ``"moments"`` (mean and covariance), ``"features"`` (the feature sample), ``"logits"``.
        inception_name: Result id on Inception features where the field has a name of its own for it, such as ``fid``.
        compute: ``compute(*, real, fake, seed=0) -> Estimate``; takes ``pairs=`` as well when ``uses_pairs``.
        default: Computed when the user names no metrics.
        uses_pairs: Reads the neighbours that several metrics share (:class:`~ganbench.metrics.neighbours.Pairs`).
    """

    name: str
    title: str
    better: Better
    unit: str
    needs: Needs
    inception_name: str | None
    compute: Callable[..., Estimate]
    default: bool = True
    uses_pairs: bool = False


METRICS: Registry[Metric] = Registry("metric")


def register(
    name: str,
    *,
    title: str,
    better: Better,
    needs: Needs,
    unit: str = "",
    inception_name: str | None = None,
    default: bool = True,
    uses_pairs: bool = False,
) -> Callable[[Callable[..., Estimate]], Callable[..., Estimate]]:
    """Register the decorated function as the metric ``name``; see :class:`Metric` for the fields."""

    def add(compute: Callable[..., Estimate]) -> Callable[..., Estimate]:
        METRICS.add(name, Metric(name, title, better, unit, needs, inception_name, compute, default, uses_pairs))
        return compute

    return add
