"""Object stores through fsspec and its drivers: ``s3://``, ``gs://``, ``hf://`` and whatever else fsspec knows.

Credentials, endpoints and regions are found by the drivers in their own ways (environment, profiles); nothing of them
passes here. fsspec is imported when the first URL is used.
"""

from __future__ import annotations

import errno
import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ganbench.errors import CannotWrite, GanbenchError, RemoteError
from ganbench.system.remote_driver import Driver, Interrupted, RemoteFile
from ganbench.system.urls import masked, scheme_of
from ganbench.system.wall import reason

_LOG = logging.getLogger(__name__)

_CHUNK = 8 << 20
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "hf": "hf"}
_BUCKETS = {"s3", "s3a", "gs", "gcs"}  # where the first part of a path is a bucket
_ATOMIC = {"s3", "s3a", "gs", "gcs", "hf", "az", "abfs", "abfss", "oss", "memory"}  # a put is seen whole or not at all
# What tells versions apart, in the words of the drivers.
_VERSION = ("ETag", "etag", "generation", "md5Hash", "blob_id", "mtime", "LastModified", "last_modified", "created")
_LOGIN = {
    "s3": "the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)",
    "gcs": "the environment (GOOGLE_APPLICATION_CREDENTIALS, or gcloud auth application-default login)",
    "hf": "the environment (HF_TOKEN, or hf auth login)",
}
_NO_LOGIN = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "DefaultCredentialsError")
_THROTTLED = ("SlowDown", "reduce your request rate", "Too Many Requests", "TooManyRequests", "rateLimitExceeded")


def fsspec_driver(url: str) -> FsspecDriver:
    """Return the driver for a URL.

    Raises:
        RemoteError: an unknown scheme, or its driver is not installed.
    """
    scheme = scheme_of(url)
    try:
        from fsspec.core import url_to_fs
        from fsspec.registry import known_implementations
    except ImportError as e:
        raise _not_installed(url) from e
    if scheme not in known_implementations:
        some = "s3://, gs://, hf://, https://"
        raise RemoteError(f"{masked(url)}: no store is called {scheme}://. Known: {some}, and what else fsspec knows")
    try:
        system, _ = url_to_fs(url, use_listings_cache=False)
    except ImportError as e:
        raise _not_installed(url) from e
    except Exception as e:
        raise _final(url, e) from e
    return FsspecDriver(scheme, system)


def _not_installed(url: str) -> RemoteError:
    scheme = scheme_of(url)
    known = EXTRAS.get(scheme)
    if known:
        return RemoteError(
            f'{masked(url)}: needs the driver for {scheme}://. Install it: pip install "ganbench[{known}]"'
        )
    from fsspec.registry import known_implementations

    advice = known_implementations.get(scheme, {}).get("err", "install its driver for fsspec")
    return RemoteError(f"{masked(url)}: no driver for {scheme}://: {advice}")


class FsspecDriver(Driver):
    """One file system of fsspec."""

    def __init__(self, scheme: str, system: Any) -> None:
        self._scheme = scheme
        self._system = system

    def stat(self, url: str) -> RemoteFile | None:
        """See ``Driver.stat``."""
        path = self._path(url)
        with self._told(url):
            self._system.invalidate_cache(path)  # some keep what they listed, whatever they are told
            info = self._system.info(path)
            return None if info.get("type") == "directory" else _file(url, PurePosixPath(path).name, info)

    def list(self, url: str, *, deep: bool) -> tuple[list[RemoteFile], list[str]]:
        """See ``Driver.list``."""
        root = self._path(url).rstrip("/")
        with self._told(url):
            self._system.invalidate_cache(root)
            if deep:
                entries = list(self._system.find(root, detail=True).values())
            else:
                entries = self._system.ls(root, detail=True)
            files, folders = [], []
            for info in entries:
                path = str(info["name"])
                name = path[len(root) :].lstrip("/") if path.startswith(f"{root}/") else ""
                if not name or name.endswith("/"):  # the folder itself, or a mark that stands for one
                    continue
                _refuse_outside(url, name)
                if info.get("type") == "directory":
                    folders.append(name)
                else:
                    files.append(_file(self._system.unstrip_protocol(path), name, info))
            return files, folders

    def stream(self, file: RemoteFile, start: int) -> Iterator[bytes]:
        """See ``Driver.stream``."""
        path = self._path(file.url)
        while file.size is None or start < file.size:
            end = start + _CHUNK if file.size is None else min(start + _CHUNK, file.size)
            with self._told(file.url):
                part = self._system.cat_file(path, start=start, end=end)
            if not part:
                return
            yield part
            start += len(part)

    def put(self, local: Path, url: str) -> None:
        """See ``Driver.put``."""
        path = self._path(url)
        with self._told(url, writing=True):
            if self._scheme in _ATOMIC:
                self._system.put_file(str(local), path)
            else:
                self._put_beside(local, path)
            size = self._system.info(path).get("size")
            if size not in (None, local.stat().st_size):
                raise Interrupted(f"{size:,} bytes arrived of {local.stat().st_size:,}")

    def _put_beside(self, local: Path, path: str) -> None:
        """Write to a name beside the right one, and rename."""
        beside = _beside(path)
        self._system.makedirs(self._system._parent(path), exist_ok=True)
        try:
            self._system.put_file(str(local), beside)
            self._system.mv(beside, path)
        except BaseException:
            with suppress(Exception):
                self._system.rm_file(beside)
            raise

    def check_writable(self, url: str) -> None:
        """See ``Driver.check_writable``; whether a store lets one write, only writing tells."""
        path = self._path(url)
        if url.endswith("/") or "/" not in path.strip("/"):
            raise CannotWrite(f"cannot write {masked(url)}: it is a folder. Name a file in it")
        beside = _beside(path)
        with self._told(url, writing=True):
            if self._scheme not in _ATOMIC:
                self._system.makedirs(self._system._parent(path), exist_ok=True)
            self._system.pipe_file(beside, b"")
        with suppress(Exception):  # a store that takes files and does not let one remove them
            self._system.rm_file(beside)

    def _path(self, url: str) -> str:
        return str(self._system._strip_protocol(url))

    @contextmanager
    def _told(self, url: str, *, writing: bool = False) -> Iterator[None]:
        """Stand around a call of the driver: whatever it raises comes out as an error of ours, or ``Interrupted``."""
        try:
            yield
        except (GanbenchError, Interrupted):
            raise
        except Exception as e:
            _LOG.info("%s: %s", masked(url), masked(reason(e)))
            raise _as_ours(url, e, self, writing=writing) from e

    def has_bucket(self, url: str) -> bool:
        """Tell whether the bucket of a URL is there; True where there are no buckets, or nobody knows."""
        if self._scheme not in _BUCKETS:
            return True
        with suppress(Exception):
            return bool(self._system.exists(self._path(url).split("/")[0]))
        return True


def _as_ours(url: str, e: Exception, driver: FsspecDriver, *, writing: bool) -> Exception:
    """Return what an exception of a driver means."""
    said = masked(reason(e))
    if isinstance(e, (FileNotFoundError, NotADirectoryError)):
        if not driver.has_bucket(url):
            bucket = url.partition("://")[2].split("/")[0]
            return _failure(url, f"there is no bucket {masked(bucket)!r}. Check its name, or make it first", writing)
        return _failure(url, "there is nothing of this name. Check the address", writing)
    if _names(e) & set(_NO_LOGIN):
        return _failure(url, f"no credentials were found. Put them where the driver looks: {_login(url)}", writing)
    if isinstance(e, PermissionError):
        what = "written" if writing else "read"
        return _failure(url, f"may not be {what} with these credentials ({said}). Check {_login(url)}", writing)
    if isinstance(e, (NotImplementedError, IsADirectoryError, ValueError, TypeError, KeyError)):
        return _failure(url, f"the driver refuses it ({said}). Check the address", writing)
    if (isinstance(e, OSError) and e.errno == errno.EBUSY) or any(sign in str(e) for sign in _THROTTLED):
        return Interrupted(f"the store asks to slow down ({said})")
    return Interrupted(said)


def _failure(url: str, what: str, writing: bool) -> GanbenchError:
    return CannotWrite(f"cannot write {masked(url)}: {what}") if writing else RemoteError(f"{masked(url)}: {what}")


def _final(url: str, e: Exception) -> GanbenchError:
    if _names(e) & set(_NO_LOGIN):
        return RemoteError(f"{masked(url)}: no credentials were found. Put them where the driver looks: {_login(url)}")
    return RemoteError(f"{masked(url)}: the driver refuses it ({masked(reason(e))}). Check the address")


def _login(url: str) -> str:
    return _LOGIN.get(EXTRAS.get(scheme_of(url), ""), "the driver's own settings")


def _names(e: BaseException | None) -> set[str]:
    """Return the names of the classes of an exception and of what caused it."""
    found: set[str] = set()
    while e is not None and len(found) < 100:
        found |= {kind.__name__ for kind in type(e).__mro__}
        e = e.__cause__
    return found


def _file(url: str, name: str, info: dict[str, Any]) -> RemoteFile:
    size = info.get("size")
    version = next((f"{key}={info[key]}" for key in _VERSION if info.get(key) is not None), "")
    return RemoteFile(name, url, size if isinstance(size, int) else None, version)


def _refuse_outside(url: str, name: str) -> None:
    """Refuse a name that would lead out of the folder that it is listed in, once it is written below a local one."""
    if name.startswith("/") or "\\" in name or {".", ".."} & set(name.split("/")) or re.match("[A-Za-z]:", name):
        raise RemoteError(f"{masked(url)}: refused, the name {name!r} in it points outside. Rename the object")


def _beside(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.{secrets.token_hex(8)}.tmp"
