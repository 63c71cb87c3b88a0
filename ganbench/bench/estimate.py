"""The dry run: what is left of every cell, and how long it will take, from a trial of each different recipe."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.bench.changes import refuse_changes, state_of
from ganbench.bench.grid import Cell, Plan, cost_of
from ganbench.bench.out import Out
from ganbench.bench.written import Written
from ganbench.runs.facts import steps_done
from ganbench.system.progress import track
from ganbench.training.data import decode_source
from ganbench.training.trial import seconds_per_step


@dataclass(frozen=True)
class Estimate:
    """What is left of a cell.

    Attributes:
        name: the cell.
        state: what is done of it, in a word.
        steps: left to train and to probe.
        seconds: that these will take; sampling and scoring come on top.
    """

    name: str
    state: str
    steps: int
    seconds: float


def estimate(plan: Plan, cells: list[Cell]) -> list[Estimate]:
    """Return what is left of every cell.

    Raises:
        GanbenchError: as ``refuse_changes``, or the images cannot be trained on.
    """
    source, folder = plan.workspace.open(), plan.workspace.folder
    Out(plan.workspace).refresh()
    refuse_changes(cells, folder, source)
    pixels = decode_source(source)
    written = Written.of(plan, cells, source, len(pixels))
    known: dict[str, float] = {}
    found = []
    with track("trying", len(cells), unit="cells") as advance:
        for cell in cells:
            state = state_of(folder / cell.name, written, cell.name)
            probed = plan.grid.gradnorm_steps if state != "done" else 0
            steps = max(0, written.cells[cell.name].steps - steps_done(folder / cell.name)) + probed
            cost = cost_of(cell.recipe)
            if steps and cost not in known:
                known[cost] = seconds_per_step(cell.recipe, pixels, plan.workspace.device)
            found.append(Estimate(cell.name, state, steps, steps * known.get(cost, 0.0)))
            advance(1)
    return found
