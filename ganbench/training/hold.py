"""Holding a run folder: one process at a time writes into it, and it finds out when it has lost it."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import Protocol

from ganbench.errors import CannotWrite, GanbenchError
from ganbench.training.run_folder import LOCK, RunFolder

_TOKEN_BYTES = 16
_LONGEST = 300  # bytes of a lock file that are looked at; a holder and its name take about 80
_TRIES = 5  # before a lock counts as held ...
_PAUSE = 0.02  # ... and the seconds between them


class Held(GanbenchError):
    """Another process holds the folder.

    Attributes:
        by: which, as far as the lock tells.
    """

    def __init__(self, place: str, by: str) -> None:
        super().__init__(f"{place}: another process is training into this folder{f' ({by})' if by else ''}")
        self.by = by


class Lost(GanbenchError):
    """Another process has taken the folder over in the meantime; nothing more may be written there."""


class Hold(Protocol):
    """A run folder that this process holds.

    Attributes:
        run: the folder to work in, on this machine.
        label: where the run lies, as the user knows it.
    """

    run: RunFolder
    label: str

    def check(self) -> None:
        """Make sure that the folder is still held; to be asked before whatever matters is written.

        Raises:
            Lost: another process took it over.
        """

    def saved(self) -> None:
        """Take note that what lies in the folder is a state to go on from."""

    def release(self) -> None:
        """Bring to its place what is not there yet, and let others have the folder.

        Raises:
            GanbenchError: the place does not take it; the message says where it is.
        """


class FolderHold:
    """Holds a folder of this machine, or one that several machines mount: through a lock of the system.

    Such a lock ends with its process, whatever ends that, and on NFS (version 4) with its machine too, once the server
    has not heard of it for a while. A machine that was away for so long finds another's name in the lock file.
    """

    def __init__(self, run: RunFolder, handle: int, token: str, new: list[Path]) -> None:
        """Wrap a lock that was taken; see ``take``."""
        self.run = run
        self.label = str(run.path)
        self._handle, self._token, self._new = handle, token, new

    @classmethod
    def take(cls, run: RunFolder) -> FolderHold:
        """Hold a folder, which is made.

        Raises:
            Held: another process has it.
            GanbenchError: the folder cannot be made, or has links that lead out of it.
        """
        run.refuse_links()
        new = list(itertools.takewhile(lambda folder: not folder.exists(), (run.path, *run.path.parents)))
        for _ in range(_TRIES):
            handle = _open(run)
            if _lock(run, handle):
                if _is_there(run, handle):
                    break
                os.close(handle)  # its last holder removed it after it was opened: the file has no name any more
                continue
            os.close(handle)
            time.sleep(_PAUSE)  # somebody may only look whether it is held
        else:
            raise Held(str(run.path), _holder(run)[1])
        token = secrets.token_hex(_TOKEN_BYTES)
        hold = cls(run, handle, token, new)
        try:
            os.truncate(handle, 0)
            os.write(handle, f"{token} {who()}\n".encode("utf-8", "replace"))
        except OSError as e:
            hold.release()
            raise CannotWrite(f"cannot write into {run.path}: {e.strerror}. Free space or choose another place.") from e
        return hold

    def check(self) -> None:
        """See ``Hold``."""
        token, by = _holder(self.run)
        if not token:
            raise Lost(f"{self.run.path}: its lock file is gone. Run the same command again")
        if token != self._token:
            raise Lost(f"{self.run.path} was taken over by {by}; this process leaves it to that one")

    def saved(self) -> None:
        """See ``Hold``: it is where it belongs."""

    def release(self) -> None:
        """See ``Hold``; folders that were made for the lock and stayed empty go."""
        with contextlib.suppress(OSError):
            # Before it is let go: afterwards it may be another's.
            if _is_there(self.run, self._handle) and sys.platform != "win32":  # which removes nothing that is open
                self.run.inside(LOCK).unlink()
        os.close(self._handle)
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self.run.inside(LOCK).unlink()
            for folder in self._new:
                folder.rmdir()


def who() -> str:
    """Return how this process is called in a lock: for people who look for it."""
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return f"process {os.getpid()} on {socket.gethostname()}, since {since}"


def is_free(run: RunFolder) -> bool:
    """Tell whether nobody holds a folder of this machine right now; nothing is made."""
    try:
        handle = os.open(run.inside(LOCK), os.O_RDWR)
    except OSError:
        return True
    try:
        return _lock(run, handle, shared=True)  # so that two who look do not see each other
    finally:
        os.close(handle)


def _open(run: RunFolder) -> int:
    for last in (False, True):
        try:
            run.path.mkdir(parents=True, exist_ok=True)
            return os.open(run.inside(LOCK), os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as e:
            if last or not isinstance(e, FileNotFoundError):  # else: whoever had made it removed it
                raise GanbenchError(
                    f"cannot make the run folder {run.path}: {e.strerror}. Give another to --run"
                ) from e
    raise AssertionError


def _lock(run: RunFolder, handle: int, *, shared: bool = False) -> bool:
    """Lock an open file; tells whether that worked.

    Raises:
        GanbenchError: the file system has no locks.
    """
    if sys.platform == "win32":  # which has no fcntl; two runs in one folder are then the user's to avoid
        return True
    import fcntl

    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as e:
        raise GanbenchError(
            f"cannot lock {run.path}: {e.strerror}. Take a folder on a file system that has locks, or an object store"
        ) from e
    return True


def _is_there(run: RunFolder, handle: int) -> bool:
    """Tell whether an open file is still the one that goes by the lock's name."""
    try:
        return os.path.samestat(os.fstat(handle), run.inside(LOCK).stat())
    except OSError:
        return False


def _holder(run: RunFolder) -> tuple[str, str]:
    """Return the token in the lock file, and who wrote it; empty texts where there is none."""
    try:
        with run.inside(LOCK).open("rb") as f:
            token, _, by = f.read(_LONGEST).decode("utf-8", "replace").partition(" ")
    except OSError:
        return "", ""
    return token, by.strip()
