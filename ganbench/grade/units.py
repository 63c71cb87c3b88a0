"""What lies in the folder of a class: the files and folders that may each be a submission."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.images.names import is_archive_name, is_hidden, is_image_name, natural_key
from ganbench.images.sources import ARRAYS

METADATA = "submission_metadata.yml"  # of Gradescope, at the top of its export
_MOST_ENTRIES = 500_000
_DEEPEST = 12  # folders in folders
_MOST_BYTES = 1 << 30  # of a submission: more is not even read
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Unit:
    """A file or folder that somebody handed in.

    Attributes:
        path: where it is.
        parts: its path below the folder of the class.
        holds: whether it may hold images; else it is a file of another kind, or an empty folder.
        mtime: when it was last written to, seconds since 1970; of a folder, the latest of its files.
    """

    path: Path
    parts: tuple[str, ...]
    holds: bool
    mtime: float

    @property
    def label(self) -> str:
        """The path below the folder of the class, with forward slashes."""
        return "/".join(self.parts)


def find_units(folder: Path, leave_out: Collection[Path] = ()) -> tuple[list[Unit], list[str]]:
    """Return what may be submissions, in natural order, and what was passed over, one line each.

    A folder that has images in it is one, and so is every other file that is not hidden. Links that lead out of the
    folder are passed over.

    Args:
        folder: of the class.
        leave_out: files and folders that are nobody's: the configuration, the roster, the results.

    Raises:
        GanbenchError: there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        what = "no such folder" if not folder.exists() else "not a folder: unpack the export first"
        raise GanbenchError(f"{folder}: {what}")
    walk = _Walk(folder.resolve(), {path.resolve() for path in leave_out})
    try:
        found = list(walk.below(folder, (), 0))
    except OSError as e:
        raise GanbenchError(f"{e.filename or folder}: cannot be read: {e.strerror or e}") from e
    return sorted(found, key=lambda unit: natural_key(unit.label)), walk.passed


class _Walk:
    """One way through a folder, with what was passed over on it."""

    def __init__(self, root: Path, leave_out: set[Path]) -> None:
        self._root, self._leave_out = root, leave_out
        self._seen = 0
        self.passed: list[str] = []

    def below(self, folder: Path, parts: tuple[str, ...], depth: int) -> Iterator[Unit]:
        if depth > _DEEPEST:
            self.passed.append(f"{'/'.join(parts)}: more than {_DEEPEST} folders deep")
            return
        entries = self._entries(folder, parts)
        files = [entry for entry in entries if entry.is_file()]
        if parts and any(is_image_name(entry.name) for entry in files):
            yield Unit(folder, parts, True, max(entry.stat().st_mtime for entry in files))
            return
        found = False
        for entry in entries:
            path, inner = Path(entry.path), (*parts, entry.name)
            if entry.is_dir():
                for unit in self.below(path, inner, depth + 1):
                    found = True
                    yield unit
            elif entry.is_file():
                if not parts and entry.name == METADATA:
                    continue
                found = True
                yield Unit(path, inner, _may_hold(entry.name), entry.stat().st_mtime)
        if not found and depth == 1:  # somebody's, with nothing in it
            yield Unit(folder, parts, False, folder.stat().st_mtime)

    def _entries(self, folder: Path, parts: tuple[str, ...]) -> list[os.DirEntry[str]]:
        with os.scandir(folder) as scan:
            entries = sorted((e for e in scan if not is_hidden(e.name)), key=lambda entry: natural_key(entry.name))
        self._seen += len(entries)
        if self._seen > _MOST_ENTRIES:
            raise GanbenchError(f"{self._root}: more than {_MOST_ENTRIES:,} files and folders. Is it that of a class?")
        kept = []
        for entry in entries:
            resolved = Path(entry.path).resolve() if entry.is_symlink() or self._leave_out else None
            if resolved in self._leave_out:
                continue
            if entry.is_symlink() and (resolved is None or not resolved.is_relative_to(self._root)):
                self.passed.append(f"{'/'.join((*parts, entry.name))}: a link that leads out of the folder")
            else:
                kept.append(entry)
        return kept


def _may_hold(name: str) -> bool:
    return is_archive_name(name) or name.lower().endswith((*ARRAYS, ".parquet"))


def digest_of(unit: Unit) -> str:
    """Return a SHA-256 of all that a submission is: names and bytes, 64 hex digits.

    Raises:
        GanbenchError: it cannot be read, or is larger than anything that could be a submission.
    """
    files = [unit.path] if unit.path.is_file() else sorted(path for path in unit.path.rglob("*") if path.is_file())
    total = hashlib.sha256(f"{unit.path.name}\0{unit.path.is_file()}\0".encode("utf-8", "surrogatepass"))
    size = 0
    try:
        for path in files:
            size += path.stat().st_size
            if size > _MOST_BYTES:
                raise GanbenchError(f"more than {_MOST_BYTES >> 30} GiB: it was not looked at")
            name = path.relative_to(unit.path).as_posix()
            total.update(f"{name}\0".encode("utf-8", "surrogatepass"))
            total.update(_sha256(path))
    except OSError as e:
        raise GanbenchError(f"cannot be read: {e.strerror or e}") from e
    return total.hexdigest()


def _sha256(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while chunk := f.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()
