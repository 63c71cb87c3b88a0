"""The probe beside a training: ``probe.csv`` in the run folder, of both networks, every so many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

from ganbench.diagnostics.gradnorm import GradNormProbe
from ganbench.diagnostics.probe_frame import COLUMNS
from ganbench.diagnostics.records import joined, text_before
from ganbench.errors import GanbenchError
from ganbench.system.outputs import write_text
from ganbench.system.text import csv_frame
from ganbench.training.run_folder import RunFolder
from ganbench.training.trainer import Trainer

NETWORKS = ("discriminator", "generator")
_HEAD = ("network", *COLUMNS)
_WRITTEN_EVERY = 20  # records of the discriminator; what a killed run has not written yet is lost


def recording(every: int, warn: Callable[[str], None]) -> Callable[[Trainer, RunFolder], AbstractContextManager[None]]:
    """Return what ``train`` takes as ``beside``: it records inside the block that a training runs in.

    Args:
        every: discriminator steps from record to record.
        warn: is told in one line when the file cannot be read or written; the training goes on.
    """

    @contextmanager
    def beside(trainer: Trainer, run: RunFolder) -> Iterator[None]:
        recorder = Recorder(trainer, run, every, warn)
        trainer.observers.append(recorder.observe)
        try:
            yield
        finally:
            recorder.close()

    return beside


class Recorder:
    """Watches a training from between its steps, and leaves it as it is."""

    def __init__(self, trainer: Trainer, run: RunFolder, every: int, warn: Callable[[str], None]) -> None:
        """Begin where the training stands; see ``recording``."""
        self._trainer = trainer
        self._run = run
        self._every = every
        self._warn = warn
        self._probes: dict[str, GradNormProbe] = {}
        self._attached: set[str] = set()
        self._step = trainer.step - 1  # the last that was begun
        self._written: dict[str, int] = {}
        self._waiting = 0
        self._begin(trainer.step)

    def observe(self, step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        """Record, as an ``Observer``: the discriminator's backward pass has just ended.

        The generator's step, which comes behind the discriminator's, is recorded when the next one begins. A probe is
        attached for the steps that are recorded, and until what these change has been measured.
        """
        del real, fake
        if step <= self._step:  # the training went back to an earlier state
            self.close()
            self._begin(step)
        discriminator = self._probes["discriminator"]
        self._record_generator()
        if step % self._every == 0 and discriminator.measured:
            discriminator.record(step)
            self._attach("generator")
            self._waiting += 1
        if (step + 1) % self._every == 0:
            self._attach("discriminator")
        elif step % self._every:
            self._detach("discriminator")
        self._step = step
        if self._waiting >= _WRITTEN_EVERY:
            self._write()

    def close(self) -> None:
        """Detach the probes and write what is left."""
        self._record_generator()
        for name in NETWORKS:
            self._detach(name)
        self._write()

    def _begin(self, step: int) -> None:
        """Drop what the file holds of steps that are done again, and watch from this one on."""
        clip = getattr(self._trainer.recipe.objective, "clip", None)
        self._probes = {
            "discriminator": GradNormProbe(self._trainer.discriminator, clip=clip),
            "generator": GradNormProbe(self._trainer.generator),
        }
        self._step = step - 1
        self._written = dict.fromkeys(NETWORKS, step - 1)
        self._waiting = 0
        self._save(lambda: write_text(self._run.probe, self._before(step)))
        if step % self._every == 0:
            self._attach("discriminator")

    def _before(self, step: int) -> str:
        """Return the file without the records from a step on; of none, or one that cannot be read, only the head."""
        try:
            return text_before(self._run.probe, _HEAD, step)
        except GanbenchError as e:
            self._warn(f"{e} It is begun anew.")
            return text_before(None, _HEAD, step)

    def _record_generator(self) -> None:
        generator = self._probes["generator"]
        if generator.measured:
            generator.record(self._step)
            self._detach("generator")

    def _attach(self, name: str) -> None:
        if name not in self._attached:
            self._attached.add(name)
            self._probes[name].attach()

    def _detach(self, name: str) -> None:
        if name in self._attached:
            self._attached.remove(name)
            self._probes[name].detach()

    def _write(self) -> None:
        """Append the records that are complete: of a probe that is attached, all but the last."""
        parts = {}
        for name, probe in self._probes.items():
            frame = probe.to_frame()
            last = frame["step"].max() if name in self._attached else float("inf")
            new = frame[(frame["step"] > self._written[name]) & (frame["step"] < last)]
            if len(new):
                self._written[name] = int(new["step"].max())
                parts[name] = new
        self._waiting = 0
        if parts:
            text = csv_frame(joined(parts)[list(_HEAD)]).partition("\n")[2]
            self._save(lambda: self._append(text))

    def _append(self, text: str) -> None:
        with self._run.probe.open("a", encoding="utf-8", newline="") as f:
            f.write(text)

    def _save(self, write: Callable[[], object]) -> None:
        """Write; whatever goes wrong costs the record and not the training."""
        try:
            write()
        except OSError as e:
            self._warn(f"{self._run.probe} could not be written: {e.strerror}")
        except GanbenchError as e:
            self._warn(str(e))
