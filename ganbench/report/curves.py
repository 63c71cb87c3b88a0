"""Figures of the runs: losses and scores over training, gradient norms over depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ganbench.diagnostics.figures import COLOURS, depth_figure
from ganbench.diagnostics.findings import to_markdown
from ganbench.leaderboard.entries import Entry
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOW = 25  # logged steps of the running mean of losses, fewer in a short log
_DASHES = ("-", "--", ":", "-.")  # by seed
_SCORES = ("fd[", "recall[", "afd[")


def training_figure(entries: list[Entry]) -> Figure | None:
    """Draw losses, and the scores that were taken during training, over steps; None without a run.

    Runs of one variant share a colour; their seeds differ in the dashes.
    """
    from matplotlib.figure import Figure

    runs = [(entry, RunFolder(entry.path).read_metrics()) for entry in entries if entry.is_run]
    keys = dict.fromkeys(key for _, log in runs for line in log for key in line)
    names = [name for name in ("discriminator_loss", "generator_loss") if name in keys]
    names += sorted(key for key in keys if key.startswith(_SCORES))
    if not names:
        return None
    groups = list(dict.fromkeys(entry.group for entry, _ in runs))
    figure = Figure(figsize=(7, 1 + 2.2 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), squeeze=False, sharex=True)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        for entry, log in runs:
            points = [(line["step"], line[name]) for line in log if name in line]
            if points:
                steps, values = np.array(points, float).T
                if name.endswith("_loss"):
                    values = running_mean(values, min(WINDOW, 1 + len(values) // 10))
                colour = COLOURS[groups.index(entry.group) % len(COLOURS)]
                dashes = _DASHES[(entry.seed or 0) % len(_DASHES)]
                marker = None if name.endswith("_loss") else "."
                axes.plot(steps, values, dashes, color=colour, label=entry.name, linewidth=1.2, marker=marker)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize="small")
    panels[-1].set_xlabel("discriminator step")
    return figure


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean over a centred window, float (N,); the window is cut off at the ends."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    index = np.arange(len(values))
    low, high = np.maximum(index - window // 2, 0), np.minimum(index + window // 2 + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def gradient_figure(entries: list[Entry]) -> tuple[Figure | None, list[str]]:
    """Draw the gradient norms over depth of every run that was probed, one line per variant.

    Returns:
        The figure, None if no run was probed; and the findings in sentences.
    """
    import pandas as pd

    files = [(entry, entry.path / "gradnorm.csv") for entry in entries if entry.is_run]
    frames = [pd.read_csv(file).assign(curve=entry.group) for entry, file in files if file.is_file()]
    if not frames:
        return None, []
    everything = pd.concat(frames)
    lines = [line for line in to_markdown(everything).splitlines() if line and not line.startswith("|")]
    return depth_figure(everything), [line.removeprefix("- ") for line in lines]
