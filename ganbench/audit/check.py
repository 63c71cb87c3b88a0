"""What a check is: settings that are worked on one by one, wherever there is room, and a rule that judges the values.

A check never decides by what came out of it before: its rule and its thresholds are stated in its file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ganbench.audit.material import Material
from ganbench.audit.points import Point
from ganbench.audit.scale import Scale
from ganbench.metrics.base import Metric

Setting = tuple[Any, ...]  # texts and numbers; with the check's name it says all that is done
Points = Mapping[str, list[Point]]  # of one metric, by the name of the check


@dataclass(frozen=True)
class Finding:
    """What a check says of one metric.

    Attributes:
        passed: Whether it does as it should; None where the check asks nothing of such a metric, or has no value.
        text: The same in words; a clause without a full stop.
        figures: The numbers behind it, plain data.
    """

    passed: bool | None
    text: str
    figures: dict[str, Any] = field(default_factory=dict)


class Check(ABC):
    """One check; it has no state.

    Attributes:
        name: Of the check, as users call it.
        title: One line that says what it asks.
        version: Raised whenever it does something else; what was kept of older ones is not used.
        needs_material: Whether it looks at the images of the audit, or at what it draws itself alone.
    """

    name: str
    title: str
    version: int = 1
    needs_material: bool = True

    @abstractmethod
    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        """Return all that is to be worked on."""

    @abstractmethod
    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        """Return the values of every metric at one setting; equal arguments give equal values."""

    @abstractmethod
    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        """Return what the values say of a metric that has some."""

    def missing(self, material: Material) -> str:
        """Return what it lacks to be run, one clause; "" where nothing."""
        del material
        return ""
