"""Data where it lies: files at URLs, fetched into a cache by their content, listed, and written whole or not at all.

A URL is ``s3://``, ``gs://``, ``hf://`` or whatever else fsspec has a driver for, and ``https://``. What is fetched is
checked: that it did not change while it was read, that all of it came, that the disk has room for it before it is
taken; and every file of the cache is hashed again before it is used.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ganbench.errors import CannotWrite, RemoteError
from ganbench.system import remote_cache
from ganbench.system.leftovers import temporary_folder
from ganbench.system.notes import Note, log_note
from ganbench.system.progress import track
from ganbench.system.remote_driver import Driver, Interrupted, RemoteFile, changed
from ganbench.system.urls import is_url, masked, scheme_of

__all__ = ["RemoteFile", "check_writable", "fetch_file", "is_folder", "is_url", "list_files", "put_file", "read_object"]

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

TRIES = 5  # in a row without a byte
PAUSE = 0.5  # seconds before the second try; doubled before each further one
MOST_BYTES = 64 << 30  # of a file whose store does not say how large it is
_LOOK = 64 << 20  # bytes between two looks at the free space


def driver_for(url: str) -> Driver:
    """Return the driver of a URL's scheme.

    Raises:
        RemoteError: an unknown scheme, or its driver is not installed.
    """
    if "::" in url:
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
    file = _again(url, lambda: driver.stat(url))
    if file is None:
        raise RemoteError(f"{masked(url)}: a folder, where one file is wanted. Name a file in it")
    return remote_cache.find(file, note) or _fetch(driver, file, note)


def is_folder(url: str) -> bool:
    """Tell whether a URL is of a folder: it says so by its last slash, or there is no file of this name.

    Raises:
        RemoteError: absent, forbidden or out of reach.
    """
    driver = driver_for(url)
    if url.endswith("/") and driver.lists:
        return True
    return _again(url, lambda: driver.stat(url)) is None


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
    return _again(url, lambda: driver.list(url, deep=deep))


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

    if _receive(driver, file, take):
        content = b"".join(parts)
        _check_unchanged(driver, file, hashlib.md5(content, usedforsecurity=False).hexdigest())
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
        _again(url, act)
    except CannotWrite:
        raise
    except RemoteError as e:
        raise CannotWrite(f"cannot write {e}") from e


def _fetch(driver: Driver, file: RemoteFile, note: Note) -> Path:
    """Fetch a file into the cache."""
    remote_cache.check_room(file.size or 0, file.url)
    name = remote_cache.local_name(file)
    sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    have = 0
    with (
        temporary_folder(remote_cache.folder() / "download") as filling,
        track(f"fetching {name}", file.size, unit="bytes") as advance,
    ):
        try:
            with (filling / name).open("wb") as f:

                def take(part: bytes) -> bool:
                    nonlocal have
                    if have // _LOOK != (have + len(part)) // _LOOK:
                        remote_cache.check_room(max(0, (file.size or 0) - have), file.url)
                    have += len(part)
                    if have > (MOST_BYTES if file.size is None else file.size):
                        raise _endless(file, have)
                    f.write(part)
                    sha.update(part)
                    md5.update(part)
                    advance(len(part))
                    return True

                _receive(driver, file, take)
        except OSError as e:
            raise CannotWrite(f"cannot write {filling / name}: {e.strerror or e}. Free space") from e
        _check_unchanged(driver, file, md5.hexdigest())
        return remote_cache.keep(file, filling, sha.hexdigest(), note)


def _endless(file: RemoteFile, have: int) -> RemoteError:
    most = f"the {file.size:,} that were announced" if file.size is not None else f"{MOST_BYTES:,}"
    return RemoteError(f"{masked(file.url)}: refused, it has sent {have:,} bytes, more than {most}. Is it a file?")


def _receive(driver: Driver, file: RemoteFile, take: Callable[[bytes], bool]) -> bool:
    """Hand over all parts of a file, going on after a break; False if ``take`` wants no more."""
    have, failures = 0, 0
    while True:
        try:
            for part in driver.stream(file, have):
                have, failures = have + len(part), 0
                if not take(part):
                    return False
            if file.size is None or have >= file.size:
                return True
            raise Interrupted(f"the connection was cut after {have:,} of {file.size:,} bytes")
        except Interrupted as e:
            failures += 1
            _wait(file.url, e, failures)


def _again(url: str, act: Callable[[], _T]) -> _T:
    """Do something that may be interrupted, as often as makes sense."""
    failures = 0
    while True:
        try:
            return act()
        except Interrupted as e:
            failures += 1
            _wait(url, e, failures)


def _wait(url: str, e: Interrupted, failures: int) -> None:
    """Wait before the next try.

    Raises:
        RemoteError: there were enough.
    """
    if failures >= TRIES:
        raise RemoteError(f"{masked(url)}: {e}; tried {failures} times. Run the command again later") from e
    _LOG.info("%s: %s; try %d follows", masked(url), e, failures + 1)
    time.sleep(PAUSE * 2 ** (failures - 1))


def _check_unchanged(driver: Driver, file: RemoteFile, md5: str) -> None:
    """Make sure that what was read is one version: its hash says so, or the store does when asked again.

    Raises:
        RemoteError: it changed.
    """
    if md5 in file.version:  # most object stores give the MD5 of what was written in one piece
        return
    now = _again(file.url, lambda: driver.stat(file.url))
    if now is None or (now.version, now.size) != (file.version, file.size):
        raise changed(file.url)
