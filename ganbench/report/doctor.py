"""The page of a diagnosis: every finding with its evidence and remedy, and the curves that it was told from."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np

import ganbench
from ganbench.diagnostics.figures import COLOURS, label
from ganbench.doctor.diagnosis import Diagnosis
from ganbench.doctor.finding import DISCRIMINATOR, GENERATOR
from ganbench.doctor.records import Records, Series
from ganbench.doctor.rules_layers import relative_steps
from ganbench.report.pictures import Picture, figure_of, sheet_of
from ganbench.report.templates import environment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = {
    "loss": ("discriminator_loss", "generator_loss"),
    "score": ("real_score", "fake_score", "held_out_score"),
    "share of pairs told apart": ("told_apart",),
    "variety, share of the range": ("made_variety", "real_variety"),
    "relative step": (DISCRIMINATOR, GENERATOR),
}
_COLUMNS = 2
_SHOWN = 4  # sample sheets
_SAMPLES = 16  # of each


def make_doctor_page(found: Diagnosis, *, dated: bool = True) -> str:
    """Return the page; everything it shows is inside the one file.

    Args:
        found: the diagnosis.
        dated: whether it says of which day it is.
    """
    figure = course_figure(found)
    return (
        environment()
        .get_template("doctor.html")
        .render(
            found=found,
            steps=f"{found.records.last:,}",
            picture=None if figure is None else figure_of(figure),
            sheets=_sheets(found.records),
            recorded=found.recorded(),
            version=ganbench.__version__,
            today=datetime.date.today().isoformat() if dated else "",
        )
    )


def course_figure(found: Diagnosis) -> Figure | None:
    """Draw what was recorded over steps, a panel per kind of number; a grey line where a finding could be told."""
    from matplotlib.figure import Figure

    records = found.records
    panels = {title: drawn for title, names in _PANELS.items() if (drawn := _drawn(records, names))}
    if not panels:
        return None
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(10, 0.6 + 2.4 * rows), layout="constrained")
    places = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True).ravel()
    for empty in places[len(panels) :]:
        empty.remove()
    for axes, (title, drawn) in zip(places, panels.items(), strict=False):
        _draw(axes, title, drawn)
        for finding in found.grave:
            axes.axvline(finding.when, color="gray", linewidth=0.8, linestyle=":")
    for axes in places[: len(panels)][-_COLUMNS:]:
        axes.set_xlabel("discriminator step")
        axes.tick_params(labelbottom=True)
    figure.suptitle(label(f"{records.label}: what was recorded"))
    return figure


def _drawn(records: Records, names: tuple[str, ...]) -> dict[str, Series]:
    """Return the series of a panel that there are."""
    found = {name: records.get(name) for name in names}
    for network in (DISCRIMINATOR, GENERATOR):
        if network in names and network in records.layers:
            found[network] = Series(*relative_steps(records.layers[network]))
    return {name: series for name, series in found.items() if len(series)}


def _draw(axes: Axes, title: str, drawn: dict[str, Series]) -> None:
    for number, (name, series) in enumerate(drawn.items()):
        whole = np.isfinite(series.values)
        axes.plot(
            series.steps[whole], series.values[whole], color=COLOURS[number], linestyle=("-", "--", ":")[number],
            linewidth=1.2, label=name.replace("_", " "),
        )  # fmt: skip
    axes.set_title(title, fontsize="medium", loc="left")
    axes.grid(alpha=0.3)
    largest = max(float(np.abs(s.values[np.isfinite(s.values)]).max(initial=0)) for s in drawn.values())
    if largest > 1000:
        axes.set_yscale("symlog", linthresh=1)
    if len(drawn) > 1:
        axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _sheets(records: Records) -> list[tuple[int, Picture]]:
    """Return some of the sample sheets, the first and the last among them, with their steps."""
    sheets = records.sheets
    if len(sheets) > _SHOWN:
        sheets = tuple(sheets[i] for i in np.linspace(0, len(sheets) - 1, _SHOWN).round().astype(int))
    return [(sheet.step, sheet_of(sheet.pixels[:_SAMPLES])) for sheet in sheets]
