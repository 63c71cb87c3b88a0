"""A run that lies in an object store: worked on in a folder of this machine, brought to the store with every save.

The store always holds a state from which a run goes on to the same bits, whenever its process is killed: every object
is written whole, and the checkpoint after the log and the sheets that lead up to it. A log that is ahead of its
checkpoint is rewound when the run is resumed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import CannotWrite, GanbenchError
from ganbench.system.leftovers import temporary_path
from ganbench.system.outputs import write_text
from ganbench.system.remote import RemoteFile, fetch_file, list_files, put_file
from ganbench.system.text import json_text
from ganbench.training.checkpoint import look_into_checkpoint
from ganbench.training.run_folder import LOCK, RunFolder

_RECORD = ".seen"  # what the copy here and the store had in common when they last met
_BEFORE = (  # the checkpoint, in order
    "environment.json", "recipe.toml", "metrics.jsonl", "vitals.jsonl", "samples/", "logs/", "good.pt",
)  # fmt: skip
_STEP = "step.json"  # what stands for the checkpoint where only small files are copied
_AT_LAST = ("checkpoint.pt", _STEP)
_GROWING = ("metrics.jsonl", "vitals.jsonl", "logs/")  # written to in place; all else is replaced whole
_LARGE = ("checkpoint.pt", "good.pt", "logs/")

_Stamp = tuple[int, int]  # size and time of the last write
_ABSENT = (-1, -1)


@dataclass(frozen=True)
class Snapshot:
    """Files as they were at one moment, to be brought to the store in this order."""

    folder: Path
    stamps: dict[str, _Stamp]

    def drop(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Mirror:
    """One run: its URL, and its copy on this machine."""

    def __init__(self, url: str, folder: Path) -> None:
        """Set up; nothing is fetched yet.

        Args:
            url: of the run.
            folder: where its copy is, or will be.
        """
        self.url = url.rstrip("/")
        self.run = RunFolder(folder)
        self._handed: dict[str, _Stamp] = {}  # what is there already, or on its way
        self._versions: dict[str, str] = {}

    def pull(self) -> None:
        """Make the copy on this machine that of the store.

        A copy that was made from exactly what the store holds is kept: it may be ahead, where the store failed before
        all had arrived.

        Raises:
            GanbenchError: the store cannot be read, or the copy not be written.
        """
        there = {file.name: file for file in list_files(self.url) if is_part(file.name)}
        if self._is_known(there):
            return
        self.clear()
        for name, file in there.items():
            self._versions[name] = file.version
            if name != _STEP:  # which may be behind the checkpoint, where a process died between the two
                fetch_into(file, self.run.path)
                self._handed[name] = _stamp(self.run.path / name)
        self._write_record()

    def clear(self) -> None:
        """Remove the copy on this machine, all but the lock on it."""
        for path in list(self.run.path.iterdir()) if self.run.path.is_dir() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK:
                with contextlib.suppress(OSError):
                    path.unlink()

    def snapshot(self) -> Snapshot | None:
        """Return what the store has not got yet, as it is now; None if there is nothing."""
        names = {path.relative_to(self.run.path).as_posix() for path in self.run.path.rglob("*") if path.is_file()}
        names.discard(_STEP)  # which is made of the checkpoint, below
        stamps = {name: _stamp(self.run.path / name) for name in sorted(filter(is_part, names), key=_turn)}
        stamps = {name: stamp for name, stamp in stamps.items() if self._stamp_of(name) != stamp}
        step = "checkpoint.pt" in stamps or (self._stamp_of(_STEP) == _ABSENT and self.run.checkpoint.is_file())
        if not (stamps or step):
            return None
        folder = temporary_path(self.run.path / ".push")
        folder.mkdir(parents=True, exist_ok=True)
        for name in stamps:
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            _copy(self.run.path / name, copy, link=not name.startswith(_GROWING))
        if step:
            content = look_into_checkpoint((folder if "checkpoint.pt" in stamps else self.run.path) / "checkpoint.pt")
            write_text(folder / _STEP, json_text({"step": content.get("step")}))
            stamps[_STEP] = _stamp(folder / _STEP)
        return Snapshot(folder, stamps)

    def push(self, snapshot: Snapshot, check: Callable[[], None]) -> None:
        """Bring files to the store, the checkpoint after what leads up to it.

        Args:
            snapshot: what to bring; it is removed.
            check: raises if the place is no longer ours; asked before every object that others would go on from.

        Raises:
            GanbenchError: the store does not take it; what did not arrive is part of the next snapshot.
        """
        missing = dict(snapshot.stamps)
        self._handed |= missing
        try:
            for name in sorted(missing, key=_turn):
                if not name.startswith("samples/"):
                    check()
                put_file(snapshot.folder / name, f"{self.url}/{name}")
                del missing[name]
        finally:
            for name in missing:
                self._handed.pop(name, None)
            snapshot.drop()
        self._versions = {file.name: file.version for file in list_files(self.url) if is_part(file.name)}
        self._write_record()

    def _is_known(self, there: dict[str, RemoteFile]) -> bool:
        """Tell whether the copy here was made from what is there, and read the record of it."""
        self._handed, self._versions = {}, {}
        with contextlib.suppress(OSError, ValueError), (self.run.path / _RECORD).open(encoding="utf-8") as f:
            for line in f:
                version, size, time, name = line.rstrip("\n").split("\t")
                self._versions[name] = version
                self._handed[name] = int(size), int(time)
        known = bool(there) and self._versions == {name: file.version for name, file in there.items()}
        if not known or "" in self._versions.values():
            self._handed, self._versions = {}, {}
            return False
        return True

    def _stamp_of(self, name: str) -> _Stamp:
        return self._handed.get(name, _ABSENT)

    def _write_record(self) -> None:
        lines = [
            f"{version}\t{self._stamp_of(name)[0]}\t{self._stamp_of(name)[1]}\t{name}\n"
            for name, version in self._versions.items()
        ]
        write_text(self.run.path / _RECORD, "".join(lines))


def is_part(name: str) -> bool:
    """Tell whether something below a run's URL belongs to the run; locks and temporary files do not."""
    return not any(part.startswith(".") for part in name.split("/"))


def is_small(name: str) -> bool:
    """Tell whether something is copied to those who only look: all but checkpoints and events."""
    return is_part(name) and not any(f"/{name}".find(f"/{large}") >= 0 for large in _LARGE)


def fetch_into(file: RemoteFile, folder: Path) -> None:
    """Copy an object into a folder, under its name below the URL that was listed.

    Raises:
        GanbenchError: it cannot be fetched or written.
    """
    target = RunFolder(folder).inside(file.name)
    fetched = fetch_file(file.url)
    beside = temporary_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(fetched, beside, link=not file.name.startswith(_GROWING))
        beside.replace(target)
    except OSError as e:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise CannotWrite(f"cannot write {target}: {e.strerror or e}. Free space or choose another place.") from e


def _turn(name: str) -> tuple[int, str]:
    """Return what files are sorted by before they are brought to the store."""
    order = [number for number, start in enumerate((*_BEFORE, *_AT_LAST)) if name.startswith(start)]
    if name.startswith("samples.npz") or not order:
        return len(_BEFORE) + len(_AT_LAST), name  # what is made of a checkpoint comes after it
    return order[0], name


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return _ABSENT
    return found.st_size, found.st_mtime_ns


def _copy(path: Path, copy: Path, *, link: bool) -> None:
    """Keep a file as it is now under another name.

    Raises:
        GanbenchError: no room for it.
    """
    try:
        if link:
            with contextlib.suppress(OSError):  # a file system without links
                os.link(path, copy)
                return
        shutil.copyfile(path, copy)
    except OSError as e:
        raise GanbenchError(f"cannot keep a copy of {path}: {e.strerror or e}. Free space") from e
