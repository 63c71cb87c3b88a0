"""The training, told once from top to bottom: data in, a step of D, a step of G; then log, sheet, score, save, stop.

``Trainer`` does the steps, ``Loop`` goes round them. Beside them lie: what a step minimises (objectives/), what is
trained (state.py), the images (data.py), what is written (journal.py, checkpoint.py), signs of trouble (health.py), and
how a run begins or is resumed (start.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ganbench.errors import GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.images.sheets import write_sheet
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.system.cores import available_cores
from ganbench.system.progress import EVERY_SECONDS
from ganbench.training.checkpoint import save_checkpoint
from ganbench.training.data import TrainingImages, to_training_range
from ganbench.training.distributed import World
from ganbench.training.health import Health, check_weights
from ganbench.training.hold import Hold, Lost
from ganbench.training.journal import Journal
from ganbench.training.recipe import Recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.sampling import sample
from ganbench.training.signals import stop_requests
from ganbench.training.state import TrainingState

SHEET = 64  # images of a sample sheet, always of the same latents
SCORED = 1000  # samples of a scorecard during training

# Called with (step, real, fake), images in [-1, 1], once the discriminator's gradients are there and before clipping
# and the optimizer change anything.
Observer = Callable[[int, torch.Tensor, torch.Tensor], None]


class Stopped(GanbenchError):
    """A signal ended the run; it was saved."""

    exit_code = 130


@dataclass(frozen=True)
class LoopOptions:
    """How often what is written, in steps of the discriminator; None: never. Scores follow ``scoring``.

    ``loggers`` are names of ``LOGGERS``, which get what is logged too.
    """

    log_every: int = 10
    sheet_every: int | None = 500
    save_every: int = 250
    score_every: int | None = None
    loggers: tuple[str, ...] = ()
    scoring: Plan | None = None


class Trainer(TrainingState):
    """Two networks that learn from each other, a step at a time. What they minimise is the objective's business."""

    def __init__(self, recipe: Recipe, device: torch.device, world: World | None = None) -> None:
        """See ``TrainingState``; whoever wants to see the discriminator's gradients adds itself to ``observers``."""
        super().__init__(recipe, device, world)
        self.observers: list[Observer] = []

    def train_step(self, pixels: torch.Tensor) -> None:
        """Do one step of the discriminator, and every ``n_critic``-th time one of the generator.

        Args:
            pixels: this process's share of the batch, uint8 (N, H, W, 3).
        """
        tf32 = self.recipe.training.precision != "fp32"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        real = to_training_range(pixels, self.device)
        if self.recipe.data.flip:
            real = torch.where(self._draw.uniform(1, 1, 1) < 0.5, real.flip(3), real)
        self._step_discriminator(real)
        if (self.step + 1) % self.recipe.training.n_critic == 0:
            self._step_generator()
        self.step += 1

    def _step_discriminator(self, real: torch.Tensor) -> None:
        with self._autocast():
            with torch.no_grad():
                fake = self.generator(*self.generator.inputs(self._draw))
            loss = self.objective.discriminator_loss(self._parallel_discriminator, real, fake, self.step, self._draw)
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        for observe in self.observers:
            observe(self.step, real, fake)
        self._clip(self.discriminator)
        self.discriminator_optimizer.step()
        self.objective.after_step(self.discriminator)
        self.latest |= {"discriminator_loss": loss.total.detach(), **loss.parts}

    def _step_generator(self) -> None:
        # The discriminator only passes gradients on here; not computing those of its weights saves a third of its work.
        self.discriminator.requires_grad_(False)
        with self._autocast():
            inputs = self.generator.inputs(self._draw)
            step = self.step // self.recipe.training.n_critic
            loss = self.objective.generator_loss(self.discriminator, self._parallel_generator, inputs, step, self._draw)
        self.generator_optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        self.discriminator.requires_grad_(True)
        self._clip(self.generator)
        self.generator_optimizer.step()
        self._follow()
        self.latest |= {"generator_loss": loss.total.detach(), **loss.parts}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.training.precision == "bf16")

    def _clip(self, network: nn.Module) -> None:
        if self.recipe.training.clip_grad_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self.recipe.training.clip_grad_norm)


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
        self._health = Health(scores_are_probabilities="probability" in trainer.objective.output)
        self._journal = Journal(run, warn)
        self._hold = hold

    def train(self) -> None:
        """Train to the end.

        Raises:
            Stopped: SIGINT or SIGTERM came; the run was saved.
            Lost: another process took the run folder over; what it does there is left alone.
            Diverged: a loss or a weight became NaN or infinite; the last checkpoint is kept.
            GanbenchError: the final checkpoint could not be written.
        """
        trainer, options, world = self.trainer, self.options, self.trainer.world
        with stop_requests() as stop, self._open_journal():
            since, steps = time.perf_counter(), trainer.step
            while trainer.step < self.total:
                if self._shall_stop(stop):
                    if trainer.latest:
                        self._health.check_losses(trainer.step, trainer.losses())
                    self._save(final=True)
                    raise Stopped(f"stopped at step {trainer.step} of {self.total} and saved. Go on with --resume")

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
                if self._due(options.save_every) and trainer.step < self.total:
                    self._save(final=False)
                since += time.perf_counter() - pause  # sheets, scores and checkpoints do not count as training time
            self._save(final=True)

    def _due(self, every: int | None) -> bool:
        return every is not None and (self.trainer.step % every == 0 or self.trainer.step == self.total)

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
        if self.trainer.world.first:
            self._check_hold()  # of two processes that log into one file, neither could be resumed
            self._write({"step": self.trainer.step, **losses})
        warning = self._health.check_losses(self.trainer.step, losses)
        if warning and self.trainer.world.first:
            self._tell(warning)

    def _tell(self, text: str) -> None:
        self._journal.tell(self.trainer.step, text)

    def _write(self, line: dict[str, object]) -> None:
        self._journal.write(line)

    def _sheet(self) -> None:
        check_weights(self.trainer.step, [self.trainer.generator])
        try:
            pixels = np.concatenate(list(sample(self.trainer.sampler, SHEET, seed=self.trainer.recipe.training.seed)))
            warning = self._health.check_samples(self.trainer.step, pixels)
            if warning:
                self._tell(warning)
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
        self._write({"step": self.trainer.step, **{r.id: float(r.value) for r in card.rows if r.value is not None}})

    def _save(self, *, final: bool) -> None:
        """Write the checkpoint; only the last one of a run must succeed."""
        check_weights(self.trainer.step, [self.trainer.generator, self.trainer.discriminator])
        if not self.trainer.world.first:
            return
        state = {
            **self.trainer.state_dict(),
            "images": self.images.digest,
            "threads": torch.get_num_threads(),
            "cores": available_cores(),
        }
        self._check_hold()
        try:
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
