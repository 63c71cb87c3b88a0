"""Transfers: taken up again where a connection broke, held to limits, and checked to be one version, and whole."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

from ganbench.errors import CannotWrite, RemoteError
from ganbench.system import remote_cache
from ganbench.system.leftovers import temporary_folder
from ganbench.system.notes import Note
from ganbench.system.progress import track
from ganbench.system.remote_driver import Driver, Interrupted, RemoteFile, changed
from ganbench.system.urls import masked

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

TRIES = 5  # in a row without a byte
PAUSE = 0.5  # seconds before the second try; doubled before each further one
PATIENCE_S = 30.0  # after which no further one begins
MOST_BYTES = 64 << 30  # of a file whose store does not say how large it is
_LOOK = 64 << 20  # bytes between two looks at the free space


def download(driver: Driver, file: RemoteFile, note: Note) -> Path:
    """Fetch a file into the cache; returns where it is.

    Raises:
        RemoteError: out of reach, larger than it was said to be, or it changed.
        CannotWrite: no room for it.
    """
    remote_cache.check_room(file.size or 0, file.url)
    name = remote_cache.local_name(file)
    sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    have = 0
    with (
        temporary_folder(remote_cache.folder() / "download") as filling,
        _shown(f"fetching {name}", file.size) as advance,
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

                receive(driver, file, take)
        except OSError as e:
            raise CannotWrite(f"cannot write {filling / name}: {e.strerror or e}. Free space") from e
        check_unchanged(driver, file, md5.hexdigest())
        return remote_cache.keep(file, filling, sha.hexdigest(), note)


def _endless(file: RemoteFile, have: int) -> RemoteError:
    most = f"the {file.size:,} that were announced" if file.size is not None else f"{MOST_BYTES:,}"
    return RemoteError(f"{masked(file.url)}: refused, it has sent {have:,} bytes, more than {most}. Is it a file?")


def receive(driver: Driver, file: RemoteFile, take: Callable[[bytes], bool]) -> bool:
    """Hand over all parts of a file, going on after a break; False if ``take`` wants no more.

    Raises:
        RemoteError: it breaks again and again.
    """
    have, tries = 0, _Tries(file.url)
    while True:
        try:
            for part in driver.stream(file, have):
                have += len(part)
                tries = _Tries(file.url)
                if not take(part):
                    return False
            if file.size is None or have >= file.size:
                return True
            raise Interrupted(f"the connection was cut after {have:,} of {file.size:,} bytes")
        except Interrupted as e:
            tries.failed(e)


def again(url: str, act: Callable[[], _T]) -> _T:
    """Do something that may be interrupted, as often as makes sense.

    Raises:
        RemoteError: it is interrupted again and again.
    """
    tries = _Tries(url)
    while True:
        try:
            return act()
        except Interrupted as e:
            tries.failed(e)


class _Tries:
    """Tries in a row that led nowhere."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._count = 0
        self._since = time.monotonic()

    def failed(self, e: Interrupted) -> None:
        """Wait before the next try. Drivers try again by themselves too, so that time counts as well as the number.

        Raises:
            RemoteError: there were enough.
        """
        self._count += 1
        if self._count >= TRIES or time.monotonic() - self._since > PATIENCE_S:
            times = f"{self._count} times" if self._count > 1 else "for long"
            raise RemoteError(f"{masked(self._url)}: {e}; tried {times}. Run the command again later") from e
        _LOG.info("%s: %s; try %d follows", masked(self._url), e, self._count + 1)
        time.sleep(PAUSE * 2 ** (self._count - 1))


def check_unchanged(driver: Driver, file: RemoteFile, md5: str) -> None:
    """Make sure that what was read is one version: its hash says so, or the store does when asked again.

    Raises:
        RemoteError: it changed.
    """
    if md5 in file.version:  # most object stores give the MD5 of what was written in one piece
        return
    now = again(file.url, lambda: driver.stat(file.url))
    if now is None or (now.version, now.size) != (file.version, file.size):
        raise changed(file.url)


def _shown(what: str, total: int | None) -> AbstractContextManager[Callable[..., None]]:
    """Show how far a transfer is; of several at a time whoever started them shows how many are done."""
    if threading.current_thread() is not threading.main_thread():
        return nullcontext(lambda count: None)
    return track(what, total, unit="bytes")
