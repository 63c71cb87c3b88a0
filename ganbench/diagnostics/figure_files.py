"""The figures of one network's records as files: over depth, over training, and what else was recorded."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.diagnostics.figures import OF_D, depth_figure, layers_figure, training_figure
from ganbench.system.style import save_figure

if TYPE_CHECKING:
    import pandas as pd

_ENDINGS = {"screen": (".png", ".svg"), "paper": (".png", ".svg", ".pdf")}


def write_figures(
    out: Path,
    settled: pd.DataFrame,
    everything: pd.DataFrame,
    small: Collection[str] = (),
    *,
    of: str = OF_D,
    behind: str = "",
    style: str = "screen",
) -> list[str]:
    """Draw and write the figures.

    Args:
        out: the folder.
        settled: records without the first steps, for what is drawn over depth.
        everything: all records, for what is drawn over training.
        small: curves that are too small to tell anything.
        of: what the layers are layers of.
        behind: what is added to the names of the files.
        style: see ``drawing``; ``paper`` writes PDF too.

    Returns:
        The names of the files.
    """
    figures = {
        f"gradnorm{behind}": depth_figure(settled, small, of=of, style=style),
        f"gradnorm{behind}-training": training_figure(everything, of=of, style=style),
        f"gradnorm{behind}-layers": layers_figure(settled, of=of, style=style),
    }
    names = []
    for name, figure in figures.items():
        for ending in _ENDINGS[style]:
            save_figure(figure, out / f"{name}{ending}")
            names.append(f"{name}{ending}")
    return names
