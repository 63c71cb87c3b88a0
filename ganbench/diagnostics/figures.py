"""The two figures of gradient norms: over depth, as in the WGAN-GP paper, and over training."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.diagnostics.findings import TOO_SMALL, profile
from ganbench.system.frames import parts_of
from ganbench.system.storage import atomic_write
from ganbench.system.text import visible

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers; markers tell the curves apart in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
_LEGEND_COLUMNS = 2


def depth_figure(frame: pd.DataFrame, small: Collection[str] = ()) -> Figure:
    """Draw ln of the gradient norm over the layers, from the deepest to the first: a line and a band per curve.

    Args:
        frame: columns ``curve``, ``layer``, ``name``, ``log_norm``, ``step``.
        small: curves that are too small to tell anything; the legend says so.
    """
    from matplotlib.figure import Figure

    curves = parts_of(frame, "curve")
    rows = -(-len(curves) // _LEGEND_COLUMNS)
    figure = Figure(figsize=(6.4, 4 + 0.2 * rows), layout="constrained")
    axes = figure.subplots()
    most = 0
    for i, (name, curve) in enumerate(curves):
        p = profile(curve)
        colour, marker = COLOURS[i % len(COLOURS)], _MARKERS[i % len(_MARKERS)]
        x = np.arange(1, len(p.median) + 1)
        axes.fill_between(x, p.low, p.high, color=colour, alpha=0.15, linewidth=0)
        shape = TOO_SMALL if name in small else f"{p.slope:+.2f} per layer"
        axes.plot(x, p.median, color=colour, marker=marker, label=label(f"{name}  ({shape})"))
        most = max(most, len(x))
    axes.set_xticks(range(1, most + 1))
    axes.invert_xaxis()
    axes.set_xlabel("discriminator layer, deepest to first")
    axes.set_ylabel("ln of the gradient norm")
    figure.suptitle("Gradient norm of each discriminator layer")
    axes.set_title(f"median and 10–90 % over {_span_of_steps(frame)}", fontsize="medium")
    axes.grid(alpha=0.3)
    # Outside the axes: never over a curve.
    figure.legend(fontsize="small", loc="outside lower center", ncols=_LEGEND_COLUMNS)
    return figure


def _span_of_steps(frame: pd.DataFrame) -> str:
    spans = {(curve["step"].min(), curve["step"].max()) for _, curve in parts_of(frame, "curve")}
    if len(spans) == 1:
        return "steps {} to {}".format(*spans.pop())
    return f"{max(curve['step'].nunique() for _, curve in parts_of(frame, 'curve'))} steps of each"


def training_figure(frame: pd.DataFrame) -> Figure:
    """Draw ln of the gradient norm over training as a heat map: one panel per curve, one row per layer.

    Args:
        frame: columns ``curve``, ``layer``, ``step``, ``log_norm``; repetitions are averaged.
    """
    from matplotlib.figure import Figure

    curves = parts_of(frame, "curve")
    figure = Figure(figsize=(8, 1.1 + 1.6 * len(curves)), layout="constrained")
    panels = figure.subplots(len(curves), squeeze=False)[:, 0]  # runs stand at different steps: no common axis
    finite = frame["log_norm"][np.isfinite(frame["log_norm"])]
    low, high = np.quantile(finite, [0.01, 0.99]) if len(finite) else (0, 1)
    for axes, (name, curve) in zip(panels, curves, strict=True):
        table = curve.pivot_table(index="layer", columns="step", values="log_norm")
        edges = np.append(table.columns, table.columns[-1] + 1)
        mesh = axes.pcolormesh(
            edges, np.arange(len(table) + 1) + 0.5, table.to_numpy(), vmin=low, vmax=high, cmap="viridis"
        )
        axes.set_title(label(str(name)), fontsize="medium", loc="left")
        axes.set_ylabel("layer")
        axes.set_yticks(range(1, len(table) + 1))
    panels[-1].set_xlabel("discriminator step")
    figure.suptitle("Gradient norm of each discriminator layer, over training")
    figure.colorbar(mesh, ax=list(panels), label="ln of the gradient norm")
    return figure


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

    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the file's ending, the same bytes for the same data."""
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with atomic_write(path) as f:
        figure.savefig(f, format=path.suffix[1:], dpi=150, metadata=metadata)
