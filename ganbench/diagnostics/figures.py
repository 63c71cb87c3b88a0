"""The figures of a probe's records: over depth, as in the WGAN-GP paper, over training, and what else was recorded."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from ganbench.diagnostics.findings import TOO_SMALL, profile, quantiles
from ganbench.system.frames import parts_of
from ganbench.system.style import COLOURS, DASHES, MARKERS, drawing, label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OF_D = "discriminator layer"
OF_G = "generator layer"
_WIDE = 6.4  # inches on the screen
_LABEL = 36  # characters of a curve's name up to which two stand side by side in a legend
_SCALE = (0.05, 0.95)  # quantiles at the ends of a colour scale: the first steps lie far from all others
_LEAST_DEAD = 0.1  # share of dead units that its panel shows at least
_TICKS = 12  # layers up to which each has a tick of its own
# What a panel of the last figure shows: column, title, whether its axis is one of powers of ten.
_BESIDE = (
    ("spectral_norm", "spectral norm", True),
    ("update_ratio", "update / weight", True),
    ("activation_std", "spread of activations", True),
    ("dead_units", "share of dead units", False),
)


def depth_figure(
    frame: pd.DataFrame, small: Collection[str] = (), *, of: str = OF_D, style: str = "screen", title: str | None = None
) -> Figure:
    """Draw ln of the gradient norm over the layers, from the deepest to the first: a line and a band per curve.

    Args:
        frame: columns ``curve``, ``layer``, ``name``, ``log_norm``, ``step``.
        small: curves that are too small to tell anything; the legend says so.
        of: what the layers are layers of.
        style: see ``drawing``.
        title: in place of the usual one.
    """
    curves = parts_of(frame, "curve")
    columns = _columns([name for name, _ in curves], style)
    with drawing(style, _WIDE, 4.2 + 0.22 * -(-len(curves) // columns)) as figure:
        axes = figure.subplots()
        for i, (name, curve) in enumerate(curves):
            p = profile(curve)
            shape = TOO_SMALL if name in small else f"{p.slope:+.2f} per layer"
            _draw(axes, i, p.low, p.median, p.high, f"{name}  ({shape})")
        _layer_axis(axes, max(curve["layer"].max() for _, curve in curves))
        axes.set_xlabel(f"{of}, deepest to first")
        axes.set_ylabel("ln of the gradient norm")
        figure.suptitle(label(title or _title("gradient norm", of, curves)))
        axes.set_title(f"median and 10–90 % over {_span_of_steps(frame)}")
        # Outside the axes: never over a curve.
        figure.legend(loc="outside lower center", ncols=columns)
    return figure


def training_figure(frame: pd.DataFrame, *, of: str = OF_D, style: str = "screen", title: str | None = None) -> Figure:
    """Draw ln of the gradient norm over training as a heat map: one panel per curve, one row per layer.

    Every panel has a colour scale of its own: curves lie far apart, and what a panel shows is how its layers move.

    Args:
        frame: columns ``curve``, ``layer``, ``step``, ``log_norm``; repetitions are averaged.
        of: what the layers are layers of.
        style: see ``drawing``.
        title: in place of the usual one.
    """
    curves = parts_of(frame, "curve")
    with drawing(style, _WIDE, 1.1 + 1.7 * len(curves)) as figure:
        panels = figure.subplots(len(curves), squeeze=False)[:, 0]  # runs stand at different steps: no common axis
        for axes, (name, curve) in zip(panels, curves, strict=True):
            table = curve.pivot_table(index="layer", columns="step", values="log_norm")
            finite = curve["log_norm"][np.isfinite(curve["log_norm"])]
            low, high = np.quantile(finite, _SCALE) if len(finite) else (0, 1)
            edges = np.append(table.columns, table.columns[-1] + 1)
            rows = np.append(table.index, table.index[-1] + 1) - 0.5
            mesh = axes.pcolormesh(edges, rows, table.to_numpy(), vmin=low, vmax=high, rasterized=True)
            axes.set_title(label(name))
            axes.set_ylabel("layer")
            axes.set_yticks(_ticks(int(table.index[-1])))
            axes.grid(False)
            figure.colorbar(mesh, ax=axes, label="ln norm", extend="both")  # what lies outside has the end's colour
        panels[-1].set_xlabel("discriminator step" if of in (OF_D, OF_G) else "step")
        figure.suptitle(label(title or _title("gradient norm", of, curves, ", over training")))
    return figure


def layers_figure(frame: pd.DataFrame, *, of: str = OF_D, style: str = "screen", title: str | None = None) -> Figure:
    """Draw what was recorded beside the gradients, over the layers: a panel each, median and 10–90 % per curve.

    Args:
        frame: columns ``curve`` and those of ``to_frame``; what is NaN throughout leaves its panel empty.
        of: what the layers are layers of.
        style: see ``drawing``.
        title: in place of the usual one.
    """
    curves = parts_of(frame, "curve")
    columns = _columns([name for name, _ in curves], style)
    with drawing(style, _WIDE, 5.0 + 0.22 * -(-len(curves) // columns)) as figure:
        panels = figure.subplots(2, 2, sharex=True).ravel()
        for axes, (column, what, powers) in zip(panels, _BESIDE, strict=True):
            for i, (name, curve) in enumerate(curves):
                low, median, high = quantiles(curve, column)
                _draw(axes, i, low, median, high, name)
            axes.set_title(what)
            if not powers:
                axes.set_ylim(0, max(_LEAST_DEAD, axes.get_ylim()[1]))
            elif any((curve[column] > 0).any() for _, curve in curves):
                _powers_of_ten(axes)
        _layer_axis(panels[0], max(curve["layer"].max() for _, curve in curves))
        for axes in panels[2:]:
            axes.set_xlabel("layer, deepest to first")
        figure.suptitle(label(title or _title("weights and activations", of, curves)))
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=columns)
    return figure


def _draw(axes: Axes, i: int, low: np.ndarray, median: np.ndarray, high: np.ndarray, name: str) -> None:
    """Draw one curve: colour and marker tell it apart, and from the eighth on the dashes."""
    x = np.arange(1, len(median) + 1)
    colour = COLOURS[i % len(COLOURS)]
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    dashes = DASHES[i // len(COLOURS) % len(DASHES)]
    marker = MARKERS[i % len(MARKERS)]
    axes.plot(x, median, color=colour, marker=marker, linestyle=dashes, label=label(name), clip_on=False)


def _powers_of_ten(axes: Axes) -> None:
    """Make the axis logarithmic, with plain numbers, and with some between the powers of ten where there are few."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    low, high = np.log10(axes.get_ylim())
    plain = StrMethodFormatter("{x:g}")
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.yaxis.set_minor_formatter(plain if np.floor(high) <= np.ceil(low) else NullFormatter())


def _layer_axis(axes: Axes, layers: int) -> None:
    axes.set_xticks(_ticks(layers))
    axes.invert_xaxis()


def _ticks(layers: int) -> list[int]:
    """Return which layers have a tick: all, or every so many, the first in any case."""
    return list(range(1, layers + 1, -(-layers // _TICKS)))


def _columns(names: list[str], style: str) -> int:
    """Return how many curves stand side by side in a legend."""
    return 1 if style == "paper" or len(names) == 1 or max(map(len, names)) > _LABEL else 2


def _title(what: str, of: str, curves: list[tuple[str, pd.DataFrame]], end: str = "") -> str:
    """Return what a figure shows, and of what: a single curve by its name."""
    subject = f"{curves[0][0]}: {what}" if len(curves) == 1 else what[0].upper() + what[1:]
    return f"{subject} of each {of}{end}"


def _span_of_steps(frame: pd.DataFrame) -> str:
    spans = {(curve["step"].min(), curve["step"].max()) for _, curve in parts_of(frame, "curve")}
    if len(spans) == 1:
        return "steps {} to {}".format(*spans.pop())
    return f"{max(curve['step'].nunique() for _, curve in parts_of(frame, 'curve'))} steps of each"
