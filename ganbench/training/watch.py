"""Whoever watches a run while it goes on: what it says, and what the run does about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ganbench.errors import GanbenchError
from ganbench.training.run_folder import RunFolder

OnTrouble = Literal["warn", "stop", "rollback"]


class Troubled(GanbenchError):
    """A run is in trouble, and something must be done about it.

    Attributes:
        since: the step at which it began.
    """

    exit_code = 1

    def __init__(self, text: str, since: int) -> None:
        super().__init__(text)
        self.since = since


class Enough(Exception):
    """A run has reached what it can reach; it is saved like any that ends."""


@dataclass(frozen=True)
class Sign:
    """A sign of trouble.

    Attributes:
        kind: by which rule.
        since: the step at which its evidence begins.
        when: the step at which it can be told.
        text: what is to be said.
        grave: whether the run cannot come to any good if nothing is done.
    """

    kind: str
    since: int
    when: int
    text: str
    grave: bool


class Watch(Protocol):
    """Looks at what a run has recorded so far."""

    def signs(self, run: RunFolder) -> list[Sign]:
        """Return all signs of trouble that the records show: of the same records always the same."""

    def enough(self, run: RunFolder) -> str | None:
        """Say why the run may stop, if its scores do not improve any more."""


def is_look(lines: int) -> bool:
    """Tell whether the watch looks after so many logged lines: after every tenth, of long logs every hundredth, ...

    So looking costs the same share of a run however long it gets, and a resumed run looks at the same steps.
    """
    return lines % max(10, 10 ** (len(str(lines)) - 2)) == 0
