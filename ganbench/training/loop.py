"""The training, told once from top to bottom: data in, a step of D, a step of G; then log, sheet, score, save, stop.

``Trainer`` does the steps (trainer.py), ``Loop`` goes round them. Beside them lie: what a step minimises (objectives/),
what is trained (state.py), the images (data.py), what is written (journal.py, vitals.py, checkpoint.py), what is done
about trouble (health.py, care.py), and how a run begins or is resumed (start.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from ganbench.errors import GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.images.sheets import write_sheet
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.system.cores import available_cores
from ganbench.system.progress import EVERY_SECONDS
from ganbench.training.care import Care
from ganbench.training.checkpoint import save_checkpoint
from ganbench.training.data import TrainingImages
from ganbench.training.health import Diverged, check_losses, check_weights
from ganbench.training.hold import Hold, Lost
from ganbench.training.journal import Journal
from ganbench.training.options import LoopOptions
from ganbench.training.run_folder import RunFolder
from ganbench.training.sampling import sample
from ganbench.training.signals import stop_requests
from ganbench.training.trainer import Trainer
from ganbench.training.vitals import Vitals
from ganbench.training.watch import Enough, Troubled, is_look

SHEET = 64  # images of a sample sheet, always of the same latents
SCORED = 1000  # samples of a scorecard during training


class Stopped(GanbenchError):
    """A signal ended the run; it was saved."""

    exit_code = 130


class Loop:
    """Runs a trainer to its end, inside a run folder."""

    def __init__(
        self,
        trainer: Trainer,
        images: TrainingImages,
        run: RunFolder,
        options: LoopOptions,
        warn: Callable[[str], None] = lambda text: None,
        hold: Hold | None = None,
    ) -> None:
        """Put a run together.

        Args:
            trainer: what to train.
            images: on what.
            run: where everything is written.
            options: what to write how often.
            warn: is told in one line what a person should know while the run goes on.
            hold: on the run folder, of the process that writes into it.
        """
        self.trainer = trainer
        self.images = images
        self.run = run
        self.options = options
        self.total = trainer.recipe.steps(len(images))
        self._vitals = trainer.vitals = Vitals(trainer, images)
        self._told_failed = False
        self._journal = Journal(run, warn)
        self._care = Care(trainer, run, options, self._journal)
        self._hold = hold

    def train(self) -> None:
        """Train to the end.

        Raises:
            Stopped: SIGINT or SIGTERM came; the run was saved.
            Lost: another process took the run folder over; what it does there is left alone.
            Diverged: a loss or a weight became NaN or infinite; the last checkpoint is kept.
            Troubled: there is trouble, and the run is to stop then; it was saved.
            GanbenchError: the final checkpoint could not be written.
        """
        self._care.begin()
        with stop_requests() as stop, self._open_journal():
            while True:
                try:
                    self._go_on(stop)
                    self._save(final=True)
                    return
                except Enough as e:
                    if self.trainer.world.first:
                        self._tell(str(e))
                    self._save(final=True)
                    return
                except (Diverged, Troubled) as e:
                    if self.options.on_trouble != "rollback":
                        if isinstance(e, Diverged) and self.trainer.world.first:
                            self._write({"step": self.trainer.step, "warning": str(e)})
                        raise
                    before = self.trainer.step
                    text = self._care.roll_back(e)
                    self._save(final=True, keep=False)
                    self._care.went_back(text)
                    self._journal.went_back(before - self.trainer.step)

    def _go_on(self, stop: threading.Event) -> None:
        trainer, options, world = self.trainer, self.options, self.trainer.world
        since, steps = time.perf_counter(), trainer.step
        while trainer.step < self.total:
            if self._shall_stop(stop):
                if trainer.latest:
                    check_losses(trainer.step, trainer.losses())
                self._save(final=True)
                raise Stopped(f"stopped at step {trainer.step} of {self.total} and saved. Go on with --resume")

            if self._due(options.log_every, ahead=1):
                self._vitals.begin()
            trainer.train_step(self.images.load(trainer.step, rank=world.rank, processes=world.size))

            now = time.perf_counter()
            logged = self._due(options.log_every) or self._due(options.save_every)  # NaN is never saved
            if logged or (now - since > EVERY_SECONDS and world.size == 1):  # of slow steps, a word a minute
                losses = trainer.losses()
                now = time.perf_counter()
                rate = (trainer.step - steps) * self.images.batch / (now - since)
                if logged:
                    self._log(losses | {"images_per_second": rate})
                self._journal.advance(trainer.step - steps, losses, rate)
                since, steps = now, trainer.step

            pause = time.perf_counter()
            if world.first and self._due(options.sheet_every):
                self._sheet()
            if world.first and self._due(options.score_every):
                self._score()
            self._look()
            if self._due(options.save_every) and trainer.step < self.total:
                self._save(final=False)
            since += time.perf_counter() - pause  # sheets, scores and checkpoints do not count as training time

    def _due(self, every: int | None, ahead: int = 0) -> bool:
        step = self.trainer.step + ahead
        return every is not None and (step % every == 0 or step == self.total)

    def _look(self) -> None:
        """Let the watch look at what is recorded: now and then at the log, at every sheet and score, and at the end."""
        step, options = self.trainer.step, self.options
        if options.watch is None:
            return
        now_and_then = step % options.log_every == 0 and is_look(step // options.log_every)
        if now_and_then or self._due(options.sheet_every) or self._due(options.score_every) or step == self.total:
            self._care.look(lambda: self._save(final=True), ended=step == self.total)

    def _shall_stop(self, stop: threading.Event) -> bool:
        """Tell whether a signal came; several processes vote as often as they log, for a vote waits for the GPUs."""
        if self.trainer.world.size > 1 and self.trainer.step % self.options.log_every:
            return False
        return self.trainer.world.any(stop.is_set())

    def _open_journal(self) -> AbstractContextManager[None]:
        if not self.trainer.world.first:
            return nullcontext()
        return self._journal.open(self.trainer.recipe, self.total, self.trainer.step, self.options.loggers)

    def _log(self, losses: dict[str, float]) -> None:
        """Write the losses and look at them; every process does, so that all stop at the same step."""
        vitals = self._vitals.read()
        if self.trainer.world.first:
            self._check_hold()  # of two processes that log into one file, neither could be resumed
            self._write({"step": self.trainer.step, **losses})
            if self._vitals.failed and not self._told_failed:
                self._told_failed = True
                self._journal.warn(self.trainer.step, f"images are not scored for the doctor: {self._vitals.failed}")
            if vitals is not None:
                self._journal.write_vitals({"step": self.trainer.step, **vitals})
        check_losses(self.trainer.step, losses)

    def _tell(self, text: str) -> None:
        self._journal.tell(self.trainer.step, text)

    def _write(self, line: dict[str, object]) -> None:
        self._journal.write(line)

    def _sheet(self) -> None:
        check_weights(self.trainer.step, [self.trainer.generator])
        try:
            pixels = np.concatenate(list(sample(self.trainer.sampler, SHEET, seed=self.trainer.recipe.training.seed)))
            self._journal.show(self.trainer.step, write_sheet(self.run.sheet(self.trainer.step), pixels))
        except GanbenchError as e:
            self._journal.warn(self.trainer.step, str(e))

    def _score(self) -> None:
        recipe = self.trainer.recipe
        check_weights(self.trainer.step, [self.trainer.generator])
        try:
            pixels = np.concatenate(list(sample(self.trainer.sampler, SCORED, seed=recipe.training.seed + 1)))
            source = ArraySource.of(f"step {self.trainer.step}", pixels, value_range=None, resize=None)
            card = score_source(source, (self.options.scoring or Plan.of()).without_cache())
        except Exception as e:  # whatever is wrong with a score, it must not cost the hours of training
            self._tell(f"not scored: {e}" if isinstance(e, GanbenchError) else f"not scored: {type(e).__name__}: {e}")
            return
        step, measured = self.trainer.step, [r for r in card.rows if r.value is not None]
        self._write({"step": step, **{r.id: float(r.value) for r in measured if r.value is not None}})
        self._journal.write_vitals({"step": step, "scores": {r.id: [r.value, r.low, r.high] for r in measured}})

    def _save(self, *, final: bool, keep: bool = True) -> None:
        """Write the checkpoint; only the last one of a run must succeed. The one before may be kept, to go back to."""
        check_weights(self.trainer.step, [self.trainer.generator, self.trainer.discriminator])
        if not self.trainer.world.first:
            return
        state = {
            **self.trainer.state_dict(),
            "images": self.images.digest,
            "held_out": len(self.images.held_out),
            "threads": torch.get_num_threads(),
            "cores": available_cores(),
        }
        self._check_hold()
        try:
            if keep:
                self._care.keep_good()
            save_checkpoint(self.run.checkpoint, state)
            if self._hold is not None:
                self._hold.saved()
        except Lost:
            raise
        except GanbenchError as e:
            if final:
                raise
            self._journal.warn(self.trainer.step, f"{e} The run goes on, and tries again.")

    def _check_hold(self) -> None:
        if self._hold is not None:
            self._hold.check()
