"""The training loop: data in, steps, and everything that is written while it runs."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from ganbench.errors import GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.images.sheets import write_sheet
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.system.cores import available_cores
from ganbench.system.progress import track
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint
from ganbench.training.data import TrainingImages
from ganbench.training.distributed import World
from ganbench.training.health import Health, check_weights
from ganbench.training.run_folder import RunFolder
from ganbench.training.sampling import sample
from ganbench.training.trainer import Trainer

SHEET = 64  # images of a sample sheet, always of the same latents
SCORED = 1000  # samples of a scorecard during training


class Stopped(GanbenchError):
    """A signal ended the run; it was saved."""

    exit_code = 130


@dataclass(frozen=True)
class LoopOptions:
    """How often what is written, in steps of the discriminator; None: never. Scores follow ``scoring``."""

    log_every: int = 10
    sheet_every: int | None = 500
    save_every: int = 250
    score_every: int | None = None
    tensorboard: bool = False
    scoring: Plan | None = None


class Loop:
    """Runs a trainer to its end, inside a run folder."""

    def __init__(
        self,
        trainer: Trainer,
        images: TrainingImages,
        run: RunFolder,
        options: LoopOptions,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Put a run together.

        Args:
            trainer: what to train.
            images: on what.
            run: where everything is written.
            options: what to write how often.
            warn: is told in one line what a person should know while the run goes on.
        """
        self.trainer = trainer
        self.images = images
        self.run = run
        self.options = options
        self.total = trainer.recipe.steps(len(images))
        self._health = Health(scores_are_probabilities="probability" in trainer.objective.output)
        self._writer = None
        self._warn = warn

    @property
    def world(self) -> World:
        """The processes of the run."""
        return self.trainer.world

    def resume(self) -> None:
        """Load the checkpoint and drop what was logged after it.

        Raises:
            GanbenchError: no readable checkpoint, other settings, other images, or more steps done than are asked for.
        """
        state = load_checkpoint(self.run.checkpoint, self.trainer.device)
        if state["images"] != self.images.digest:
            raise GanbenchError(f"{self.run.path} was trained on other images; the bits would not be the same")
        if state["step"] > self.total:
            raise GanbenchError(
                f"{self.run.path} has {state['step']} steps done, more than the {self.total} asked for: --steps"
            )
        self.trainer.load_state_dict(state)
        if self.world.first:
            self.run.rewind(self.trainer.step)
            now = torch.get_num_threads()
            if self.trainer.device.type == "cpu" and state["threads"] != now:
                self._warn(
                    f"the run had {state['threads']} threads and now has {now}: it goes on, but not to the same bits "
                    f"as without the break. For those, set OMP_NUM_THREADS={state['threads']}"
                )

    def train(self) -> None:
        """Train to the end.

        Raises:
            Stopped: SIGINT or SIGTERM came; the run was saved.
            Diverged: a loss or a weight became NaN or infinite; the last checkpoint is kept.
            GanbenchError: the final checkpoint could not be written.
        """
        trainer = self.trainer
        with _stop_requests() as stop, self._tensorboard(), self._bar() as advance:
            since, steps = time.perf_counter(), trainer.step
            while trainer.step < self.total:
                if self._shall_stop(stop):
                    if trainer.latest:
                        self._health.check_losses(trainer.step, trainer.losses())
                    self._save(final=True)
                    raise Stopped(f"stopped at step {trainer.step} of {self.total} and saved. Go on with --resume")
                batch = self.images.load(trainer.step, rank=self.world.rank, processes=self.world.size)
                trainer.train_step(batch)
                if self._due(self.options.log_every) or self._due(self.options.save_every):  # NaN is never saved
                    losses = trainer.losses()
                    now = time.perf_counter()
                    rate = (trainer.step - steps) * self.images.batch / (now - since)
                    self._log(losses | {"images_per_second": rate})
                    advance(trainer.step - steps, _note(losses, rate))
                    since, steps = now, trainer.step
                pause = time.perf_counter()
                self._write_what_is_due()
                since += time.perf_counter() - pause  # sheets, scores and checkpoints do not count as training time
            self._save(final=True)

    def _shall_stop(self, stop: threading.Event) -> bool:
        """Tell whether a signal came; several processes vote as often as they log, for a vote waits for the GPUs."""
        if self.world.size > 1 and self.trainer.step % self.options.log_every:
            return False
        return self.world.any(stop.is_set())

    def _bar(self) -> AbstractContextManager[Callable[..., None]]:
        if not self.world.first:
            return nullcontext(lambda count, note: None)
        return track(self.trainer.recipe.variant, self.total, self.trainer.step)

    @contextmanager
    def _tensorboard(self) -> Iterator[None]:
        """Write TensorBoard events inside the block; a resumed run hides what the killed one wrote after its save."""
        if not self.options.tensorboard or not self.world.first:
            yield
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as e:
            raise GanbenchError("--tensorboard needs a package: pip install 'ganbench[tensorboard]'") from e
        with SummaryWriter(str(self.run.path / "tensorboard"), purge_step=self.trainer.step + 1) as self._writer:
            yield

    def _due(self, every: int | None) -> bool:
        return every is not None and (self.trainer.step % every == 0 or self.trainer.step == self.total)

    def _write_what_is_due(self) -> None:
        if self.world.first and self._due(self.options.sheet_every):
            self._sheet()
        if self.world.first and self._due(self.options.score_every):
            self._score()
        if self._due(self.options.save_every) and self.trainer.step < self.total:
            self._save(final=False)

    def _log(self, losses: dict[str, float]) -> None:
        """Write the losses and look at them; every process does, so that all stop at the same step."""
        if self.world.first:
            self._write({"step": self.trainer.step, **losses})
        warning = self._health.check_losses(self.trainer.step, losses)
        if warning and self.world.first:
            self._tell(warning)

    def _tell(self, text: str) -> None:
        self._warn(f"step {self.trainer.step}: {text}")
        self._write({"step": self.trainer.step, "warning": text})

    def _write(self, line: dict[str, object]) -> None:
        try:
            self.run.log(line)
        except OSError as e:
            self._warn(f"step {self.trainer.step}: metrics.jsonl could not be written: {e.strerror}")
        if self._writer is not None:
            for name, value in line.items():
                if name != "step" and isinstance(value, float):
                    self._writer.add_scalar(name, value, self.trainer.step)

    def _sheet(self) -> None:
        pixels = np.concatenate(list(sample(self.trainer.sampler, SHEET, seed=self.trainer.recipe.training.seed)))
        warning = self._health.check_samples(self.trainer.step, pixels)
        if warning:
            self._tell(warning)
        try:
            write_sheet(self.run.sheet(self.trainer.step), pixels)
        except GanbenchError as e:
            self._warn(f"step {self.trainer.step}: {e}")

    def _score(self) -> None:
        recipe = self.trainer.recipe
        pixels = np.concatenate(list(sample(self.trainer.sampler, SCORED, seed=recipe.training.seed + 1)))
        source = ArraySource.of(f"step {self.trainer.step}", pixels, value_range=None, resize=None)
        try:
            card = score_source(source, (self.options.scoring or Plan.of()).without_cache())
        except Exception as e:  # whatever is wrong with a score, it must not cost the hours of training
            self._tell(f"not scored: {e}" if isinstance(e, GanbenchError) else f"not scored: {type(e).__name__}: {e}")
            return
        self._write({"step": self.trainer.step, **{r.id: float(r.value) for r in card.rows if r.value is not None}})

    def _save(self, *, final: bool) -> None:
        """Write the checkpoint; only the last one of a run must succeed."""
        check_weights(self.trainer.step, [self.trainer.generator, self.trainer.discriminator])
        if not self.world.first:
            return
        state = {
            **self.trainer.state_dict(),
            "images": self.images.digest,
            "threads": torch.get_num_threads(),
            "cores": available_cores(),
        }
        try:
            save_checkpoint(self.run.checkpoint, state)
        except GanbenchError as e:
            if final:
                raise
            self._warn(f"step {self.trainer.step}: {e} The run goes on, and tries again.")


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """Turn SIGINT and SIGTERM into an event; the second SIGINT interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: object) -> None:
        del frame
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _note(losses: dict[str, float], rate: float) -> str:
    parts = [f"D {losses['discriminator_loss']:.3g}"]
    if "generator_loss" in losses:
        parts.append(f"G {losses['generator_loss']:.3g}")
    return "  ".join([*parts, f"{rate:.0f} images/s"])
