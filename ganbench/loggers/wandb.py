"""Weights & Biases: offline unless ``WANDB_MODE`` says otherwise, so that nothing leaves the machine unasked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganbench.loggers.base import Begin, Logger

if TYPE_CHECKING:
    import numpy as np


class WeightsAndBiases(Logger):
    """Logs into one run of W&B, whose files lie in the run folder; ``wandb sync`` uploads what was logged offline.

    The package's own environment variables hold: ``WANDB_MODE``, ``WANDB_PROJECT``, ``WANDB_ENTITY``. A resumed run
    has the same id. Numbers stand over ``step``, the step of the discriminator, and not over W&B's own count, which
    would refuse the steps that a resumed run does again.
    """

    needs = ("wandb",)
    extra = "wandb"

    def open(self, begin: Begin) -> None:
        """See ``Logger``."""
        import wandb

        begin.folder.mkdir(parents=True, exist_ok=True)
        init: Any = wandb.init
        self._run = init(
            project=os.environ.get("WANDB_PROJECT", "ganbench"),
            name=begin.name,
            id=begin.id_for(),
            resume="allow",
            dir=str(begin.folder),
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings=wandb.Settings(console="off", silent=True),  # the terminal is the training's
        )
        self._run.config.update(dict(begin.settings), allow_val_change=True)  # a resumed run may be longer
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """See ``Logger``."""
        self._run.log({"step": step, **values})

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """See ``Logger``."""
        import wandb

        self._run.log({"step": step, name: wandb.Image(pixels)})

    def close(self, *, finished: bool) -> None:
        """See ``Logger``."""
        self._run.finish(exit_code=0 if finished else 1)
