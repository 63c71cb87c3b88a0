"""What a folder holds already, and whether it belongs to the grid that is to go on in it."""

from __future__ import annotations

from pathlib import Path

from ganbench.bench.grid import Cell
from ganbench.bench.written import Written
from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.runs.facts import images_of, is_probed, steps_done
from ganbench.runs.scored import is_scored
from ganbench.training.run_folder import RunFolder

_MAY_CHANGE = ("title", "source", "training.steps", "training.epochs")  # a run can be made longer


def refuse_changes(cells: list[Cell], out: Path, source: Source) -> None:
    """Refuse a grid that differs from what its folder was begun with: no cell may pass for another one.

    A longer training is no such change, nor another reference, detector, number of samples or of probed steps: what
    rests on those is made anew.

    Raises:
        GanbenchError: links that lead out of the folder, changed settings or images, or a training shorter than
            what was done.
    """
    faults = []
    for cell in cells:
        run = RunFolder(RunFolder(out).inside(cell.name))
        run.refuse_links()
        if run.recipe_file.is_file():
            faults += [f"{cell.name}: {change}" for change in _changes(run, cell, source)]
    if faults:
        shown = "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
        raise GanbenchError(f"{out} was begun with other settings. {shown}. Give another --out, or remove those cells")


def _changes(run: RunFolder, cell: Cell, source: Source) -> list[str]:
    before, now = run.recipe().flat(), cell.recipe.flat()
    changes = [
        f"{key} was {before.get(key, 'not set')}, now {now.get(key, 'not set')}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and key not in _MAY_CHANGE
    ]
    if images_of(run) not in (None, source.digest()):
        changes.append(f"it was trained on other images than {source.label}")
    done, wanted = steps_done(run.path), cell.recipe.steps(len(source))
    if done > wanted:
        changes.append(f"{done:,} steps are done, now {wanted:,} are asked for")
    return changes


def state_of(folder: Path, written: Written, name: str) -> str:
    """Say in a word or two what is done of a cell."""
    total = written.cells[name].steps
    done = steps_done(folder)
    if done < total:
        return f"at step {done:,}" if done else "new"
    if not is_scored(folder, written.key, written.samples):
        return "trained"
    if written.gradnorm_steps and not is_probed(folder, total, written.gradnorm_steps):
        return "scored"
    return "done"
