"""What a training tells while it goes on: lines of the log, numbers and sheets to loggers, warnings, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import cast

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.loggers.base import Begin
from ganbench.loggers.several import Loggers
from ganbench.system.progress import track
from ganbench.system.wall import wall
from ganbench.training.recipe import Recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.vitals import scalars


class Journal:
    """Writes for one process, the first of several; a line that cannot be written costs a warning and not the run."""

    def __init__(self, run: RunFolder, warn: Callable[[str], None]) -> None:
        """Set up.

        Args:
            run: whose ``metrics.jsonl`` is written.
            warn: is told in one line what a person should know.
        """
        self._run = run
        self._warn = warn
        self._advance: Callable[..., None] = lambda count, note=None: None
        self._loggers: Loggers | None = None

    @contextmanager
    def open(self, recipe: Recipe, total: int, done: int, loggers: Sequence[str]) -> Iterator[None]:
        """Show progress inside the block, and open the loggers of these names for its time.

        A resumed run goes on with the logs of the earlier one. See ``require_loggers``.
        """
        finished = False
        if loggers:
            lines = logged(self._run, done)

            def begin(name: str) -> Begin:
                return Begin(self._run.path.resolve().name, self._run.log_folder(name), recipe.flat(), done, lines)

            self._loggers = Loggers(loggers, begin, self._warn)
        try:
            with track(recipe.variant, total, done, unit="steps") as self._advance:
                yield
            finished = True
        finally:
            if self._loggers is not None:
                self._loggers.close(finished=finished)

    def write(self, line: Mapping[str, object]) -> None:
        """Append a line to the log, and give its numbers to the loggers; ``line["step"]`` says when it was."""
        step = cast(int, line["step"])
        try:
            self._run.log(dict(line))
        except OSError as e:
            self.warn(step, f"metrics.jsonl could not be written: {e.strerror}")
        numbers = {name: value for name, value in line.items() if name != "step" and isinstance(value, float)}
        if self._loggers is not None and numbers:
            self._loggers.scalars(step, numbers)

    def show(self, step: int, pixels: np.ndarray) -> None:
        """Give a sheet of samples, uint8 (H, W, 3), to the loggers."""
        if self._loggers is not None:
            self._loggers.image(step, "samples", pixels)

    def write_vitals(self, line: Mapping[str, object]) -> None:
        """Append a line to ``vitals.jsonl``, and give its numbers to the loggers; see ``vitals.scalars``."""
        step = cast(int, line["step"])
        try:
            self._run.log_vitals(dict(line))
        except OSError as e:
            self.warn(step, f"vitals.jsonl could not be written: {e.strerror}")
        if self._loggers is not None and (numbers := scalars(line)):
            self._loggers.scalars(step, numbers)

    def advance(self, steps: int, losses: Mapping[str, float], rate: float) -> None:
        """Say how far the training is, with the latest losses and images per second."""
        parts = [f"D {losses['discriminator_loss']:.3g}"]
        if "generator_loss" in losses:
            parts.append(f"G {losses['generator_loss']:.3g}")
        self._advance(steps, "  ".join([*parts, f"{rate:.0f} images/s"]))

    def went_back(self, steps: int) -> None:
        """Take so many steps off what was done."""
        self._advance(-steps)

    def tell(self, step: int, text: str) -> None:
        """Give a warning that belongs into the log too."""
        self.warn(step, text)
        self.write({"step": step, "warning": text})

    def warn(self, step: int, text: str) -> None:
        """Give a warning."""
        self._warn(f"step {step}: {text}")


def logged(run: RunFolder, last: int) -> list[Mapping[str, object]]:
    """Return what loggers got up to a step, in its order, a mapping with ``step`` for each line of both logs."""
    lines: list[Mapping[str, object]] = [*run.read_metrics()]
    for line in run.read_vitals():
        with suppress(GanbenchError), wall(GanbenchError):  # of a line that is none nothing was logged
            lines.append({"step": line["step"], **scalars(line)})
    return sorted((line for line in lines if cast(int, line["step"]) <= last), key=lambda line: cast(int, line["step"]))
