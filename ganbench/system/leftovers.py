"""Temporary files and folders, and the removal of those whose process was killed.

The name of a temporary tells whose it is: the machine, the process and when that started. So a process that comes later
can tell what is abandoned from what another one is writing at this moment, also where several machines share a folder.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from ganbench.errors import CannotWrite

_LOG = logging.getLogger(__name__)

# .NAME.MACHINE-PROCESS-START-TOKEN.tmp; releases before this wrote .NAME.TOKEN.tmp, which does not tell whose it is.
_TEMPORARY = re.compile(r"\..*\.(?:([0-9a-f]{8})-(\d+)-(\d+)-)?(?:[0-9a-f]{16}){1,2}\.tmp", re.DOTALL)
_ABANDONED = 24 * 3600.0  # seconds without a write after which what nobody here can ask about counts as abandoned
_LONGEST = 120  # bytes of the name that are kept: file systems allow 255
_AGAIN = 1.0  # seconds for which a folder that was swept needs no second look


def temporary_path(path: Path) -> Path:
    """Return a new name beside ``path`` that tells whose temporary it is; nothing is created."""
    name = path.name
    written = name.encode("utf-8", "backslashreplace")
    if len(written) > _LONGEST:
        name = hashlib.sha256(written).hexdigest()[:16]
    return path.with_name(f".{name}.{this_process()}-{secrets.token_hex(8)}.tmp")


def this_process() -> str:
    """Return a name of this process that no other ever has, without spaces."""
    process = os.getpid()
    return f"{_machine()}-{process}-{_started(process)}"


def is_gone(process: str) -> bool:
    """Tell whether a process of this name (``this_process``) is known to have ended: it ran here, and is gone."""
    machine, _, rest = process.partition("-")
    number, _, start = rest.partition("-")
    if machine != _machine() or not (number.isdecimal() and start.isdecimal()):
        return False
    running = _started(int(number))
    return running is None or (running > 0 and int(start) > 0 and running != int(start))


def sweep(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes left in a folder; never those of a living one.

    What another machine wrote, or a release that did not say whose a temporary is, is removed once it has not been
    written to for a day. What cannot be removed stays.
    """
    with suppress(OSError, UnicodeEncodeError), os.scandir(folder) as entries:
        for entry in entries:
            owner = _TEMPORARY.fullmatch(entry.name) if entry.name.endswith(".tmp") else None
            if owner is not None and _is_abandoned(entry, *owner.groups()):
                _LOG.info("removed %s: the process that wrote it is gone", entry.path)
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with suppress(OSError):
                        Path(entry.path).unlink()


class Sweeper:
    """Sweeps folders, each at most once a second: whoever writes thousands of files into one does not list it again."""

    def __init__(self) -> None:
        self._swept: dict[Path, float] = {}

    def sweep(self, folder: Path) -> None:
        """Sweep a folder, unless that was done just now."""
        now = time.monotonic()
        if now - self._swept.get(folder, -_AGAIN) >= _AGAIN:
            self._swept[folder] = now
            sweep(folder)


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Make an empty folder beside ``path`` for the time of the block, and remove what killed processes left there.

    Whoever has filled it may rename it to ``path``.

    Raises:
        CannotWrite: it cannot be made.
    """
    folder = temporary_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        folder.mkdir()
    except OSError as e:
        raise CannotWrite(f"cannot write {path}: {e.strerror or e}. Free space or choose another place.") from e
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(entry: os.DirEntry[str], machine: str | None, process: str | None, start: str | None) -> bool:
    if machine == _machine() and process is not None and start is not None:
        running = _started(int(process))
        if running is None:
            return True
        if running and int(start):  # a number that was given out again is not its first owner's
            return running != int(start)
    try:
        written = entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return False
    return time.time() - written > _ABANDONED


@cache
def _machine() -> str:
    """Return what processes share that can see each other: name of the machine, boot and process namespace, hashed."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii"))
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:8]


def _started(process: int) -> int | None:
    """Return when a process started, in ticks since the boot; None if it is gone, 0 if the system does not tell."""
    if sys.platform == "win32":
        return 0  # signal 0, which asks elsewhere, ends a process there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError):
        pass  # somebody else's, and alive
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except (OSError, ValueError):
        return 0
    return None if state in (b"Z", b"X") else int(fields[18])  # dead, and only not yet asked for how it ended
