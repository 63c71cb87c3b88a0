"""The page of a diagnosis: every finding with its evidence and remedy, and the curves that it was told from."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np

import ganbench
from ganbench.doctor.diagnosis import Diagnosis
from ganbench.doctor.finding import DISCRIMINATOR, GENERATOR
from ganbench.doctor.records import Records, Series
from ganbench.doctor.rules_layers import relative_steps
from ganbench.report.pictures import Picture, figure_of, sheet_of
from ganbench.report.templates import environment
from ganbench.system.style import COLOURS, DASHES, drawing, label, legend_below

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHARE = "share of pairs told apart"
_PANELS = {
    "loss": ("discriminator_loss", "generator_loss"),
    "score": ("real_score", "fake_score", "held_out_score"),
    _SHARE: ("told_apart",),
    "variety, share of the range": ("made_variety", "real_variety"),
    "relative step": (DISCRIMINATOR, GENERATOR),
}
_SHOWN = 4  # sample sheets
_SAMPLES = 16  # of each


def make_doctor_page(found: Diagnosis, *, dated: bool = True) -> str:
    """Return the page; everything it shows is inside the one file.

    Args:
        found: the diagnosis.
        dated: whether it says of which day it is.
    """
    return (
        environment()
        .get_template("doctor.html")
        .render(
            found=found,
            steps=f"{found.records.last:,}",
            name=_name(found.records.label),
            pictures=[(title, figure_of(figure)) for title, figure in course_figures(found).items()],
            sheets=_sheets(found.records),
            recorded=found.recorded(),
            version=ganbench.__version__,
            today=datetime.date.today().isoformat() if dated else "",
        )
    )


def course_figures(found: Diagnosis) -> dict[str, Figure]:
    """Draw what was recorded over steps, a figure per kind of number; a dotted line where a finding could be told.

    Returns:
        Figures by what they show, small: side by side on a wide screen, and one below the other on a phone.
    """
    drawn = {title: series for title, names in _PANELS.items() if (series := _drawn(found.records, names))}
    return {title: _figure(found, title, series) for title, series in drawn.items()}


def _name(path: str) -> str:
    """Return the last part of a path or a URL: what a run is called."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def _drawn(records: Records, names: tuple[str, ...]) -> dict[str, Series]:
    """Return the series of a panel that there are."""
    found = {name: records.get(name) for name in names}
    for network in (DISCRIMINATOR, GENERATOR):
        if network in names and network in records.layers:
            found[network] = Series(*relative_steps(records.layers[network]))
    return {name: series for name, series in found.items() if len(series)}


def _figure(found: Diagnosis, title: str, drawn: dict[str, Series]) -> Figure:
    with drawing("screen", 5, 2.9) as figure:
        axes = figure.subplots()
        for (name, series), colour, dash in zip(drawn.items(), COLOURS, DASHES, strict=False):
            whole = np.isfinite(series.values)
            axes.plot(
                series.steps[whole], series.values[whole], color=colour, linestyle=dash, label=name.replace("_", " ")
            )
        largest = max(float(np.abs(s.values[np.isfinite(s.values)]).max(initial=0)) for s in drawn.values())
        if largest > 1000:
            axes.set_yscale("symlog", linthresh=1)
        if title == _SHARE:
            axes.set_ylim(-0.02, 1.02)
        for finding in found.grave:
            axes.axvline(finding.when, color="0.2", linewidth=1.2, linestyle=":")
        axes.set_title(label(f"{title}: {_name(found.records.label)}"))
        axes.set_xlabel("discriminator step")
        if len(drawn) > 1:
            legend_below(figure, *axes.get_legend_handles_labels())
    return figure


def _sheets(records: Records) -> list[tuple[int, Picture]]:
    """Return some of the sample sheets, the first and the last among them, with their steps."""
    sheets = records.sheets
    if len(sheets) > _SHOWN:
        sheets = tuple(sheets[i] for i in np.linspace(0, len(sheets) - 1, _SHOWN).round().astype(int))
    return [(sheet.step, sheet_of(sheet.pixels[:_SAMPLES])) for sheet in sheets]
