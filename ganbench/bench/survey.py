"""What has come of every cell of a bench, as it lies in one folder or in several."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganbench.bench.changes import state_of
from ganbench.bench.status import Status
from ganbench.bench.written import FILE, Difference, Written, tell_differences, texts_of
from ganbench.errors import GanbenchError
from ganbench.runs.facts import images_of, steps_done
from ganbench.scoring.scorecard import Scorecard
from ganbench.training.run_folder import RunFolder


@dataclass(frozen=True)
class Found:
    """One cell as it was found.

    Attributes:
        name: of the cell.
        folder: where it lies; where several hold a part of it, the one that is the furthest.
        state: ``done``, ``failed``, or what is done of it (``new``, ``at step 500``, ``trained``, ``scored``).
        reason: why it failed.
        scored: whether its scorecard counts, although it may not be done.
    """

    name: str
    folder: Path
    state: str
    reason: str = ""
    scored: bool = False

    @property
    def is_over(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.state in ("done", "failed")


def survey(written: Written, folders: list[Path]) -> list[Found]:
    """Return what has come of every cell.

    Args:
        written: the bench.
        folders: where its cells may lie.

    Raises:
        GanbenchError: a cell that lies in two of them with different results.
    """
    return [_best(written, name, [folder / name for folder in folders]) for name in written.cells]


def read_together(folders: list[Path]) -> Written:
    """Return the bench that several folders are parts of.

    Raises:
        GanbenchError: one of them is no bench, or they are of different ones; the message says in what they differ.
    """
    first = Written.read(folders[0])
    for folder in folders[1:]:
        if differences := first.differences(Written.read(folder)):
            raise GanbenchError(
                f"{folders[0]} and {folder} are of different benches, and no table may hold both: "
                f"{tell_differences(differences, str(folders[0]), str(folder))}"
            )
    return first


def refuse_strangers(written: Written, found: list[Found]) -> None:
    """Refuse cells that are not those of the bench: copied from another one, or changed since.

    Raises:
        GanbenchError: there are some; the message says in what they differ.
    """
    faults: list[Difference] = []
    for one in found:
        run = RunFolder(one.folder)
        if run.recipe_file.is_file():
            cell, recipe = written.cells[one.name], run.recipe()
            wanted = {"seed": str(cell.seed), "images": written.images, **cell.settings}
            there = {
                "seed": str(recipe.training.seed),
                "images": images_of(run) or written.images,
                **texts_of(recipe),
            }
            faults += [
                (f"{one.folder}: {key}", there.get(key, ""), value)
                for key, value in wanted.items()
                if there.get(key) != value
            ]
    if faults:
        raise GanbenchError(f"cells of another bench: {tell_differences(faults, 'the run', FILE)}. Leave them out")


def _best(written: Written, name: str, folders: list[Path]) -> Found:
    found = [_look(written, name, folder) for folder in folders]
    done = [one for one in found if one.state == "done"]
    for other in done[1:]:
        if _results(other.folder) != _results(done[0].folder):
            raise GanbenchError(
                f"{done[0].folder} and {other.folder} are both done, with different results: the machines differ, or "
                "the number of cores. Leave one of them out"
            )
    if done:
        return done[0]
    return max(found, key=lambda one: (one.scored, one.is_over, steps_done(one.folder)))


def _look(written: Written, name: str, folder: Path) -> Found:
    state = state_of(folder, written, name)
    if state == "done":
        return Found(name, folder, state, scored=True)
    status = Status.read(RunFolder(folder).status)
    if status is not None and status.state == "failed":
        return Found(name, folder, "failed", status.reason, scored=state == "scored")
    return Found(name, folder, state, scored=state == "scored")


def _results(folder: Path) -> tuple[object, ...]:
    card = Scorecard.read(RunFolder(folder).scorecard)
    return card.source.get("run"), card.rows
