"""TensorBoard: numbers, sheets and the recipe as an event file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganbench.loggers.base import Begin, Logger

if TYPE_CHECKING:
    import numpy as np


class TensorBoard(Logger):
    """Writes events; ``tensorboard --logdir runs`` shows all runs below a folder.

    A resumed run adds a file of its own, which hides what a killed one logged after its last checkpoint.
    """

    needs = ("tensorboard",)
    extra = "tensorboard"

    def open(self, begin: Begin) -> None:
        """See ``Logger``."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(begin.folder), purge_step=begin.step + 1)
        if begin.step == 0:
            self._write_settings(begin.settings)

    def _write_settings(self, settings: Mapping[str, object]) -> None:
        """Write the recipe where the tab HPARAMS finds it; ``SummaryWriter.add_hparams`` would begin another run."""
        from torch.utils.tensorboard.summary import hparams

        plain = {name: v if isinstance(v, (bool, int, float, str)) else str(v) for name, v in settings.items()}
        writer = self._writer._get_file_writer()
        for summary in hparams(plain, {"discriminator_loss": None, "generator_loss": None}):
            writer.add_summary(summary)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """See ``Logger``."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """See ``Logger``."""
        self._writer.add_image(name, pixels, step, dataformats="HWC")

    def close(self, *, finished: bool) -> None:
        """See ``Logger``."""
        self._writer.close()
