"""Figures of the runs: losses and scores over training, gradient norms over depth."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import dataclass
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
from ganbench.system.style import COLOURS, DASHES, drawing, label, legend_below
from ganbench.training.objectives.base import Objective
from ganbench.training.objectives.registry import OBJECTIVES
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

WINDOW = 25  # logged steps of the running mean of losses, fewer in a short log
_MARKS = ".xs^vd"  # by instrument
_COLUMNS = 2  # of panels
_LOSS = "_loss"  # ends the names of the losses in a log
_APART = 20  # how many times as far as another objective's a loss reaches that gets axes of its own
_NAMED = 12  # runs up to which each has its name in the legend; of more, their groups and seeds

Log = list[dict[str, Any]]
Run = tuple[Entry, Log]


@dataclass(frozen=True)
class Panel:
    """One place of the figure: what it shows of which runs.

    Attributes:
        title: what is shown, with the direction that is better.
        keys: of the logs; several instruments share the panel of their metric.
        runs: whose.
    """

    title: str
    keys: list[str]
    runs: list[Run]

    @property
    def of_shares(self) -> bool:
        """Whether what it shows lies between 0 and 1."""
        metric = metric_of(self.keys[0])
        return metric is not None and metric.unit == "share"


def training_figure(entries: list[Entry], style: str = "screen") -> Figure | None:
    """Draw losses, and the scores that were taken during training, over steps; None without a run.

    A panel per loss and kind of objective, for a Wasserstein loss and a cross-entropy have no axis in common; nor have
    losses of one kind of which one would be a flat line beside the other. Then one per metric that was logged, in the
    order of the registry. Runs of one variant share a colour; their seeds differ in the dashes, what a metric was
    measured with in the markers.

    Args:
        entries: runs, and others, which are left out.
        style: see ``drawing``.
    """
    runs = [(entry, RunFolder(entry.path).read_metrics()) for entry in entries if entry.is_run]
    panels = _panels(runs)
    if not panels:
        return None
    looks = _looks([entry for entry, _ in runs])
    rows = -(-len(panels) // _COLUMNS)
    with drawing(style, 10, 1.4 + 2.2 * rows + 0.06 * len(runs)) as figure:
        places = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True).ravel()
        for empty in places[len(panels) :]:
            empty.remove()
        places = places[: len(panels)]
        for axes, panel in zip(places, panels, strict=True):
            for entry, log in panel.runs:
                for key, mark in zip(panel.keys, itertools.cycle(_MARKS)):
                    _draw(axes, log, key, mark, looks[entry.name])
            axes.set_title(label(panel.title))
            if panel.of_shares and axes.get_ylim()[0] < 0:
                axes.set_ylim(bottom=0)  # there are none below
            if len(panel.keys) > 1:
                # In the line of the title: never over a curve.
                axes.legend(*_instruments(panel.keys), loc="lower right", bbox_to_anchor=(1, 1), ncols=len(panel.keys))
        for axes in places[-_COLUMNS:]:
            axes.set_xlabel("discriminator step")
            axes.tick_params(labelbottom=True)
        what = "Losses and scores" if any("[" in key for panel in panels for key in panel.keys) else "Losses"
        whose = label(runs[0][0].name) if len(runs) == 1 else f"{len(runs)} runs"
        figure.suptitle(f"{what} of {whose} over training")
        if len(runs) > 1:
            legend_below(figure, *_legend([entry for entry, _ in runs], looks))
    return figure


def _looks(entries: list[Entry]) -> dict[str, dict[str, Any]]:
    """Return how the lines of each run look, by its name."""
    groups = list(dict.fromkeys(entry.group for entry in entries))
    return {
        entry.name: {
            "color": COLOURS[groups.index(entry.group) % len(COLOURS)],
            "linestyle": DASHES[(entry.seed or 0) % len(DASHES)],
        }
        for entry in entries
    }


def _legend(entries: list[Entry], looks: dict[str, dict[str, Any]]) -> tuple[list[Line2D], list[str]]:
    """Return lines and their names: of each run, or of many runs the groups and the seeds."""
    from matplotlib.lines import Line2D

    if len(entries) <= _NAMED:
        named = {label(entry.name): looks[entry.name] for entry in entries}
    else:
        named = {label(entry.group): looks[entry.name] | {"linestyle": "-"} for entry in entries}
        seeds = sorted({entry.seed or 0 for entry in entries})
        named |= {f"seed {seed}": {"color": "gray", "linestyle": DASHES[seed % len(DASHES)]} for seed in seeds}
    return [Line2D([], [], **look) for look in named.values()], list(named)


def _panels(runs: list[Run]) -> list[Panel]:
    """Return the panels: losses first, by kind of objective, then results by metric."""
    keys = sorted({key for _, log in runs for line in log for key in line})
    panels = []
    for key in keys:
        if key.endswith(_LOSS):
            logged = [run for run in runs if any(key in line for line in run[1])]
            panels += [Panel(f"{key.replace('_', ' ')} ({kind})", [key], of) for kind, of in _by_kind(key, logged)]
    metrics: dict[str, list[str]] = {}
    for key in keys:
        if "[" in key:  # a result; whatever else is logged is neither
            metric = metric_of(key)
            metrics.setdefault(name_of(key) if metric is None else metric.name, []).append(key)
    order = [*(name for name in METRICS if name in metrics), *(name for name in metrics if name not in METRICS)]
    return panels + [Panel(_title(metrics[name]), metrics[name], runs) for name in order]


def _by_kind(key: str, runs: list[Run]) -> list[tuple[str, list[Run]]]:
    """Return the runs that share axes for a loss, by what these are called."""
    by_kind: dict[str, list[Run]] = {}
    for run in runs:
        by_kind.setdefault(_kind_of_loss(_objective(run[0])), []).append(run)
    found = []
    for kind, of in by_kind.items():
        by_name: dict[str, list[Run]] = {}
        for run in of:
            by_name.setdefault(_objective(run[0]), []).append(run)
        reaches = [max(_reach(log, key) for _, log in alike) for alike in by_name.values()]
        apart = max(reaches) > _APART * min(reaches)
        found += [(f"{kind}: {name}", alike) for name, alike in by_name.items()] if apart else [(kind, of)]
    return found


def _reach(log: Log, key: str) -> float:
    """Return how far a loss reaches, its outliers left out; 0 without a finite one."""
    values = np.array([line[key] for line in log if key in line], float)
    values = values[np.isfinite(values)]
    return float(np.ptp(np.quantile(values, (0.05, 0.95)))) if len(values) else 0.0


def _objective(entry: Entry) -> str:
    return str((entry.settings or {}).get("objective.name", ""))


def _kind_of_loss(name: str) -> str:
    """Return which kind an objective is of: the class right below ``Objective`` that it derives from."""
    with suppress(GanbenchError):  # somebody's that cannot be imported goes by its name
        return next(c.__name__ for c in reversed(OBJECTIVES[name].__mro__) if c not in Objective.__mro__)
    return name


def _title(keys: list[str]) -> str:
    """Return the one result's id, or the metric that several share, with the direction that is better."""
    metric = metric_of(keys[0])
    name = keys[0] if len(keys) == 1 else name_of(keys[0]) if metric is None else metric.name
    return name if metric is None else f"{name} {ARROWS[metric.better]}".rstrip()


def _draw(axes: Axes, log: Log, key: str, mark: str, look: dict[str, Any]) -> None:
    points = [(line["step"], line[key]) for line in log if key in line]
    if not points:
        return
    steps, values = np.array(points, float).T
    if key.endswith(_LOSS):
        axes.plot(steps, running_mean(values, min(WINDOW, 1 + len(values) // 10)), **look)
    else:
        axes.plot(steps, values, marker=mark, **look)


def _instruments(keys: list[str]) -> tuple[list[Line2D], list[str]]:
    """Return the legend of a panel that several instruments share: a marker for each."""
    from matplotlib.lines import Line2D

    marks = zip(keys, itertools.cycle(_MARKS))
    lines = [Line2D([], [], color="gray", linestyle="", marker=mark) for _, mark in marks]
    return lines, [label(key) for key in keys]


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
