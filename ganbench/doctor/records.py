"""What a run recorded, wherever it was recorded: the one thing that all rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


PROBED = "discriminator, probed"  # the layers that ``gradnorm.csv`` is of, beside those of the networks


@dataclass(frozen=True)
class Series:
    """A number over the steps at which it was recorded.

    Attributes:
        steps: int (N,), ascending.
        values: float (N,); NaN or infinite where the run recorded just that.
    """

    steps: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    def until(self, step: int) -> Series:
        """Return the part up to a step."""
        count = int(np.searchsorted(self.steps, step, side="right"))
        return Series(self.steps[:count], self.values[:count])


@dataclass(frozen=True)
class Scores:
    """One result of the scorecards of a training, float (N,) each; NaN where there is no interval."""

    steps: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Sheet:
    """Samples of one step, always of the same latents: uint8 (N, H, W, 3)."""

    step: int
    pixels: np.ndarray


@dataclass(frozen=True)
class Facts:
    """What is known of a run besides its numbers; None where nothing tells.

    Attributes:
        probability: whether the discriminator's answer is read as a probability (a Sigmoid, which saturates).
        penalised: whether its loss holds a term that keeps it from being confident, such as a gradient penalty.
        batch: images of a step.
        images: how many images there are to train on.
        n_critic: discriminator steps for each of the generator.
        norm: what the discriminator's layers are normalised with, as the recipe says; ``none`` for nothing.
    """

    probability: bool | None = None
    penalised: bool | None = None
    batch: int | None = None
    images: int | None = None
    n_critic: int | None = None
    norm: str | None = None


@dataclass(frozen=True)
class Records:
    """All that a run recorded.

    Attributes:
        label: how the run is called.
        numbers: by name: those of ``metrics.jsonl``, and those of ``vitals.jsonl`` other than of layers.
        layers: by network, one row per step and layer: ``step``, ``layer`` (from 1), ``name``, ``norm`` and
            ``log_norm`` of the gradient (infinite where it is not finite), ``weight_norm``, ``update`` (length of the
            step taken), ``silent`` (share of units that got no gradient), ``at_bound`` (NaN where nothing clips).
        sheets: samples, by step.
        scores: by id of the result.
        facts: what else is known.
        notes: what was read how, where that is not plain.
    """

    label: str
    numbers: Mapping[str, Series]
    layers: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    sheets: tuple[Sheet, ...] = ()
    scores: Mapping[str, Scores] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    notes: tuple[str, ...] = ()

    def get(self, name: str) -> Series:
        """Return a number's series, empty if it was not recorded."""
        return self.numbers.get(name, Series(np.zeros(0, np.int64), np.zeros(0)))

    def together(self, *names: str) -> tuple[np.ndarray, ...]:
        """Return the steps at which all of some numbers were recorded and finite, and their values: (N,) each."""
        found = [self.get(name) for name in names]
        steps = found[0].steps
        for series in found[1:]:
            steps = np.intersect1d(steps, series.steps)
        values = np.array([s.values[np.searchsorted(s.steps, steps)] for s in found]).reshape(len(names), len(steps))
        whole = np.isfinite(values).all(0)
        return (steps[whole], *values[:, whole])

    @property
    def last(self) -> int:
        """The last step of which anything is recorded; 0 if nothing is."""
        ends = [int(s.steps[-1]) for s in self.numbers.values() if len(s)]
        return max([*ends, *(sheet.step for sheet in self.sheets)], default=0)


def series_of(lines: list[dict[str, float]]) -> dict[str, Series]:
    """Return the numbers of a log's lines by name; of a step that comes twice, as in a log that a run was appended to,
    the later line counts.
    """
    columns: dict[str, dict[int, float]] = {}
    for line in lines:
        step = int(line["step"])
        for name, value in line.items():
            if name != "step":
                columns.setdefault(name, {})[step] = value
    found = {}
    for name, values in columns.items():
        steps = np.array(sorted(values), np.int64)
        found[name] = Series(steps, np.array([values[step] for step in steps.tolist()], np.float64))
    return found
