"""What reads and writes at URLs: one driver for each kind of store, and the errors that they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ganbench.errors import RemoteError
from ganbench.system.urls import masked


@dataclass(frozen=True)
class RemoteFile:
    """One object that was found.

    Attributes:
        name: its path below the folder that was listed, with forward slashes; of a single file its last part.
        url: where it is. It may hold a secret: what is shown is ``masked(url)``.
        size: bytes; None if the store does not say.
        version: what changes whenever the content does (ETag, generation, commit); "" if the store tells nothing.
    """

    name: str
    url: str = field(repr=False)
    size: int | None
    version: str


class Interrupted(Exception):
    """A transfer broke in a way that another try may mend; the text says how, in a few words."""


class Driver(ABC):
    """Reads and writes at URLs of some schemes. Safe to use from several threads.

    Its methods raise ``RemoteError`` for what no other try can mend, ``Interrupted`` for what one may.

    Attributes:
        lists: whether there are folders, which can be listed.
    """

    lists = True

    @abstractmethod
    def stat(self, url: str) -> RemoteFile | None:
        """Return what is at a URL now; None for a folder."""

    @abstractmethod
    def list(self, url: str, *, deep: bool) -> tuple[list[RemoteFile], list[str]]:
        """Return the files below a folder, and the names of the subfolders that were not looked into."""

    @abstractmethod
    def stream(self, file: RemoteFile, start: int) -> Iterator[bytes]:
        """Yield the content from a byte on, in parts of a few MB."""

    @abstractmethod
    def put(self, local: Path, url: str) -> None:
        """Write a local file to a URL, whole or not at all."""

    @abstractmethod
    def check_writable(self, url: str) -> None:
        """Find out whether a URL can be written, without leaving anything there."""


def changed(url: str) -> RemoteError:
    """Return the error for a file that is another one than when it was looked at first."""
    return RemoteError(f"{masked(url)}: changed while it was read. Run the command again when nobody writes to it")
