"""What a metric is, and what it returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, get_args

from ganbench.errors import MetricError
from ganbench.metrics.variation import Variation

Better = Literal["lower", "higher", "none"]
Needs = Literal["moments", "features", "logits", "index", "detections", "pixels", "packets", "paths"]
Asks = Literal["distance", "fidelity", "diversity", "repeats", "copies", ""]
_RANGES = {"share": (0.0, 1.0), "classes": (1.0, math.inf)}  # of values, by their unit


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
        p: Of a test that the metric makes: the chance of such a value, or a worse one, where there is nothing wrong;
            None without a test.

    Raises:
        MetricError: the value, or an end of the interval, is no finite number, the interval does not hold the value, or
            ``p`` is no probability.
    """

    value: float
    low: float | None
    high: float | None
    interval: str
    n: int
    seed: int | None = None
    detail: str = ""
    warnings: tuple[str, ...] = ()
    p: float | None = None

    def __post_init__(self) -> None:
        for what in ("value", "low", "high"):
            number = getattr(self, what)
            if number is None and what != "value":
                continue
            if not (isinstance(number, Real) and math.isfinite(number)):
                raise MetricError(f"its {what} is {number!r}, and no finite number.")
            object.__setattr__(self, what, float(number))  # NumPy's numbers are not all written to files
        if self.p is not None:
            if not (isinstance(self.p, Real) and 0 <= self.p <= 1):
                raise MetricError(f"its p is {self.p!r}, and no probability.")
            object.__setattr__(self, "p", float(self.p))
        if not holds(self.value, self.low, self.high):
            raise MetricError(f"its interval, {self.low} to {self.high}, does not hold its value, {self.value}.")


def holds(value: float, low: float | None, high: float | None) -> bool:
    """Tell whether an interval holds its value, but for rounding."""
    slack = 1e-9 * max(abs(number) for number in (value, low or 0.0, high or 0.0))
    return (low is None or low <= value + slack) and (high is None or high >= value - slack)


@dataclass(frozen=True)
class Metric:
    """A metric: a function of ``real=`` and ``fake=``, and what a reader must know of it. Made by :func:`metric`.

    Attributes:
        name: Result id, such as ``fd``.
        version: Raised whenever the formula changes; it is in the protocol, and values of different versions never
            compare.
        title: Full name for tables.
        better: Direction in which the number improves; ``"none"``: it is shown and never ranked.
        needs: What it reads. ``"moments"`` (mean and covariance), ``"features"`` (the feature sample) and ``"logits"``:
            both sides are a :class:`~ganbench.statistics.features.FeatureSet`. ``"index"``: ``real`` is a
            :class:`~ganbench.statistics.known.KnownImages`, every real image under one extractor, and ``fake`` a
            :class:`~ganbench.statistics.known.CodedImages`. ``"detections"``: ``fake`` is a
            :class:`~ganbench.statistics.detections.DetectionSet`; ``"pixels"``: a
            :class:`~ganbench.statistics.pixels.PixelSet`; ``real`` is None for both of them. ``"packets"``: both sides
            are a :class:`~ganbench.statistics.packets.PacketSet`. ``"paths"``: ``fake`` is a
            :class:`~ganbench.statistics.paths.PathSet` of a generator, and no images have one; ``real`` is None.
        compute: ``compute(*, real, fake, seed=0) -> Estimate``; takes ``pairs=`` as well when ``uses_pairs``.
        unit: Unit of the value: ``""`` (a plain number), ``"share"`` (0 to 1), ``"classes"``.
        inception_name: Result id on Inception features where the field has a name of its own for it, such as ``fid``.
        default: Computed when the user names no metrics.
        column: Of a metric of somebody else: shown on boards when the user names no columns, behind those of
            :data:`~ganbench.metrics.registry.HEADS`.
        uses_pairs: Reads the neighbours that several metrics share (:class:`~ganbench.metrics.neighbours.Pairs`).
        least: No value can be lower, and a file that has one is not believed; of a share 0, of classes 1.
        most: No value can be higher; of a share 1.
        decimals: How many its values have in tables, whatever they are; None: as many as they need.
        variation: ``variation(*, real, fake, seed=0)``, with ``pairs=`` as ``compute``: how the value varies, for
            comparisons of two sets; None: random halves of the images tell.
        asks: What question it answers, so that an audit knows what to expect of it: how far the distributions are apart
            (``"distance"``), whether images are good (``"fidelity"``), whether all kinds are there (``"diversity"``),
            whether images repeat each other (``"repeats"``) or real ones (``"copies"``); ``""``: not stated.
        caution: What a reader of its column must beware of, one clause without a full stop; ``""``: not stated.

    Raises:
        MetricError: a name that cannot be part of a result's id, or a field that is none of those above.
    """

    name: str
    version: int
    title: str
    better: Better
    needs: Needs
    compute: Callable[..., Estimate]
    unit: str = ""
    inception_name: str | None = None
    default: bool = True
    column: bool = False
    uses_pairs: bool = False
    least: float = -math.inf
    most: float = math.inf
    decimals: int | None = None
    variation: Callable[..., Variation] | None = None
    asks: Asks = ""
    caution: str = ""

    def __post_init__(self) -> None:
        for end, value in zip(("least", "most"), _RANGES.get(self.unit, (-math.inf, math.inf)), strict=True):
            if math.isinf(getattr(self, end)):
                object.__setattr__(self, end, value)
        name = self.name
        if not name or set(name) & set("[];,| "):
            raise MetricError(f"{name!r} cannot be a metric's name: it is part of a result's id, such as fd[lite0]")
        if not isinstance(self.version, int) or self.version < 1:
            raise MetricError(f"{name}: the version must be a whole number from 1, not {self.version!r}")
        for what, known in (("better", get_args(Better)), ("needs", get_args(Needs)), ("asks", get_args(Asks))):
            if getattr(self, what) not in known:
                raise MetricError(
                    f"{name}: {what} is {getattr(self, what)!r}, not one of {', '.join(filter(None, known))}"
                )
        object.__setattr__(self, "__doc__", self.compute.__doc__)

    @property
    def range(self) -> str:
        """The range of its values in words, such as ``0 to 1``."""
        low = "" if math.isinf(self.least) else f"{self.least:g}"
        high = "" if math.isinf(self.most) else f"{self.most:g}"
        return f"{low} to {high}" if low and high else f"{low} or more" if low else f"at most {high}" if high else "all"

    def allows(self, value: float) -> bool:
        """Tell whether a value lies in the range, but for rounding."""
        return self.least - 1e-9 <= value <= self.most + 1e-9

    def __call__(self, **sides: Any) -> Estimate:
        """Compute it; see ``compute``.

        Raises:
            MetricError: as ``compute`` does, or its value lies outside the range.
        """
        estimate = self.compute(**sides)
        if isinstance(estimate, Estimate) and not self.allows(estimate.value):
            raise MetricError(f"its value is {estimate.value:g}, and no value is: {self.name} lies in {self.range}.")
        return estimate


def metric(
    name: str,
    *,
    title: str,
    better: Better,
    needs: Needs,
    version: int = 1,
    unit: str = "",
    inception_name: str | None = None,
    default: bool = True,
    column: bool = False,
    uses_pairs: bool = False,
    least: float = -math.inf,
    most: float = math.inf,
    decimals: int | None = None,
    variation: Callable[..., Variation] | None = None,
    asks: Asks = "",
    caution: str = "",
) -> Callable[[Callable[..., Estimate]], Metric]:
    """Make the decorated function a metric; see :class:`Metric` for the fields."""

    def make(compute: Callable[..., Estimate]) -> Metric:
        return Metric(
            name, version, title, better, needs, compute, unit, inception_name, default, column, uses_pairs,
            least=least, most=most, decimals=decimals, variation=variation, asks=asks, caution=caution,
        )  # fmt: skip

    return make
