"""The page of an audit: the verdicts, what each check says, and the curves behind it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import ganbench
from ganbench.audit.corruptions import CORRUPTIONS
from ganbench.audit.result import Audit
from ganbench.report.pictures import figure_of
from ganbench.report.templates import environment
from ganbench.system.style import COLOURS, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 2  # of panels
_CAP = 100.0  # d' beyond which curves are cut off: everything is told apart there
_DASHES = ("-", "--", ":")
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


def corruption_figure(found: Audit) -> Figure | None:
    """Draw d' over the strengths of every corruption, a line for each metric; None where none was tried."""
    from matplotlib.figure import Figure

    rows = [row for row in found.rows if row.check == "corruptions" and row.finding.figures]
    if not rows:
        return None
    names = [name for name in CORRUPTIONS if any(name in row.finding.figures["corruptions"] for row in rows)]
    figure = Figure(figsize=(10, 1.2 + 2.4 * -(-len(names) // _COLUMNS)), layout="constrained")
    places = figure.subplots(-(-len(names) // _COLUMNS), _COLUMNS, squeeze=False, sharey=True).ravel()
    for empty in places[len(names) :]:
        empty.remove()
    for axes, name in zip(places, names, strict=False):
        for number, row in enumerate(rows):
            told = row.finding.figures["corruptions"].get(name)
            steps = [] if told is None else told["d"].get(str(found.scale.n), [])
            steps = [min(_CAP, max(-_CAP, d)) for d in steps]
            axes.plot(range(1, len(steps) + 1), steps, **_style(number, row.id))
        axes.axhline(4, color="gray", linewidth=0.8)
        axes.set_yscale("symlog", linthresh=4)
        axes.set_xticks(range(1, 6), [f"{strength:g}" for strength in CORRUPTIONS[name].strengths])
        axes.set_title(f"{name} ({CORRUPTIONS[name].what})", fontsize="medium", loc="left")
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize="small")
    figure.suptitle(f"d' at n = {found.scale.n:,}; told apart above the line")
    return figure


def size_figure(found: Audit) -> Figure | None:
    """Draw how far the mean of each metric is from that of the largest sets, in spreads, over n; None without any."""
    from matplotlib.figure import Figure

    rows = [row for row in found.rows if row.check == "sizes" and len(row.finding.figures.get("mean", {})) > 1]
    if not rows:
        return None
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, row in enumerate(rows):
        means, spreads = row.finding.figures["mean"], row.finding.figures["spread"]
        sizes = sorted(means, key=int)
        spread = spreads[sizes[-1]] or 1.0
        off = [(means[n] - means[sizes[-1]]) / spread for n in sizes]
        axes.plot([int(n) for n in sizes], off, marker=".", **_style(number, row.id))
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=2)
    axes.set_xlabel("images of a set")
    axes.set_ylabel("mean, from that of the largest sets, in their spreads")
    figure.legend(loc="outside right upper", fontsize="small")
    return figure


def _style(number: int, name: str) -> dict[str, Any]:
    """Return how the line of a metric looks, the same in every panel."""
    dashes = _DASHES[number // len(COLOURS) % len(_DASHES)]
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": dashes, "label": label(name), "linewidth": 1.2}
