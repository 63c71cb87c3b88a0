"""Where a file of images lies, for pieces that are opened in other processes or on other machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import SourceError
from ganbench.system.remote import FetchedPath, shown


@dataclass(frozen=True)
class Place:
    """A file that pieces of a source are read from, wherever they are opened.

    Attributes:
        path: of the file here, absolute; a ``FetchedPath`` finds its file on other machines too.
        length: of the file when it was looked at, bytes.
    """

    path: Path
    length: int

    @classmethod
    def of(cls, path: Path) -> Place:
        """Look at a file.

        Raises:
            OSError: it cannot be looked at.
        """
        return cls(path if path.is_absolute() else path.absolute(), path.stat().st_size)

    def local(self) -> Path:
        """Return a path that the file can be read at.

        Raises:
            SourceError: it has another length now.
            RemoteError: its copy here is gone, and it cannot be fetched again.
            OSError: it cannot be looked at.
        """
        path = self.path
        if isinstance(path, FetchedPath) and not path.is_file():
            path = path.again()
        if path.stat().st_size != self.length:
            raise SourceError(f"{shown(path)}: it changed while it was read")
        return path
