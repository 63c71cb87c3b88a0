"""The caches: folders of containers under keys, held under a size. A cache may fail; the work goes on without it.

A file that is damaged or somebody else's is a miss, and so is a folder that cannot be read; what cannot be written is
not kept. Both are told in one sentence, and neither is ever an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ganbench.errors import CannotWrite
from ganbench.system.container import Content, Damaged, Writer, read
from ganbench.system.leftovers import sweep
from ganbench.system.notes import Note, log_note
from ganbench.system.storage import atomic_write, cache_dir, evict
from ganbench.system.wall import reason

_T = TypeVar("_T")
_REMARK = "the cache: "


def remark(text: str) -> str:
    """Return a sentence about a cache as the user reads it."""
    return _REMARK + text


def is_remark(text: str) -> bool:
    """Tell whether a note is about a cache alone, and not about a result: such a note is not kept with one."""
    return text.startswith(_REMARK)


@dataclass(frozen=True)
class Cache:
    """One cache.

    Attributes:
        name: of its folder; at most 16 characters.
        what: one of the things it keeps, in words for the user.
        limit_bytes: of all files; the least recently used ones go first.
    """

    name: str
    what: str
    limit_bytes: int

    def folder(self) -> Path:
        """Return the folder, which need not exist.

        Raises:
            CannotWrite: there is no place for caches.
        """
        return cache_dir() / self.name

    def path(self, key: str) -> Path:
        """Return the file of a key, which need not exist.

        Raises:
            CannotWrite: there is no place for caches.
        """
        return self.folder() / f"{key}.cache"

    def has(self, key: str) -> bool:
        """Tell whether there is a file under a key, whole or not."""
        try:
            return self.path(key).is_file()
        except CannotWrite:
            return False

    def load(self, key: str, parse: Callable[[Content], _T], note: Note = log_note) -> _T | None:
        """Return what was kept under a key, or None.

        Args:
            key: hash of everything that the content depends on.
            parse: makes the thing from the checked bytes; whatever it raises counts as damage.
            note: told when there is a file that cannot be used.
        """
        try:
            path = self.path(key)
            content = read(path, self.name, key)
        except (FileNotFoundError, NotADirectoryError, CannotWrite):
            return None
        except (OSError, Damaged) as e:
            self._drop(key, e, note)
            return None
        try:
            found = parse(content)
        except Exception as e:
            self._drop(key, e, note)
            return None
        with suppress(OSError):  # the time of the last use; a cache that can only be read has none
            path.touch()
        return found

    def _drop(self, key: str, e: Exception, note: Note) -> None:
        note(remark(f"{self.path(key)} cannot be used ({reason(e)}); {self.what} is made again."))
        with suppress(OSError):
            self.path(key).unlink()

    @contextmanager
    def writer(self, key: str) -> Iterator[Writer]:
        """Keep what the block writes under a key; an error in the block keeps nothing. The block calls ``finish``.

        Raises:
            CannotWrite: the cache cannot be written.
        """
        path = self.path(key)
        sweep(path.parent)
        with atomic_write(path) as file:
            yield Writer(file, self.name, key)
        try:
            evict(path.parent, self.limit_bytes, keep=path)
        except OSError as e:
            raise CannotWrite(f"cannot make room in {path.parent}: {reason(e)}.") from e

    def keep(
        self, key: str, payload: bytes | memoryview, note: Note = log_note, facts: dict[str, Any] | None = None
    ) -> None:
        """Keep bytes, and facts about them in JSON, under a key; a cache that cannot be written is a note, no error."""
        try:
            with self.writer(key) as writer:
                writer.write(payload)
                writer.finish(facts or {})
        except CannotWrite as e:
            note(self.not_kept(e))

    def not_kept(self, e: CannotWrite) -> str:
        """Return the note for what could not be kept."""
        return remark(f"{self.what} was not kept: {e}")
