"""A text file with a line for each logged step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ganbench.loggers.base import Begin, Logger


class Lines(Logger):
    """Writes ``logs/lines/lines.txt`` in the run folder."""

    def open(self, begin: Begin) -> None:
        """Begin, or go on: ``begin.step`` is 0 for a new run, ``begin.settings`` the recipe."""
        begin.folder.mkdir(parents=True, exist_ok=True)
        self.file = (begin.folder / "lines.txt").open("a", encoding="utf-8")
        print(f"from step {begin.step}, {begin.settings['variant']}", file=self.file)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take ``{"discriminator_loss": 0.7, ...}``, ``{"fd[lite0]": 120.0, ...}``."""
        print(step, *(f"{name}={value:.4g}" for name, value in values.items()), file=self.file)

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Take a sheet of samples, uint8 (H, W, 3); may be left out."""
        print(step, f"{name}: {pixels.shape[1]}x{pixels.shape[0]} pixels", file=self.file)

    def close(self, *, finished: bool) -> None:
        """The run has ended, or was stopped or broke and may be resumed."""
        print("finished" if finished else "stopped", file=self.file)
        self.file.close()
