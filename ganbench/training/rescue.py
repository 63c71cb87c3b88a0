"""The way back: an earlier checkpoint is kept, and a run in trouble goes on from there with half the learning rate."""

from __future__ import annotations

import shutil
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.system.storage import atomic_write
from ganbench.training.checkpoint import load_checkpoint, look_into_checkpoint
from ganbench.training.run_folder import RunFolder
from ganbench.training.state import TrainingState

MOST_ROLLBACKS = 6  # a sixty-fourth of the learning rate


def keep_good(run: RunFolder, gap: int) -> None:
    """Keep the checkpoint that is about to be replaced, once it is so many steps further than the one kept before.

    What is kept so is always at least that old, as long as the evidence of trouble takes to gather, once the run is.

    Raises:
        CannotWrite: no room for it.
    """
    if not run.checkpoint.is_file():
        return
    if run.good.is_file() and step_of(run.checkpoint) - step_of(run.good) < gap:
        return
    with run.checkpoint.open("rb") as source, atomic_write(run.good) as target:
        shutil.copyfileobj(source, target)


def roll_back(state: TrainingState, run: RunFolder, since: int) -> int:
    """Bring a training back to the last state that is kept from before some step, with half of its learning rate.

    Args:
        state: the training; where no state is old enough, it starts again.
        run: where its states are kept.
        since: the step at which the trouble began.

    Returns:
        The step from which it goes on.

    Raises:
        GanbenchError: a checkpoint cannot be read.
    """
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in state.optimizers]
    rollbacks = state.rollbacks + 1
    stored = [(path, step) for path, step in _kept(run) if step <= since]
    if stored:
        state.load_state_dict(load_checkpoint(max(stored, key=lambda pair: pair[1])[0], state.device))
    else:
        state.start_again()
    for optimizer, before in zip(state.optimizers, rates, strict=True):
        for group, rate in zip(optimizer.param_groups, before, strict=True):
            group["lr"] = rate / 2
    state.rollbacks = rollbacks
    return state.step


def _kept(run: RunFolder) -> list[tuple[Path, int]]:
    return [(path, step_of(path)) for path in (run.checkpoint, run.good) if path.is_file()]


def step_of(path: Path) -> int:
    """Return the step of a checkpoint.

    Raises:
        GanbenchError: there is none that can be read.
    """
    step = look_into_checkpoint(path).get("step")
    if not isinstance(step, int):
        raise GanbenchError(f"{path}: not a readable checkpoint: its step is {str(step)[:40]}")
    return step
