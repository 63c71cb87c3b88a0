"""The members of an archive, each name checked as it is added."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from ganbench.errors import SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.images.place import Place

_PLAIN = re.compile(r"[\w-][\w-]+(?:\.\w+)?")


class Listing:
    """The members of an archive.

    Attributes:
        place: the archive.
        path: the same.
        limits: what it may hold.
        files: where each file is, by its name in its plain form; what the numbers mean is up to whoever adds them.
        folders: folders that are members of their own.
        replaced: names that came more than once; the last one counts, as when it is unpacked.
    """

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.place = Place.of(path)
        self.path = path
        self.limits = limits
        self.files: dict[str, tuple[int, ...]] = {}
        self.folders: list[str] = []
        self.replaced: list[str] = []
        self._count = 0

    def add_file(self, raw: str, where: tuple[int, ...]) -> None:
        """Add a file.

        Raises:
            SourceError: its name points outside, or it is one too many.
        """
        name = self.name(raw)
        if self.files.pop(name, None) is not None:
            self.replaced.append(name)
        self.files[name] = where

    def add_folder(self, raw: str) -> None:
        """Add a folder.

        Raises:
            SourceError: as ``add_file``.
        """
        name = self.name(raw)
        if name != ".":  # what `tar czf x.tgz .` writes for the folder it packs
            self.folders.append(f"{name}/")

    def name(self, raw: str) -> str:
        """Return a member's name in its plain form.

        Raises:
            SourceError: it points outside, or it is one too many.
        """
        self._count += 1
        self.limits.check_members(self.path, self._count)
        name = plain_name(raw)
        if name is None:
            raise SourceError(
                f"{self.path}: refused, its member {raw!r} points outside the archive. "
                "Pack it again from within its folder"
            )
        return name

    def notes(self) -> list[str]:
        """Return what a reader of the results must know, one line each."""
        if not self.replaced:
            return []
        some = ", ".join(repr(name) for name in self.replaced[:3]) + (" ..." if len(self.replaced) > 3 else "")
        return [f"in the archive more than once: {some}; the last one counts"]


def plain_name(raw: str) -> str | None:
    """Return a name without ``./``, with forward slashes; None if it points outside."""
    if _PLAIN.fullmatch(raw):  # nearly all are
        return raw
    pure = PurePosixPath(raw.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or re.match("[A-Za-z]:", str(pure)):
        return None
    return str(pure)
