"""Where ganbench keeps files, and how it writes them: hashed, atomic, never half.

``GANBENCH_HOME`` moves everything (assets and caches) to one folder; without it the platform's user data and user
cache folders are used.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import IO, Any

import platformdirs

from ganbench.errors import CannotWrite
from ganbench.system.leftovers import Sweeper, temporary_path
from ganbench.system.text import DEGRADE

_LOG = logging.getLogger(__name__)
_SWEEPER = Sweeper()


def data_dir() -> Path:
    """Return the folder of assets that the user added or fetched (it may not exist yet).

    Raises:
        CannotWrite: the user has no home.
    """
    home = os.environ.get("GANBENCH_HOME")
    return Path(home) / "data" if home else _at_home(platformdirs.user_data_dir)


def data_dirs() -> list[Path]:
    """Return the folders where assets may be: ``data_dir``, or none where the user has no home."""
    try:
        return [data_dir()]
    except CannotWrite:
        return []


def cache_dir() -> Path:
    """Return the folder of files that can be made again: exported networks, features (it may not exist yet).

    Raises:
        CannotWrite: the user has no home.
    """
    home = os.environ.get("GANBENCH_HOME")
    return Path(home) / "cache" if home else _at_home(platformdirs.user_cache_dir)


def _at_home(find: Callable[[str], str]) -> Path:
    """Return a folder that is to be in the user's home, which a user without HOME and without an entry has not got."""
    with suppress(RuntimeError):
        folder = find("ganbench")
        if not folder.startswith("~"):
            return Path(folder)
    raise CannotWrite("there is no home folder to keep files in. Set GANBENCH_HOME to a folder for them")


def shipped_dir(name: str) -> Path:
    """Return a folder of assets that come with ganbench, in an installed wheel or in a checkout.

    Args:
        name: ``"reference_stats"``, ``"detectors"`` or ``"selftest"``.
    """
    package = Path(__file__).resolve().parent.parent
    installed = package / "_shipped" / name
    return installed if installed.is_dir() else package.parent / name


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 lower-case hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def atomic_write(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path`` and rename it onto ``path`` once the block ends without an error.

    A reader sees the old file or the whole new one, never a part; a full disk leaves the old file as it was. A device
    or a pipe (``/dev/stderr``) is written to as it is. What processes that were killed left in the folder is removed
    (see ``leftovers``).

    Raises:
        CannotWrite: the folder cannot be written, the disk is full, or the system does not take such a name.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        encoding = None if "b" in mode else "utf-8"
        errors = None if "b" in mode else DEGRADE  # a name that came here by a way of its own costs no result
        newline = None if "b" in mode else ""
        if is_device(path):
            with path.open(mode, encoding=encoding, errors=errors, newline=newline) as f:
                yield f
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        _SWEEPER.sweep(path.parent)
        temporary = temporary_path(path)
        # The mode that a plain open() would give: the system takes the umask off, which asking for it would change.
        fd = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(fd, mode, encoding=encoding, errors=errors, newline=newline) as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
        temporary = None
        _LOG.debug("wrote %s", path)
    except OSError as e:
        why = e.strerror or str(e)
        raise CannotWrite(f"cannot write {path}: {why}. Free space or choose another place.") from e
    except UnicodeEncodeError as e:
        if e.object not in (str(path), str(temporary)):
            raise
        raise CannotWrite(f"cannot write {path}: the system does not take such a name. Choose another one.") from e
    finally:
        if temporary is not None:
            with suppress(OSError):  # a disk that failed may refuse this too
                temporary.unlink()


def is_device(path: Path) -> bool:
    """Tell whether a path is none of a plain file: to rename a file onto it would take its place."""
    return path.absolute().parts[1:2] in (("dev",), ("proc",)) or (path.exists() and not path.is_file())


def evict(folder: Path, limit_bytes: int, *, keep: Path) -> None:
    """Remove the least recently used files of a cache folder until the rest fits; ``keep`` always stays."""
    files = []
    for path in folder.iterdir():
        # Another process may be at the same work: what it removed meanwhile needs no room.
        with suppress(FileNotFoundError):
            status = path.stat()
            if S_ISREG(status.st_mode) and not path.name.startswith("."):
                files.append((path != keep, -status.st_mtime, status.st_size, path))
    total = 0
    for *_, size, path in sorted(files):
        total += size
        if total > limit_bytes and path != keep:
            _LOG.info("removed %s: the cache is larger than %d bytes", path, limit_bytes)
            path.unlink(missing_ok=True)
