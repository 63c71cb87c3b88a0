"""What a logger is: four calls that it gets while a run goes on."""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ganbench.system.outputs import write_text

if TYPE_CHECKING:
    import numpy as np

_ID = re.compile(r"[0-9a-z]{1,64}")
_ID_FILE = "run_id"


@dataclass(frozen=True)
class Begin:
    """What a logger is told of a run that begins or goes on.

    Attributes:
        name: of the run.
        folder: of this logger's own files inside the run folder; it need not exist.
        settings: the recipe, ``{"optimizer.lr": 1e-4, ...}``.
        step: the step from which the run goes on, 0 for a new one. What was logged after it is undone and comes again.
        logged: what was logged up to that step, a mapping with ``step`` for each line.
    """

    name: str
    folder: Path
    settings: Mapping[str, object]
    step: int = 0
    logged: Sequence[Mapping[str, object]] = field(default_factory=tuple)

    def known_id(self) -> str | None:
        """Return the id under which a service knows this run, None if it is new there."""
        try:
            with (self.folder / _ID_FILE).open("rb") as f:
                text = f.read(100).decode("ascii", "replace").strip()
        except OSError:
            return None
        return text if _ID.fullmatch(text) else None

    def keep_id(self, run_id: str) -> None:
        """Remember under which id a service knows this run, so that a resumed one is the same there."""
        write_text(self.folder / _ID_FILE, f"{run_id}\n")

    def id_for(self) -> str:
        """Return the id of this run, made and kept where there is none."""
        known = self.known_id()
        if known is None or self.step == 0:
            known = secrets.token_hex(8)
            self.keep_id(known)
        return known


class Logger(ABC):
    """Gets what a training tells; ``ganbench train --log NAME`` opens one.

    All calls come from one thread that is not the training's, in order: ``open``, then any number of ``scalars`` and
    ``image``, then ``close``. Any of them may raise: the run is told so in one line and goes on (see ``Loggers``).

    Attributes:
        needs: the modules to be there, the extra of ganbench that installs them under ``extra``.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""

    @abstractmethod
    def open(self, begin: Begin) -> None:
        """Begin the log of a new run, or go on with that of an earlier one."""

    @abstractmethod
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take numbers of a step: losses, gradient norms, results such as ``fd[lite0]``."""

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Take a picture, uint8 (H, W, 3): the sheet of samples; a logger without pictures leaves this out."""
        del step, name, pixels

    @abstractmethod
    def close(self, *, finished: bool) -> None:
        """End the log; ``finished``: the run reached its end, else it was stopped or broke and may be resumed."""
