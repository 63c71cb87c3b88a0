"""What was fetched, kept on this machine: whole files by their content, small objects in containers.

``remote/SHA256/NAME`` holds a file under the hash of its bytes, which is checked before it is used; a container under
the address and the version says which hash that is. Nothing here is believed for its name.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from ganbench.errors import CannotWrite
from ganbench.system.assets import file_hash
from ganbench.system.cache import Cache, remark
from ganbench.system.container import Content
from ganbench.system.notes import Note
from ganbench.system.remote_driver import RemoteFile
from ganbench.system.storage import cache_dir
from ganbench.system.urls import masked

_LOG = logging.getLogger(__name__)

FILES_BYTES = 64 << 30  # of whole files; the least recently used ones go first
_OBJECTS_BYTES = 32 << 30  # of small objects
_SPREAD = 3  # hex digits of a key that name a folder: hundreds of thousands of objects in one would be listed again
_SPARE = 256 << 20  # bytes of the disk that are left to others
_RECORDS = Cache("fetched", "a download", 64 << 20)
_UNSAFE = re.compile(r"[^\w.\-]+", re.ASCII)


def key_of(file: RemoteFile) -> str:
    """Return the key of an object of this version."""
    text = f"{file.url}\0{file.version}\0{file.size}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def folder() -> Path:
    """Return the folder of whole files, which need not exist.

    Raises:
        CannotWrite: there is no place for caches.
    """
    return cache_dir() / "remote"


def local_name(file: RemoteFile) -> str:
    """Return a file name for a download: the object's own, as far as every system takes it."""
    name = _UNSAFE.sub("_", file.name.rpartition("/")[2])[-100:].lstrip(".")
    return name or "object"


def find(file: RemoteFile, note: Note) -> Path | None:
    """Return the file that was fetched before, with every byte as it was, or None."""
    if not file.version:
        return None
    record = _RECORDS.load(key_of(file), _parse, note)
    if record is None:
        return None
    path = folder() / record / local_name(file)
    try:
        if not path.is_file():
            return None
        if file_hash(path) == record:
            os.utime(path.parent)  # the time of the last use
            return path
    except OSError:
        return None
    note(remark(f"{path} is not as it was fetched; it is fetched again."))
    shutil.rmtree(path.parent, ignore_errors=True)
    return None


def _parse(content: Content) -> str:
    record = str(json.loads(bytes(content.payload)))
    if not re.fullmatch("[0-9a-f]{64}", record):
        raise ValueError("no hash")
    return record


def keep(file: RemoteFile, filled: Path, sha256: str, note: Note) -> Path:
    """Take over a temporary folder that holds a download under its local name; returns where the file is now.

    Raises:
        CannotWrite: the cache cannot be written.
    """
    place = folder() / sha256
    path = place / local_name(file)
    try:
        try:
            filled.rename(place)
        except OSError:  # another address, or another process, has brought the same bytes
            place.mkdir(exist_ok=True)
            if not (path.is_file() and file_hash(path) == sha256):
                (filled / path.name).replace(path)
        os.utime(place)
        _make_room(place)
    except OSError as e:
        raise CannotWrite(f"cannot write {path}: {e.strerror or e}. Free space, or set GANBENCH_HOME") from e
    if file.version:
        _RECORDS.keep(key_of(file), json.dumps(sha256).encode(), note)
    _LOG.info("%s is %s", masked(file.url), path)
    return path


def _make_room(newest: Path) -> None:
    """Remove the least recently used files until the rest fits; the newest always stays."""
    places = []
    for place in folder().iterdir():
        with suppress(OSError):
            if place.is_dir() and not place.name.startswith("."):
                size = sum(path.stat().st_size for path in place.iterdir())
                places.append((place != newest, -place.stat().st_mtime, size, place))
    total = 0
    for _, _, size, place in sorted(places):
        total += size
        if total > FILES_BYTES and place != newest:
            _LOG.info("removed %s: the cache is larger than %d bytes", place, FILES_BYTES)
            shutil.rmtree(place, ignore_errors=True)


def check_room(wanted: int, url: str) -> None:
    """Refuse a download that the disk has no room for.

    Raises:
        CannotWrite: too little is free.
    """
    there = next(path for path in (folder(), *folder().absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if wanted + _SPARE > free:
        raise CannotWrite(
            f"{masked(url)}: no room for it: {wanted / 1e9:,.3f} GB, and {_SPARE / 1e9:,.2f} GB to spare, are wanted, "
            f"and {free / 1e9:,.3f} GB are free in {there}. Free space, or set GANBENCH_HOME to a larger disk"
        )


def objects(key: str) -> Cache:
    """Return the cache of small objects that a key belongs to."""
    part = key[:_SPREAD]
    return Cache(f"objects/{part}", "an object", _OBJECTS_BYTES >> (4 * _SPREAD))
