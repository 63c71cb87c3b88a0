"""What a training tells while it goes on: lines of the log, TensorBoard events, warnings, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, cast

from ganbench.errors import GanbenchError
from ganbench.system.progress import track
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


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
        self._writer: SummaryWriter | None = None

    @contextmanager
    def open(self, what: str, total: int, done: int, *, tensorboard: bool) -> Iterator[None]:
        """Show progress inside the block and write TensorBoard events, if asked to.

        A resumed run hides the events that a killed one wrote after its save. See ``require_tensorboard``.
        """
        with ExitStack() as stack:
            if tensorboard:
                self._writer = stack.enter_context(_summary_writer(self._run, done))
            self._advance = stack.enter_context(track(what, total, done, unit="steps"))
            yield

    def write(self, line: Mapping[str, object]) -> None:
        """Append a line to the log, its numbers to TensorBoard; ``line["step"]`` says when it was."""
        step = cast(int, line["step"])
        try:
            self._run.log(dict(line))
        except OSError as e:
            self.warn(step, f"metrics.jsonl could not be written: {e.strerror}")
        if self._writer is not None:
            for name, value in line.items():
                if name != "step" and isinstance(value, float):
                    self._writer.add_scalar(name, value, step)

    def write_vitals(self, line: Mapping[str, object]) -> None:
        """Append a line to ``vitals.jsonl``."""
        try:
            self._run.log_vitals(dict(line))
        except OSError as e:
            self.warn(cast(int, line["step"]), f"vitals.jsonl could not be written: {e.strerror}")

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


def require_tensorboard() -> None:
    """Check that events can be written, before anything is.

    Raises:
        GanbenchError: there is no TensorBoard.
    """
    try:
        from torch.utils import tensorboard
    except ImportError as e:
        raise GanbenchError("--tensorboard needs a package: pip install 'ganbench[tensorboard]'") from e
    del tensorboard


def _summary_writer(run: RunFolder, done: int) -> SummaryWriter:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(run.events), purge_step=done + 1)
