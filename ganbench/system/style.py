"""The one look of all figures: colours that colour-blind readers tell apart, sizes, and how a figure is written.

Two styles: ``screen``, for pages and notebooks, and ``paper``, which is read at the width of one column of a two-column
paper: 8 points of text, thin lines, embedded fonts. matplotlib keeps its settings for the whole process, so one
figure at a time is drawn, and what the user's own settings were is put back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ganbench.errors import UnknownName
from ganbench.registry import did_you_mean
from ganbench.system.storage import atomic_write
from ganbench.system.text import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours; markers and dashes tell the curves apart in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
DASHES = ("-", "--", ":", "-.")

_BOTH: dict[str, Any] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.titlesize": "large",
    "figure.titleweight": "bold",
    "grid.alpha": 0.3,
    "image.cmap": "viridis",  # even in lightness, so that it survives grey print
    "legend.fontsize": "small",
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
}
STYLES: dict[str, dict[str, Any]] = {
    "screen": _BOTH | {"figure.dpi": 150, "lines.linewidth": 1.5, "lines.markersize": 5},
    "paper": _BOTH
    | {
        "figure.dpi": 300,
        "font.size": 8,
        "axes.linewidth": 0.6,
        "grid.linewidth": 0.5,
        "lines.linewidth": 1.0,
        "lines.markersize": 3.5,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
    },
}
_COLUMN, _PAGE = 3.4, 7.0  # inches: the width of a column and of the text in the usual two-column papers
_ONE_COLUMN = 7.0  # a figure up to this width on the screen fits into a column

_SETTINGS = threading.RLock()  # matplotlib has one set of them


@contextmanager
def drawing(style: str, width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure of a style; all that is drawn inside the block has that style, wherever it is shown.

    Args:
        style: a name of ``STYLES``.
        width: inches on the screen. On paper, what is up to 7 inches wide is made to fit a column, 3.4 inches, and what
            is wider the width of the text, 7 inches.
        height: inches on the screen; on paper, as much less as the text is smaller, so that the rows keep their room.

    Raises:
        UnknownName: there is no such style.
    """
    check_style(style)
    import matplotlib
    from matplotlib.figure import Figure

    with _SETTINGS, matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLES[style])
        matplotlib.rcParams["axes.prop_cycle"] = matplotlib.cycler(color=COLOURS)
        if style == "paper":
            width, height = (_COLUMN if width <= _ONE_COLUMN else _PAGE), height * 0.7
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        figure.draw_without_rendering()  # ticks are made when they are first drawn, and take the settings of then


def check_style(style: str) -> None:
    """Refuse a style that there is not.

    Raises:
        UnknownName: with the nearest one.
    """
    if style not in STYLES:
        raise UnknownName(f"unknown style {visible(style)!r} of figures.{did_you_mean(style, list(STYLES))}")


def label(text: str) -> str:
    """Return a foreign text for a figure: no formula, no control character, and escapes for what the font has not got.

    Of an SVG the text is drawn as shapes, so that it needs no escapes of XML.
    """
    known = _characters()
    shown = "".join(c if ord(c) in known else c.encode("ascii", "backslashreplace").decode() for c in visible(text))
    shown = shown.replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown  # a legend leaves out what starts with an underscore


@cache
def _characters() -> frozenset[int]:
    """Return the code points that the font of figures has."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the file's ending, the same bytes for the same data."""
    with atomic_write(path) as f:
        write_figure(figure, f, path.suffix[1:])


def write_figure(figure: Figure, file: IO[bytes], form: str) -> None:
    """Write a figure in a format of matplotlib (``png``, ``svg``, ``pdf``), the same bytes for the same data."""
    import matplotlib

    dated = {"svg": "Date", "pdf": "CreationDate"}.get(form)
    fixed = {"svg.hashsalt": "ganbench", "pdf.fonttype": 42}  # else ids are random
    with _SETTINGS, matplotlib.rc_context(fixed):
        figure.savefig(file, format=form, dpi="figure", metadata={dated: None} if dated else None)
