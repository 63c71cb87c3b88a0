"""Figures of the runs: losses and scores over training, gradient norms over depth."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.diagnostics.figures import depth_figure
from ganbench.diagnostics.findings import answers, signs
from ganbench.diagnostics.records import read_records
from ganbench.errors import GanbenchError
from ganbench.leaderboard.entries import Entry
from ganbench.metrics.registry import METRICS, metric_of, name_of
from ganbench.scoring.row import ARROWS
from ganbench.system.frames import column_of
from ganbench.system.style import COLOURS, label
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

WINDOW = 25  # logged steps of the running mean of losses, fewer in a short log
_DASHES = ("-", "--", ":", "-.")  # by seed
_MARKERS = ".xs^vd"  # by instrument
_COLUMNS = 2  # of panels
_LOSS = "_loss"  # ends the names of the losses in a log

Log = list[dict[str, Any]]


def training_figure(entries: list[Entry]) -> Figure | None:
    """Draw losses, and the scores that were taken during training, over steps; None without a run.

    A panel per loss, then one per metric that was logged, in the order of the registry. Runs of one variant share a
    colour; their seeds differ in the dashes, what a metric was measured with in the markers.
    """
    from matplotlib.figure import Figure

    runs = [(entry, RunFolder(entry.path).read_metrics()) for entry in entries if entry.is_run]
    panels = _panels([log for _, log in runs])
    if not panels:
        return None
    groups = list(dict.fromkeys(entry.group for entry, _ in runs))
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(10, 1 + 2.2 * rows), layout="constrained")
    places = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True).ravel()
    for empty in places[len(panels) :]:
        empty.remove()
    places = places[: len(panels)]
    for axes, (title, keys) in zip(places, panels.items(), strict=True):
        for entry, log in runs:
            style = {
                "color": COLOURS[groups.index(entry.group) % len(COLOURS)],
                "linestyle": _DASHES[(entry.seed or 0) % len(_DASHES)],
                "label": label(entry.name),
            }
            for key, marker in zip(keys, itertools.cycle(_MARKERS)):
                _draw(axes, log, key, marker, style)
        axes.set_ylabel(label(title))
        axes.grid(alpha=0.3)
        if len(keys) > 1:
            axes.legend(*_instruments(keys), fontsize="x-small")
    for axes in places[-_COLUMNS:]:
        axes.set_xlabel("discriminator step")
        axes.tick_params(labelbottom=True)
    drawn = [pair for axes in places for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    handles = {name: handle for handle, name in reversed(drawn)}
    labels = [name for name in (label(entry.name) for entry, _ in runs) if name in handles]
    figure.legend([handles[name] for name in labels], labels, loc="outside upper center", ncols=3, fontsize="small")
    return figure


def _panels(logs: list[Log]) -> dict[str, list[str]]:
    """Return the title of every panel and the keys of the logs that it draws: losses first, then results by metric."""
    keys = sorted({key for log in logs for line in log for key in line})
    panels = {key: [key] for key in keys if key.endswith(_LOSS)}
    metrics: dict[str, list[str]] = {}
    for key in keys:
        if "[" in key:  # a result; whatever else is logged is neither
            metric = metric_of(key)
            metrics.setdefault(name_of(key) if metric is None else metric.name, []).append(key)
    order = [*(name for name in METRICS if name in metrics), *(name for name in metrics if name not in METRICS)]
    for name in order:
        panels[_title(metrics[name])] = metrics[name]
    return panels


def _title(keys: list[str]) -> str:
    """Return the one result's id, or the metric that several share, with the direction that is better."""
    metric = metric_of(keys[0])
    name = keys[0] if len(keys) == 1 else name_of(keys[0]) if metric is None else metric.name
    return name if metric is None else f"{name} {ARROWS[metric.better]}".rstrip()


def _draw(axes: Axes, log: Log, key: str, marker: str, style: dict[str, Any]) -> None:
    points = [(line["step"], line[key]) for line in log if key in line]
    if not points:
        return
    steps, values = np.array(points, float).T
    if key.endswith(_LOSS):
        axes.plot(steps, running_mean(values, min(WINDOW, 1 + len(values) // 10)), linewidth=1.2, **style)
    else:
        axes.plot(steps, values, linewidth=1.2, marker=marker, markersize=4, **style)


def _instruments(keys: list[str]) -> tuple[list[Line2D], list[str]]:
    """Return the legend of a panel that several instruments share: a marker for each."""
    from matplotlib.lines import Line2D

    marks = zip(keys, itertools.cycle(_MARKERS))
    return [Line2D([], [], color="gray", linestyle="", marker=marker) for _, marker in marks], keys


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean over a centred window, float (N,); the window is cut off at the ends."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    index = np.arange(len(values))
    low, high = np.maximum(index - window // 2, 0), np.minimum(index + window // 2 + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def gradient_figure(entries: list[Entry]) -> tuple[Figure | None, list[str]]:
    """Draw the gradient norms over depth of every run that was probed, one line per variant.

    Returns:
        The figure, None if no run was probed; and in sentences the findings, and which runs are missing and why.
    """
    import pandas as pd

    files = [(entry, RunFolder(entry.path).gradnorm) for entry in entries if entry.is_run]
    frames, missing = [], []
    for entry, file in files:
        if file.is_file():
            try:
                frame = read_records(file)
                frames.append(frame.assign(curve=column_of([entry.group] * len(frame))))
            except GanbenchError as e:
                missing.append(f"{entry.name} is missing here: {e}.")
    if not frames:
        return None, missing
    everything = pd.concat(frames)
    return depth_figure(everything), [" ".join(answers(everything)), *signs(everything), *missing]
