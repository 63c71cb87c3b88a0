"""The page of an explanation, and its part in the page of a scorecard: findings, directions and single images."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

import ganbench
from ganbench.errors import GanbenchError
from ganbench.explanation.distance import Direction, Distance
from ganbench.explanation.finding import Finding
from ganbench.explanation.result import Explanation
from ganbench.images.source import Source
from ganbench.report.pictures import Picture, figure_of, image_of, sheet_of
from ganbench.report.store import MakeSection, Section, Store
from ganbench.report.templates import environment
from ganbench.system.style import COLOURS, DASHES, MARKERS, drawing, legend_below

_COLUMNS = 6
_WIDE = 10  # of many images


@dataclass(frozen=True)
class FindingPart:
    """A finding with its pictures: images that show it most, and real ones."""

    finding: Finding
    percent: int
    shown: Picture | None
    real: Picture | None


@dataclass(frozen=True)
class DirectionPart:
    """A direction with the images at its ends; of real ones where they are at hand."""

    direction: Direction
    low: Picture | None
    high: Picture | None
    real_low: Picture | None
    real_high: Picture | None


@dataclass(frozen=True)
class DistancePart:
    """A distance with its pictures."""

    distance: Distance
    mean_percent: int
    worst: Picture | None
    best: Picture | None
    directions: list[DirectionPart]


@dataclass(frozen=True)
class ExplanationPart:
    """All that the templates show of an explanation."""

    found: Explanation
    findings: list[FindingPart]
    distances: list[DistancePart]
    spectrum: Picture | None
    without_real: str


def make_explanation_page(found: Explanation, source: Source, real: Source | None = None, *, dated: bool = True) -> str:
    """Return the page; everything it shows is inside the one file.

    Args:
        found: the explanation.
        source: its images, opened as they were explained.
        real: the real images of the reference; None: no real image is shown.
        dated: whether it says of which day it is.

    Raises:
        GanbenchError: images that cannot be read any more.
    """
    return (
        environment()
        .get_template("explanation.html")
        .render(
            part=explanation_part(found, source, real),
            version=ganbench.__version__,
            today=datetime.date.today().isoformat() if dated else "",
        )
    )


def explanation_section(found: Explanation | str, source: Source, real: Source | None = None) -> MakeSection:
    """Return what makes the section that the page of a scorecard leads with.

    Args:
        found: the explanation, or why there is none.
        source: the images that were scored, as they were opened.
        real: the real images of the reference; None: no real image is shown.
    """

    def make(store: Store) -> Section:
        del store  # its pictures are small, and stand in the section
        part, why = (None, found) if isinstance(found, str) else (explanation_part(found, source, real), "")
        body = environment().get_template("explanation_section.html").render(part=part, unexplained=why)
        question = "Why does it score as it does, and what can be done about it?"
        return Section("explained", "What differs from real images", question, Markup(body))

    return make


def explanation_part(found: Explanation, source: Source, real: Source | None = None) -> ExplanationPart:
    """Return what a page shows of an explanation; see ``make_explanation_page``."""
    strongest = max((one.effect for one in found.findings), default=1.0)
    findings = [
        FindingPart(
            one, _percent(one.effect, strongest), _sheet(source, one.images), _named(real, one.real_images)
        )
        for one in found.findings
    ]  # fmt: skip
    distances = [
        DistancePart(
            one, round(100 * one.mean / max(one.mean + one.covariance, 1e-12)), _sheet(source, one.worst),
            _sheet(source, one.best), [_direction(each, source, real) for each in one.directions],
        )
        for one in found.distances
    ]  # fmt: skip
    why = "" if real is not None else (
        "No real image is shown: a reference holds none. Give the real images that it was made from (--real) to see "
        "the members of a kind and the ends of a direction."
    )  # fmt: skip
    return ExplanationPart(found, findings, distances, _spectrum(found), why)


def _direction(one: Direction, source: Source, real: Source | None) -> DirectionPart:
    return DirectionPart(
        one, _sheet(source, one.low), _sheet(source, one.high), _named(real, one.real_low), _named(real, one.real_high)
    )


def _percent(effect: float, strongest: float) -> int:
    """Return the length of a bar, 0 to 100, by the logarithm: effects differ by factors."""
    return max(4, round(100 * math.log1p(effect) / math.log1p(max(strongest, 1e-9))))


def _named(real: Source | None, names: Sequence[str]) -> Picture | None:
    if real is None or not names:
        return None
    places = {name: position for position, name in enumerate(real.names) if name in set(names)}
    return _sheet(real, tuple(places[name] for name in names if name in places))


def _sheet(source: Source, positions: Sequence[int]) -> Picture | None:
    """Return images as one picture; None of none, or where they cannot be read any more."""
    try:
        images = [image_of(source, position) for position in positions]
    except GanbenchError:
        return None
    count = len(images)
    columns = _WIDE if count > 2 * _COLUMNS else math.ceil(count / 2) if count > _COLUMNS else count
    return sheet_of(np.stack(images), columns=columns) if images else None


def _spectrum(found: Explanation) -> Picture | None:
    """Return the power by frequency, of the set and of real images, as a figure."""
    own, real = found.spectrum
    if not own:
        return None
    at = (np.arange(len(own)) + 0.5) / len(own) * math.sqrt(0.5)
    decibels = 10 / math.log(10)
    with drawing("screen", 6.4, 3.4) as figure:
        axes = figure.subplots()
        for place, (name, power) in enumerate((("real images", real), ("these images", own))):
            axes.plot(
                at, np.array(power) * decibels, color=COLOURS[place], marker=MARKERS[place], linestyle=DASHES[place],
                label=name,
            )  # fmt: skip
        axes.axvline(0.5, color="#999999", linewidth=0.8)
        axes.set_xlabel("cycles a pixel (0.5: every other pixel)")
        axes.set_ylabel("power, dB")
        figure.suptitle("Power by frequency")
        legend_below(figure, *axes.get_legend_handles_labels())
    return figure_of(figure)
