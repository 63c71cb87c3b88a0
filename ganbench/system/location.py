"""Where a user's file lies: a path or a URL, one type for both, so that no URL is ever taken for a path.

``pathlib`` makes ``s3:/bucket`` of ``s3://bucket``. So whatever may be a URL travels as a ``Location`` (or a text)
until somebody needs the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.system.notes import Note, log_note
from ganbench.system.urls import is_url, masked, name_of, refuse_url


@dataclass(frozen=True)
class Location:
    """A path or a URL.

    Attributes:
        text: as it was given; a URL in it may hold a secret, ``str()`` of the location holds none.
    """

    text: str = field(repr=False)

    @classmethod
    def of(cls, given: str | Path | Location) -> Location:
        """Return the location that a text, a path or a location is."""
        return given if isinstance(given, Location) else cls(str(given))

    @property
    def is_remote(self) -> bool:
        """Tell whether it is a URL."""
        return is_url(self.text)

    @property
    def name(self) -> str:
        """The last part: what the file is called."""
        return name_of(self.text) if self.is_remote else Path(self.text).name

    @property
    def path(self) -> Path:
        """The local path.

        Raises:
            GanbenchError: it is a URL.
        """
        return Path(refuse_url(self.text, "this file"))

    def __str__(self) -> str:
        return masked(self.text) if self.is_remote else str(Path(self.text))

    def fetched(self, note: Note = log_note) -> Path:
        """Return a local file to read: the path itself, or the copy of what is at the URL.

        Raises:
            GanbenchError: as ``remote.fetch_file``.
        """
        if not self.is_remote:
            return Path(self.text)
        from ganbench.system.remote import fetch_file

        return fetch_file(self.text, note)


@contextmanager
def told_as(location: Location, path: Path) -> Iterator[None]:
    """Let errors of the block name the place that the user gave, and not the copy that was fetched from there."""
    try:
        yield
    except GanbenchError as e:
        if not location.is_remote or not e.args:
            raise
        e.args = (str(e.args[0]).replace(str(path), str(location)), *e.args[1:])
        raise
