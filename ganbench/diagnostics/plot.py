"""``ganbench.plot_gradnorm``: the figures of gradient norms from records of one's own loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganbench.diagnostics.figures import depth_figure, layers_figure, training_figure
from ganbench.diagnostics.records import check_frame
from ganbench.errors import GanbenchError, UnknownName
from ganbench.registry import did_you_mean
from ganbench.system.frames import column_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

OVER = ("depth", "training", "layers")


def plot_gradnorm(
    frames: Mapping[str, pd.DataFrame], *, over: str = "depth", style: str = "screen", title: str | None = None
) -> Figure:
    """Draw what probes have recorded, as ``ganbench gradnorm`` draws it.

    Example:
        figure = ganbench.plot_gradnorm({"D": d_probe.to_frame(), "G": g_probe.to_frame()})
        figure.savefig("gradnorm.pdf")

    Args:
        frames: what ``GradNormProbe.to_frame`` gave, or a CSV of it gives back, by the name of the curve. Rows of
            several repetitions may be told apart by a column ``seed``.
        over: ``depth`` (ln of the gradient norm over the layers, the report's figure), ``training`` (the same over the
            steps, as a heat map), or ``layers`` (spectral norms, updates and activations over the layers).
        style: ``screen``, or ``paper`` for one column of a two-column paper.
        title: in place of the usual one.

    Returns:
        The figure, complete.

    Raises:
        UnknownName: no such kind of figure, or style.
        GanbenchError: no frame, or one that holds something else.
    """
    import pandas as pd

    if over not in OVER:
        raise UnknownName(f"no figure is drawn over {over!r}.{did_you_mean(over, list(OVER))}")
    if not frames:
        raise GanbenchError("plot_gradnorm: no frames; give {'D': probe.to_frame()}")
    parts = []
    for name, frame in frames.items():
        checked = check_frame(frame, f"plot_gradnorm: the frame of {name}")
        parts.append(checked.assign(curve=column_of([str(name)] * len(checked))))
    everything = pd.concat(parts)
    if over == "training":
        return training_figure(everything, of="layer", style=style, title=title)
    draw = depth_figure if over == "depth" else layers_figure
    return draw(everything, of="layer", style=style, title=title)
