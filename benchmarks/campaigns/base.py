"""What a campaign is: a name, how many cases it tries unless told otherwise, and what it found."""

from __future__ import annotations

import random
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import ganbench
from ganbench.errors import GanbenchError

_PACKAGE = Path(ganbench.__file__).parent
SECONDS = 10.0  # a case that takes longer hangs
MEGABYTES = 512  # resident memory that a case may take


@dataclass
class Found:
    """What a campaign found: how many cases were tried, and one line for each that failed."""

    tried: int = 0
    faults: list[str] = field(default_factory=list)
    note: str = ""

    def line(self, name: str) -> str:
        """Return the summary, such as ``images: 1500 tried, 0 failed``."""
        return f"{name}: {self.tried} tried, {len(self.faults)} failed" + (f"; {self.note}" if self.note else "")


class Sweep(ABC):
    """A campaign of many small cases, tried inside a child process that the parent watches.

    Every case gets a random generator of its own, seeded by the campaign's seed and its number, so that any one can be
    tried again alone.

    Attributes:
        name: of the campaign.
        count: cases unless told otherwise.
        seconds: that a case may take.
        megabytes: of resident memory that a case may add to what the process had when it was ready.
    """

    name: ClassVar[str]
    count: ClassVar[int]
    seconds: ClassVar[float] = SECONDS
    megabytes: ClassVar[int] = MEGABYTES

    def __init__(self, folder: Path) -> None:
        """Make what the cases are mutants of, in an empty folder."""
        self.folder = folder

    @abstractmethod
    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one case; return what is wrong, one line each."""


def guard(label: str, act: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Run something that may fail with an error of ganbench's only.

    Returns:
        What it returned, None where it failed; and the fault, if any other exception came out.
    """
    try:
        return act(), []
    except GanbenchError:
        return None, []
    except Exception as e:
        return None, [f"{label}: {type(e).__name__}: {str(e)[:100]!r} at {place(e)}"]


def place(e: BaseException) -> str:
    """Return where in ganbench an exception came from, such as ``images/decode.py:43``."""
    frames = traceback.extract_tb(e.__traceback__)
    last = ([frame for frame in frames if own(frame.filename)] or list(frames))[-1]
    return f"{own(last.filename) or last.filename}:{last.lineno}"


def own(filename: str) -> str:
    """Return the path of a source file within ganbench, such as ``images/decode.py``; "" for one of somebody else."""
    return str(Path(filename).relative_to(_PACKAGE)) if Path(filename).is_relative_to(_PACKAGE) else ""
