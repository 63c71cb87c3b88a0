"""What `--stop-when` would have done to trainings that went to their end: steps saved, and distance lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganbench.errors import GanbenchError

RESULT = "fd[lite0]"


@dataclass(frozen=True)
class Replay:
    """One run.

    Attributes:
        name: of its folder.
        looks: scorecards that it has.
        steps: that it took.
        stopped: at which look's step it would have stopped; None: never.
        at_stop: the distance at the stop, or at the end of a run that goes on.
        at_end: the distance of the last look.
        best_by_stop: the least of the looks up to the stop.
        best: the least of all looks.
    """

    name: str
    looks: int
    steps: int
    stopped: int | None
    at_stop: float
    at_end: float
    best_by_stop: float
    best: float


def replay(folder: Path, half_width: float) -> Replay:
    """Look at the scores of a run as its training would have, one after the other.

    Args:
        folder: the run.
        half_width: of a 95 % interval, as a share of the value, where a look was logged without one.

    Raises:
        GanbenchError: the run has no scores.
    """
    from ganbench.doctor.ours import read_run
    from ganbench.doctor.stopping import PATIENCE, improvement

    found = read_run(folder).scores.get(RESULT)
    if found is None or not len(found.steps):
        raise GanbenchError(f"{folder}: no {RESULT} in its log: it was trained without --score-every")
    bare = ~(np.isfinite(found.low) & np.isfinite(found.high))
    low = np.where(bare, found.value * (1 - half_width), found.low)
    high = np.where(bare, found.value * (1 + half_width), found.high)
    scores = replace(found, low=low, high=high)
    at = len(scores.steps)
    for looks in range(1, at + 1):
        part = replace(
            scores,
            steps=scores.steps[:looks],
            value=scores.value[:looks],
            low=scores.low[:looks],
            high=scores.high[:looks],
        )
        if improvement(part, "lower").since >= PATIENCE:
            at = looks
            break
    value, stops = scores.value, at < len(scores.steps)
    return Replay(
        folder.name,
        len(value),
        int(scores.steps[-1]),
        int(scores.steps[at - 1]) if stops else None,
        float(value[at - 1]),
        float(value[-1]),
        float(value[:at].min()),
        float(value.min()),
    )


def to_markdown(replays: Sequence[Replay]) -> str:
    """Return a table, a line a run."""
    rows = [
        "| run | looks | steps | stops at | steps saved | FD there | FD at the end | FD lost | lost of the best |",
        "| --- " * 9 + "|",
    ]
    for one in replays:
        stop = "–" if one.stopped is None else f"{one.stopped:,}"
        saved = 0 if one.stopped is None else one.steps - one.stopped
        length = f"{one.looks} | {one.steps:,} | {stop} | {saved:,} ({saved / one.steps:.0%})"
        lost = f"{one.at_stop - one.at_end:+.1f} | {one.best_by_stop - one.best:+.1f}"
        rows.append(f"| {one.name} | {length} | {one.at_stop:.1f} | {one.at_end:.1f} | {lost} |")
    return "\n".join(rows)
