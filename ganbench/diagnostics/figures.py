"""The two figures of gradient norms: over depth, as in the WGAN-GP paper, and over training."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from ganbench.diagnostics.findings import TOO_SMALL, profile
from ganbench.system.frames import parts_of
from ganbench.system.style import COLOURS, MARKERS, label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

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
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
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
