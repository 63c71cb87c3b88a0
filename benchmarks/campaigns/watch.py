"""Processes under watch: how much memory a tree of them takes, and an end to those that take too much or too long.

Memory is read from ``/proc``; on systems without it only time is watched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from campaigns.base import Found
from campaigns.registry import load

FOLDER = Path(__file__).resolve().parent.parent
ROOT = FOLDER.parent
_TICK = 0.05  # seconds between looks
_PATIENCE = 6  # times the seconds of a case, where a busy machine gives the process little time to work
_START = 180.0  # seconds that a child may take to get ready: imports, and a network to export
_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a command: ganbench of this checkout, and its files below ``home``."""
    paths = [str(ROOT), str(FOLDER), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    own = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "GANBENCH_HOME": str(home)}
    return dict(os.environ) | own | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"} | more


def tree_of(process: int) -> list[int]:
    """Return a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                parent = int((entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [process]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def words_of(process: int) -> str:
    """Return the command line of a process; "" once it has ended."""
    with suppress(OSError):
        return (_PROC / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""


def resident(process: int) -> int:
    """Return the resident memory of a process and its descendants, bytes; what they share counts once for each."""
    total = 0
    for one in tree_of(process):
        with suppress(OSError, ValueError, IndexError):
            total += int((_PROC / str(one) / "statm").read_text("ascii").split()[1]) * _PAGE
    return total


def worked(process: int) -> float:
    """Return the processor time of a process itself, seconds; 0 where it cannot be read."""
    with suppress(OSError, ValueError, IndexError):
        fields = (_PROC / str(process) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def end(process: int) -> None:
    """Kill a process and its descendants."""
    for one in tree_of(process):
        with suppress(OSError):
            os.kill(one, getattr(signal, "SIGKILL", signal.SIGTERM))


@dataclass(frozen=True)
class Done:
    """How a command ended.

    Attributes:
        code: exit code; negative: the signal that ended it.
        out: standard output, raw.
        err: standard error, raw.
        seconds: how long it ran.
        peak: most resident memory of the whole tree that was seen, bytes.
        ended: ``memory`` or ``time`` where the watch ended it.
    """

    code: int
    out: bytes
    err: bytes
    seconds: float
    peak: int
    ended: str = ""

    @property
    def text(self) -> str:
        """Both outputs as text."""
        return (self.out + self.err).decode("utf-8", "replace")

    @property
    def last(self) -> str:
        """The last line of the errors, or of the output."""
        lines = (self.err or self.out).decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:200] if lines else ""

    def fault(self, codes: Sequence[int] = (0,)) -> str:
        """Say what is wrong with how it ended: ended by the watch, a traceback, or another exit code. Or ""."""
        if self.ended:
            return f"ended: {self.ended} after {self.seconds:.1f} s, {self.peak >> 20} MiB"
        if "Traceback (most recent call last)" in self.text:
            return f"traceback: {self.last}"
        return "" if self.code in codes else f"exit code {self.code}: {self.last}"


def run(
    arguments: Sequence[str | bytes | Path],
    home: Path,
    *,
    cwd: Path | None = None,
    seconds: float = 120.0,
    megabytes: int = 4096,
    more: Mapping[str, str] | None = None,
) -> Done:
    """Run ``ganbench`` with these arguments, and end it when it takes more than so much time or memory."""
    command = [sys.executable, "-m", "ganbench", *arguments]
    start = time.monotonic()
    # Files, not pipes: what is written never has to wait for somebody to read it.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment(home, **(more or {})), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        peak, ended = 0, ""
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            if peak > megabytes << 20:
                ended = "memory"
            elif time.monotonic() - start > seconds:
                ended = "time"
            if ended:
                end(process.pid)
                process.wait()
            else:
                time.sleep(_TICK)
        seconds = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        return Done(process.returncode, out.read(), err.read(), seconds, peak, ended)


class _Child:
    """The process that tries the cases of a sweep from ``start`` on, and says on its output how far it is."""

    def __init__(self, name: str, start: int, count: int, seed: int, folder: Path, home: Path) -> None:
        self.at = start - 1  # the case that is being tried
        self.faults: dict[int, str] = {}
        self.finished = False
        self.warnings = 0
        command = [sys.executable, "-m", "campaigns.child", name, str(start), str(count), str(seed), str(folder)]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command, env=environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._heard = time.monotonic()
        self._base = 0  # resident memory when it was ready
        self._worked = 0.0  # processor time when the last case began, seconds
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            word, _, rest = raw.decode("utf-8", "replace").rstrip("\n").partition(" ")
            if word == "case":
                if self._base == 0:
                    self._base = resident(self._process.pid) or 1
                self.at = int(rest)
            elif word == "fault":
                self.faults[self.at] = self.faults.get(self.at, rest)  # the first one tells enough
            elif word == "done":
                self.warnings = int(rest)
                self.finished = True
            self._worked = worked(self._process.pid)
            self._heard = time.monotonic()

    def follow(self, seconds: float, megabytes: int) -> None:
        """Wait until it has ended; one that takes too much is ended, and the case it was at is a fault."""
        why = ""
        while self._process.poll() is None and not why:
            grown = resident(self._process.pid) - self._base
            waited = time.monotonic() - self._heard
            if self._base and grown > megabytes << 20:
                why = f"takes {grown >> 20} MiB"
            elif not self.finished and self._is_stuck(waited, seconds):
                why = f"hangs: {waited:.0f} s"
            else:
                time.sleep(_TICK)
        if why:
            end(self._process.pid)
        self._process.wait()
        self._reader.join()
        if not self.finished:
            self._errors.seek(0)
            said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            died = f"the process dies with code {self._process.returncode}: {said[-1][:200] if said else ''}"
            self.faults[self.at] = why or died
        self._errors.close()

    def _is_stuck(self, waited: float, seconds: float) -> bool:
        """Tell whether a case takes too long: it has worked for so many seconds, or does nothing at all."""
        if not self._base:
            return waited > _START
        busy = worked(self._process.pid) - self._worked
        return waited > seconds and (busy > seconds or waited > _PATIENCE * seconds)


def sweep(name: str, count: int, seed: int, home: Path, *, start: int = 0) -> Found:
    """Try the cases of a sweep in children; one that dies, hangs or grows costs its case, and the next goes on."""
    kind = load(name)
    found, warnings, at = Found(count), 0, start
    with tempfile.TemporaryDirectory(prefix=f"ganbench-{name}-") as folder:
        while at < start + count:
            child = _Child(name, at, start + count, seed, Path(folder), home)
            child.follow(kind.seconds, kind.megabytes)
            found.faults += [f"case {number}: {fault}" for number, fault in child.faults.items()]
            warnings += child.warnings
            if child.finished:
                break
            if child.at < start:  # it did not even begin
                found.tried = 0
                break
            at = child.at + 1
    if warnings:
        found.note = f"{warnings} with warnings of libraries"
    return found
