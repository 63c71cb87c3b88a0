"""Where a file of images lies: a path, and the URL that it was fetched from, where another machine fetches its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ganbench.errors import SourceError
from ganbench.system.location import Location, told_as


@dataclass(frozen=True)
class Place:
    """A file that pieces of a source are read from, wherever they are opened.

    Attributes:
        path: of the file here, absolute.
        length: of the file when it was looked at, bytes.
        url: where it was fetched from; nothing if it was not.
    """

    path: Path
    length: int
    url: str = field(default="", repr=False)

    @classmethod
    def of(cls, path: Path, url: str = "") -> Place:
        """Look at a file.

        Raises:
            OSError: it cannot be looked at.
        """
        return cls(path.absolute(), path.stat().st_size, url)

    def local(self) -> Path:
        """Return a path that the file can be read at: on another machine, of a copy that is fetched there.

        Raises:
            SourceError: it has another length now.
            RemoteError: it cannot be fetched.
            OSError: it cannot be looked at.
        """
        path = self.path
        if self.url and not path.is_file():
            path = Location(self.url).fetched()
        if path.stat().st_size != self.length:
            with told_as(Location(self.url or str(path)), path):
                raise SourceError(f"{path}: it changed while it was read")
        return path
