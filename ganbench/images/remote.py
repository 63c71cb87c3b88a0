"""Images at URLs: a folder in an object store, read object by object through a cache, a little ahead of the reader."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ganbench.errors import RemoteError, SourceError
from ganbench.images.encoded import EncodedSource
from ganbench.images.limits import ArchiveLimits
from ganbench.images.names import is_image_name, natural_key, no_image_in
from ganbench.images.passed import passed_over
from ganbench.images.resize import Resize
from ganbench.images.several import shards_among
from ganbench.system.notes import log_note
from ganbench.system.remote import RemoteFile, list_folder, read_object
from ganbench.system.urls import masked

THREADS = 16  # objects that are fetched at a time: each waits for its answer far longer than it takes
_AHEAD = 64  # objects that may wait for the reader
_AHEAD_BYTES = 64 << 20
_AWAY = 512  # images that decode threads, each at its own batch, may be apart


def open_remote_folder(
    url: str,
    *,
    recursive: bool,
    resize: Resize | None,
    skip_bad: int,
    background: tuple[int, int, int],
    limits: ArchiveLimits,
) -> EncodedSource:
    """Open a folder of image files, shards or Parquet files in an object store.

    Raises:
        RemoteError: it cannot be listed.
        SourceError: without an image.
    """
    files, folders = list_folder(url, deep=recursive)
    images = sorted((file for file in files if is_image_name(file.name)), key=lambda file: natural_key(file.name))
    ignored = sorted((file.name for file in files if not is_image_name(file.name)), key=natural_key)
    there = any("/" not in file.name for file in images)  # as in a folder here, those of subfolders do not decide
    several = None if there else shards_among(url, [file.name for file in files], folders)
    if several is not None:
        return several.open(resize=resize, skip_bad=skip_bad, background=background, limits=limits)
    if not images:
        raise SourceError(f"{masked(url)}: no image in it ({_held(ignored, folders, recursive)})")
    source = EncodedSource(
        masked(url),
        [file.name for file in images],
        ReadAhead(images, limits),
        resize=resize,
        skip_bad=skip_bad,
        background=background,
    )
    source.ignored = ignored
    source.notes += passed_over(ignored)
    if folders:
        some = ", ".join(repr(name) for name in sorted(folders, key=natural_key)[:3])
        source.notes.append(f"passed over: {len(folders):,} subfolders ({some}); --recursive reads them too")
    return source


def _held(ignored: list[str], folders: list[str], recursive: bool) -> str:
    if folders and not recursive:
        return "only subfolders: add --recursive"
    return no_image_in(ignored) if ignored else "nothing lies below this address"


class ReadAhead:
    """Reads images by their number; whoever reads one after the other finds the next ones fetched."""

    def __init__(self, files: list[RemoteFile], limits: ArchiveLimits) -> None:
        """Set up; nothing is fetched yet.

        Args:
            files: the images.
            limits: how large one may be.
        """
        self._files = files
        self._limits = limits
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[bytes]] = {}
        self._last = -1
        self._pool: ThreadPoolExecutor | None = None
        self._said = False

    def part(self, start: int, stop: int) -> ReadAhead:
        """Return some of the files; see ``Files.part``."""
        return ReadAhead(self._files[start:stop], self._limits)

    def read(self, index: int, name: str) -> bytes:
        """Return the bytes of an image; see ``Files.read``.

        Raises:
            RemoteError: it cannot be fetched, or changed since it was listed.
            DecodeError: too large.
        """
        del name
        with self._lock:
            future = self._waiting.pop(index, None)
            if future is not None or index == self._last + 1:
                self._fetch_after(index)
            self._last = index
        try:
            return self._read(index) if future is None else future.result()
        except RemoteError:
            self._stop()
            raise

    def _fetch_after(self, index: int) -> None:
        """Ask for the next images, as many as may wait."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="ganbench-fetch")
        for number in [number for number in self._waiting if abs(number - index) > _AWAY]:  # of an earlier pass
            self._waiting.pop(number).cancel()
        held = sum(self._size(number) for number in self._waiting)
        for number in range(index + 1, min(index + 1 + _AHEAD, len(self._files))):
            if number in self._waiting:
                continue
            held += self._size(number)
            if held > _AHEAD_BYTES or len(self._waiting) >= _AHEAD:
                return
            self._waiting[number] = self._pool.submit(self._read, number)

    def _stop(self) -> None:
        """Ask for no more: what one could not get, the others would wait for in vain."""
        with self._lock:
            for future in self._waiting.values():
                future.cancel()
            self._waiting.clear()

    def _size(self, index: int) -> int:
        return self._files[index].size or self._limits.member_bytes

    def _read(self, index: int) -> bytes:
        file = self._files[index]
        if file.size is not None:
            self._limits.check_member(file.name, file.size)
        content = read_object(file, self._limits.member_bytes, self._note)
        self._limits.check_member(file.name, len(content))
        return content

    def _note(self, text: str) -> None:
        """Tell the first trouble with the cache; a thousand images would tell it a thousand times."""
        if not self._said:
            self._said = True
            log_note(text)

    def __getstate__(self) -> dict[str, Any]:
        return {"_files": self._files, "_limits": self._limits}  # locks and threads do not travel

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()
