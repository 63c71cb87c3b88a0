"""Where ganbench keeps files, and how it writes them: hashed, atomic, never half.

``GANBENCH_HOME`` moves everything (assets and caches) to one folder; without it the platform's user data and user
cache folders are used.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import IO, Any

import platformdirs

from ganbench.errors import GanbenchError

_LOG = logging.getLogger(__name__)


def data_dir() -> Path:
    """Return the folder of assets that the user added or fetched (it may not exist yet)."""
    home = os.environ.get("GANBENCH_HOME")
    return Path(home) / "data" if home else Path(platformdirs.user_data_dir("ganbench"))


def cache_dir() -> Path:
    """Return the folder of files that can be made again: exported networks, features (it may not exist yet)."""
    home = os.environ.get("GANBENCH_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("ganbench"))


def shipped_dir(name: str) -> Path:
    """Return a folder of assets that come with ganbench, in an installed wheel or in a checkout.

    Args:
        name: ``"reference_stats"`` or ``"detectors"``.
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

    A reader sees the old file or the whole new one, never a part; a full disk leaves the old file as it was.

    Raises:
        GanbenchError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        encoding = None if "b" in mode else "utf-8"
        newline = None if "b" in mode else ""
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
        # The mode that a plain open() would give: the system takes the umask off, which asking for it would change.
        fd = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(fd, mode, encoding=encoding, newline=newline) as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
        temporary = None
        _LOG.debug("wrote %s", path)
    except OSError as e:
        why = e.strerror or str(e)
        raise GanbenchError(f"cannot write {path}: {why}. Free space or choose another place.") from e
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def check_outputs(*files: Path | None, folders: tuple[Path | None, ...] = ()) -> None:
    """Check that files can be written, before the work whose results they are for; nothing is created.

    Args:
        files: files to write later; None and ``-`` (standard output) are passed over.
        folders: folders to write into later, which need not exist yet.

    Raises:
        GanbenchError: a folder where a file is to be, a file where a folder is to be, or no permission.
    """
    for file in files:
        if file is not None and str(file) != "-":
            _check_place(file, file.parent, is_file=True)
    for folder in folders:
        if folder is not None:
            _check_place(folder, folder, is_file=False)


def _check_place(wanted: Path, folder: Path, *, is_file: bool) -> None:
    try:
        if is_file and wanted.is_dir():
            raise GanbenchError(f"cannot write {wanted}: it is a folder. Name a file in it, such as {wanted / 'out'}")
        # The nearest folder above that exists: the rest will be made in it.
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        usable = there.is_dir()
    except OSError as e:
        raise GanbenchError(f"cannot write {wanted}: {e.strerror}. Choose another place.") from e
    if not usable:
        raise GanbenchError(f"cannot write {wanted}: {there} is a file, not a folder. Choose another place.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise GanbenchError(f"cannot write {wanted}: no permission to write into {there}. Choose another place.")


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
