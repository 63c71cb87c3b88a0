"""The page of an audit: the verdicts, what each check says, and the curves behind it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import ganbench
from ganbench.audit.corruptions import CORRUPTIONS
from ganbench.audit.result import Audit
from ganbench.report.pictures import figure_of
from ganbench.report.templates import environment
from ganbench.system.style import COLOURS, DASHES, drawing, label, legend_below

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 2  # of panels
_CAP = 100.0  # d' beyond which curves are cut off: everything is told apart there
_WORDS = {True: "yes", False: "no", None: "–"}


def make_audit_page(found: Audit, *, dated: bool = True) -> str:
    """Return the page; everything it shows is inside the one file.

    Args:
        found: the audit.
        dated: whether it says of which day it is.
    """
    judged = [
        name for name in found.titles if any(r.check == name and r.finding.passed is not None for r in found.rows)
    ]
    lines = []
    for one in found.verdicts:
        rows = [found.row(one, name) for name in judged]
        lines.append([one, *(_WORDS[None if row is None else row.finding.passed] for row in rows)])
    figures = [("What is told apart", corruption_figure(found)), ("In the number of images", size_figure(found))]
    return (
        environment()
        .get_template("audit.html")
        .render(
            found=found,
            checks=judged,
            lines=lines,
            figures=[(title, figure_of(figure)) for title, figure in figures if figure is not None],
            version=ganbench.__version__,
            today=datetime.date.today().isoformat() if dated else "",
        )
    )


def corruption_figure(found: Audit, style: str = "screen") -> Figure | None:
    """Draw d' over the strengths of every corruption, a line for each metric; None where none was tried."""
    rows = [row for row in found.rows if row.check == "corruptions" and row.finding.figures]
    if not rows:
        return None
    names = [name for name in CORRUPTIONS if any(name in row.finding.figures["corruptions"] for row in rows)]
    with drawing(style, 10, 1.4 + 2.4 * -(-len(names) // _COLUMNS)) as figure:
        places = figure.subplots(-(-len(names) // _COLUMNS), _COLUMNS, squeeze=False, sharey=True).ravel()
        for empty in places[len(names) :]:
            empty.remove()
        for axes, name in zip(places, names, strict=False):
            for number, row in enumerate(rows):
                told = row.finding.figures["corruptions"].get(name)
                steps = [] if told is None else told["d"].get(str(found.scale.n), [])
                steps = [min(_CAP, max(-_CAP, d)) for d in steps]
                axes.plot(range(1, len(steps) + 1), steps, **_look(number, row.id))
            axes.axhline(4, color="gray", linewidth=0.8)
            axes.set_yscale("symlog", linthresh=4)
            axes.set_xticks(range(1, 6), [f"{strength:g}" for strength in CORRUPTIONS[name].strengths])
            axes.set_title(f"{name} ({CORRUPTIONS[name].what})")
        legend_below(figure, *places[0].get_legend_handles_labels())
        figure.suptitle(f"d' of each corruption at n = {found.scale.n:,}; told apart above the line")
    return figure


def size_figure(found: Audit, style: str = "screen") -> Figure | None:
    """Draw how far the mean of each metric is from that of the largest sets, in spreads, over n; None without any."""
    rows = [row for row in found.rows if row.check == "sizes" and len(row.finding.figures.get("mean", {})) > 1]
    if not rows:
        return None
    with drawing(style, 8, 5.5) as figure:
        axes = figure.subplots()
        for number, row in enumerate(rows):
            means, spreads = row.finding.figures["mean"], row.finding.figures["spread"]
            sizes = sorted(means, key=int)
            spread = spreads[sizes[-1]] or 1.0
            off = [(means[n] - means[sizes[-1]]) / spread for n in sizes]
            axes.plot([int(n) for n in sizes], off, marker=".", **_look(number, row.id))
        axes.set_xscale("log")
        looked = sorted({int(n) for row in rows for n in row.finding.figures["mean"]})
        axes.set_xticks(looked, [f"{n:,}" for n in looked])
        axes.set_xticks([], minor=True)  # which would be named too, over each other
        axes.set_yscale("symlog", linthresh=2)
        axes.set_xlabel("images of a set")
        axes.set_ylabel("in spreads of the largest sets")
        figure.suptitle("Mean of each metric over the number of images, from that of the largest sets")
        legend_below(figure, *axes.get_legend_handles_labels())
    return figure


def _look(number: int, name: str) -> dict[str, Any]:
    """Return how the line of a metric looks, the same in every panel."""
    dashes = DASHES[number // len(COLOURS) % len(DASHES)]
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": dashes, "label": label(name)}
