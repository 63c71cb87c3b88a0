"""Images at URLs: a folder in an object store, read object by object through a cache, a little ahead of the reader."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ganbench.errors import RemoteError, SourceError
from ganbench.images.encoded import EncodedSource
from ganbench.images.limits import ArchiveLimits
from ganbench.images.names import is_image_name, natural_key, no_image_in
from ganbench.images.passed import passed_over
from ganbench.images.patterns import expand, is_pattern
from ganbench.images.resize import Resize
from ganbench.images.several import Several, shards_among
from ganbench.images.source import Source
from ganbench.system.notes import log_note
from ganbench.system.remote import RemoteFile, fetch_files, list_folder, read_object
from ganbench.system.urls import masked, name_of, scheme_of

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
) -> Source:
    """Open a folder of image files in an object store, or of shards.

    Raises:
        RemoteError: it cannot be listed, or a shard cannot be fetched.
        SourceError: without an image.
    """
    rules: dict[str, Any] = {"resize": resize, "skip_bad": skip_bad, "background": background}
    files, folders = list_folder(url, deep=recursive)
    images = sorted((file for file in files if is_image_name(file.name)), key=lambda file: natural_key(file.name))
    ignored = sorted((file.name for file in files if not is_image_name(file.name)), key=natural_key)
    if not images:
        known = {file.name: file.url for file in files if "/" not in file.name}
        if shards := shards_among(masked(url), list(known)):
            return fetch_several(masked(url), [known[name] for name in shards]).open(limits=limits, **rules)
        raise SourceError(f"{masked(url)}: no image in it ({_held(ignored, folders, recursive)})")
    source = EncodedSource(masked(url), [file.name for file in images], ReadAhead(images, limits), **rules)
    source.ignored = ignored
    source.notes += passed_over(ignored)
    if folders:
        some = ", ".join(repr(name) for name in sorted(folders, key=natural_key)[:3])
        source.notes.append(f"passed over: {len(folders):,} subfolders ({some}); --recursive reads them too")
    return source


def find_remote_several(url: str) -> Several | None:
    """Return the files of a source of several at a URL, fetched; None if it is none. See ``find_several``.

    Raises:
        SourceError: a pattern that stands for nothing.
        RemoteError: a file that cannot be fetched.
    """
    base, mark, column = url.rpartition("#")
    if not mark or not column or "/" in column:
        base, column = url, ""
    web = scheme_of(url) in ("http", "https")
    if is_pattern(base.partition("?")[0] if web else base):
        urls = expand(base, (lambda text: [text]) if web else _matching)
    elif column or name_of(base).lower().endswith(".parquet"):
        urls = [base]
    else:
        return None
    return fetch_several(masked(url), urls, column or None)


def _matching(pattern: str) -> list[str]:
    """Return the files that a URL with wildcards in its last part stands for."""
    folder, _, wanted = pattern.rpartition("/")
    if is_pattern(folder):
        raise SourceError(f"{masked(pattern)}: wildcards stand in the last part of a URL only")
    return [file.url for file in list_folder(folder, deep=False)[0] if fnmatchcase(file.name, wanted)]


def fetch_several(label: str, urls: list[str], column: str | None = None) -> Several:
    """Return files at URLs as a source of several, named by where they lie.

    Raises:
        RemoteError: one cannot be fetched.
    """
    origins = [Path("/", *masked(url).partition("?")[0].split("/")) for url in urls]
    return Several(label, fetch_files(urls), column, origins)


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

    def read(self, index: int, name: str) -> bytes:
        """Return the bytes of an image. Safe to call from threads.

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
            return self._fetch(index) if future is None else future.result()
        except RemoteError:
            self._stop()
            raise

    def part(self, start: int, stop: int) -> ReadAhead:
        """Return some of the images."""
        return ReadAhead(self._files[start:stop], self._limits)

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
            self._waiting[number] = self._pool.submit(self._fetch, number)

    def _stop(self) -> None:
        """Ask for no more: what one could not get, the others would wait for in vain."""
        with self._lock:
            for future in self._waiting.values():
                future.cancel()
            self._waiting.clear()

    def _size(self, index: int) -> int:
        return self._files[index].size or self._limits.member_bytes

    def _fetch(self, index: int) -> bytes:
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
