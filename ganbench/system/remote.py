"""Data where it lies: files at URLs, fetched into a cache by their content, listed, and written whole or not at all.

A URL is ``s3://``, ``gs://``, ``hf://`` or whatever else fsspec has a driver for, and ``https://``. What is fetched is
checked: that it did not change while it was read, that all of it came, that the disk has room for it before it is
taken; and every file of the cache is hashed again before it is used.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PosixPath, WindowsPath
from typing import Any

from ganbench.errors import CannotWrite, RemoteError
from ganbench.system import remote_cache
from ganbench.system.notes import Note, log_note
from ganbench.system.remote_driver import Driver, RemoteFile, changed
from ganbench.system.remote_transfer import again, check_unchanged, download, receive
from ganbench.system.urls import is_url, masked, scheme_of

__all__ = [
    "FetchedPath",
    "RemoteFile",
    "check_writable",
    "fetch_file",
    "is_folder",
    "is_url",
    "list_files",
    "put_file",
    "read_object",
    "shown",
]

_LOG = logging.getLogger(__name__)
_Stamp = tuple[int, int]  # size and time of the last write
if sys.platform == "win32":
    _LocalPath = WindowsPath
else:
    _LocalPath = PosixPath


def driver_for(url: str) -> Driver:
    """Return the driver of a URL's scheme.

    Raises:
        RemoteError: an unknown scheme, or its driver is not installed.
    """
    if scheme_of(url) not in ("http", "https") and "::" in url:
        raise RemoteError(
            f"{masked(url)}: a chain of file systems (::) is not read. Give the address of the file itself"
        )
    if scheme_of(url) in ("http", "https"):
        from ganbench.system.remote_http import HttpDriver

        return HttpDriver()
    from ganbench.system.remote_fsspec import fsspec_driver

    return fsspec_driver(url)


def fetch_file(url: str, note: Note = log_note) -> Path:
    """Return a local copy of the file at a URL, from the cache if this version of it is there.

    A connection that breaks is taken up again where it broke. The copy is read-only by agreement: it is shared.

    Args:
        url: of one file.
        note: told what is wrong with the cache.

    Raises:
        RemoteError: absent, forbidden, out of reach, a folder, or changed while it was read.
        CannotWrite: no room for it.
    """
    driver = driver_for(url)
    file = again(url, lambda: driver.stat(url))
    if file is None:
        raise RemoteError(f"{masked(url)}: a folder, where one file is wanted. Name a file in it")
    path = remote_cache.find(file, note) or download(driver, file, note)
    return FetchedPath.of(path, url, path.parent.name)  # the folder is called by the hash of the content


class FetchedPath(_LocalPath):
    """The local copy of a file at a URL. In another process, or on another machine, it is fetched there if need be.

    So whatever holds the path of a source can be pickled, as if the file lay where both can read it. A path that is
    made of this one, such as its parent, is a plain path.
    """

    _origin: tuple[str, str, _Stamp] | None = None

    @classmethod
    def of(cls, path: Path, url: str, sha256: str) -> FetchedPath:
        """Return a path that knows where it came from, and what it held."""
        made = cls(path.absolute())
        made._origin = url, sha256, _stamp(path)
        return made

    def again(self) -> Path:
        """Return the same file as it is on this machine: this path if all is there, or another copy.

        Raises:
            RemoteError: the file at the URL is another one now, or cannot be fetched.
        """
        return self if self._origin is None else _again(str(self), *self._origin)

    def __reduce__(self) -> Any:
        return super().__reduce__() if self._origin is None else (_again, (str(self), *self._origin))


def _again(path: str, url: str, sha256: str, stamp: _Stamp) -> Path:
    with suppress(OSError):
        if _stamp(Path(path)) == stamp:  # the file that was hashed: another process of the same machine has it too
            return FetchedPath.of(Path(path), url, sha256)
    fetched = fetch_file(url)
    if fetched.parent.name != sha256:
        raise changed(url)
    return fetched


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def shown(path: Path) -> str:
    """Return what messages call a file: the address that it was fetched from, or its path."""
    origin = path._origin if isinstance(path, FetchedPath) else None
    return masked(origin[0]) if origin else str(path)


def is_folder(url: str) -> bool:
    """Tell whether a URL is of a folder: it says so by its last slash, or there is no file of this name.

    Raises:
        RemoteError: absent, forbidden or out of reach.
    """
    driver = driver_for(url)
    if url.endswith("/") and driver.lists:
        return True
    return again(url, lambda: driver.stat(url)) is None


def list_files(url: str, *, deep: bool = True) -> list[RemoteFile]:
    """Return the files below a folder at a URL, those of its subfolders too; names are relative to it.

    Raises:
        RemoteError: absent, forbidden, out of reach, or of a store that lists nothing.
    """
    return list_folder(url, deep=deep)[0]


def list_folder(url: str, *, deep: bool) -> tuple[list[RemoteFile], list[str]]:
    """Return the files below a folder at a URL, and the subfolders that were not looked into.

    Raises:
        RemoteError: as ``list_files``.
    """
    driver = driver_for(url)
    return again(url, lambda: driver.list(url, deep=deep))


def read_object(file: RemoteFile, most: int, note: Note = log_note) -> bytes:
    """Return the content of a small object that was listed, from the cache if this version of it is there.

    Args:
        file: as it was listed.
        most: bytes at most; of a larger object one byte more comes back.
        note: told what is wrong with the cache.

    Raises:
        RemoteError: absent, forbidden, out of reach, or changed since it was listed.
    """
    key = remote_cache.key_of(file)
    cache = remote_cache.objects(key)
    if file.version and (kept := cache.load(key, lambda content: bytes(content.payload), note)) is not None:
        return kept
    driver = driver_for(file.url)
    parts: list[bytes] = []

    def take(part: bytes) -> bool:
        parts.append(part)
        return sum(map(len, parts)) <= most

    if receive(driver, file, take):
        content = b"".join(parts)
        check_unchanged(driver, file, hashlib.md5(content, usedforsecurity=False).hexdigest())
        if file.version:
            cache.keep(key, content, note)
        return content
    return b"".join(parts)[: most + 1]


def put_file(local: Path, url: str) -> None:
    """Write a local file to a URL, whole or not at all.

    Raises:
        CannotWrite: absent bucket, no permission, out of reach, or a store that takes nothing.
    """
    driver = driver_for(url)
    _writing(url, lambda: driver.put(local, url))
    _LOG.info("wrote %s", masked(url))


def check_writable(url: str) -> None:
    """Find out whether a file can be written to a URL, before the work whose result it is for.

    Raises:
        CannotWrite: as ``put_file``.
    """
    driver = driver_for(url)
    _writing(url, lambda: driver.check_writable(url))


def _writing(url: str, act: Callable[[], None]) -> None:
    try:
        again(url, act)
    except CannotWrite:
        raise
    except RemoteError as e:
        raise CannotWrite(f"cannot write {e}") from e
