"""What a run does about itself: it is looked at, warns, stops, or goes back to a good state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ganbench.errors import GanbenchError
from ganbench.system.wall import reason
from ganbench.training.health import Diverged
from ganbench.training.journal import Journal
from ganbench.training.options import LoopOptions
from ganbench.training.rescue import MOST_ROLLBACKS, keep_good, roll_back, step_of
from ganbench.training.run_folder import RunFolder
from ganbench.training.state import TrainingState
from ganbench.training.watch import Enough, Sign, Troubled

_LINES = 50  # of the log: within so many, trouble shows


class Care:
    """Looks after one run."""

    def __init__(self, trainer: TrainingState, run: RunFolder, options: LoopOptions, journal: Journal) -> None:
        """Set up.

        Args:
            trainer: what is trained.
            run: where it records what it does.
            options: whether anybody watches, and what follows.
            journal: is told what is found.
        """
        self._trainer = trainer
        self._run = run
        self._options = options
        self._journal = journal
        self._looked = 0
        self._gap = max(options.save_every, _LINES * options.log_every)

    def begin(self) -> None:
        """Start where the training stands; what the log said up to there was told before.

        Raises:
            GanbenchError: several processes cannot go back together.
        """
        if self._options.on_trouble == "rollback" and self._trainer.world.size > 1:
            raise GanbenchError("--on-trouble rollback takes one process: with several, take warn or stop")
        self._looked = self._trainer.step
        if self._trainer.world.first:
            self._drop_later()

    def look(self, save: Callable[[], None], *, ended: bool) -> None:
        """Look at what is recorded; all processes do so together.

        Args:
            save: saves the run as it is.
            ended: whether the run has no step left to do.

        Raises:
            Troubled: something must be done about it.
            Enough: the run has reached what it can.
        """
        watch, world = self._options.watch, self._trainer.world
        if watch is None:
            return
        signs: list[Sign] = []
        enough = None
        if world.first:
            try:
                signs = [sign for sign in watch.signs(self._run) if sign.when > self._looked]
                enough = None if ended else watch.enough(self._run)
            except Exception as e:  # whatever is wrong with what looks, it must not cost the hours of training
                self._journal.tell(self._trainer.step, f"not looked at: {reason(e)}")
        self._looked = self._trainer.step
        for sign in signs:
            self._journal.tell(self._trainer.step, sign.text)
        grave = [sign for sign in signs if sign.grave] if self._options.on_trouble != "warn" else []
        if world.any(bool(grave)):
            step = self._trainer.step
            text = "; ".join(sign.text for sign in grave)
            if self._options.on_trouble == "stop":
                save()
                raise Troubled(f"step {step}: stopped and saved: {text}", step)
            raise Troubled(f"step {step}: {text}", min(sign.since for sign in grave))
        if world.any(enough is not None):
            raise Enough(enough or "")

    def keep_good(self) -> None:
        """Keep the checkpoint that is about to be replaced, if a run may have to go back to it."""
        if self._options.on_trouble == "rollback":
            keep_good(self._run, self._gap)

    def roll_back(self, trouble: Diverged | Troubled) -> str:
        """Go back to the last good state; returns what was done, in a sentence.

        Raises:
            GanbenchError: that was done too often already, or a checkpoint cannot be read.
        """
        trainer = self._trainer
        if trainer.rollbacks >= MOST_ROLLBACKS:
            raise Troubled(
                f"{trouble} Going back {MOST_ROLLBACKS} times, each time with half the learning rate, did not help",
                trainer.step,
            )
        since = trouble.since if isinstance(trouble, Troubled) else trainer.step - self._gap
        to = roll_back(trainer, self._run, since)
        rate = trainer.generator_optimizer.param_groups[0]["lr"]
        return f"{trouble} Went back to step {to}, with half the learning rate: {rate:g}"

    def went_back(self, text: str) -> None:
        """Bring the log to where the run stands again, once that is saved."""
        step = self._trainer.step
        self._run.rewind(step)
        self._drop_later()
        self._looked = step
        self._journal.tell(step, text)

    def _drop_later(self) -> None:
        """Drop a kept state from behind the one that the run stands at: it is of a way that was given up."""
        with suppress(GanbenchError, FileNotFoundError):
            if step_of(self._run.good) > self._trainer.step:
                self._run.good.unlink()
