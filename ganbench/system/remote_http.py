"""``https://`` and ``http://``: one file at an address, by Python's own client; no driver has to be installed."""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from ganbench.errors import CannotWrite, GanbenchError, RemoteError
from ganbench.system.remote_driver import Driver, Interrupted, RemoteFile, changed
from ganbench.system.urls import masked, name_of, scheme_of
from ganbench.system.wall import reason

_CHUNK = 1 << 20
_TIMEOUT_S = 30
_AGAIN = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may mend
_ABSENT = {404, 410}
_FORBIDDEN = {401, 403, 407}


class HttpDriver(Driver):
    """Reads from web servers."""

    lists = False

    def stat(self, url: str) -> RemoteFile | None:
        """See ``Driver.stat``: asks for the file and reads no more than the headers; not every server knows HEAD."""
        with _answer(url) as response:
            return RemoteFile(name_of(url), url, _length(response), _version(response))

    def list(self, url: str, *, deep: bool) -> tuple[list[RemoteFile], list[str]]:
        """See ``Driver.list``: web servers list nothing."""
        del deep
        raise RemoteError(
            f"{masked(url)}: a web server does not list folders. Give the address of an archive, or of one shard"
        )

    def stream(self, file: RemoteFile, start: int) -> Iterator[bytes]:
        """See ``Driver.stream``; a server without ranges sends all again, and what is here already is passed over."""
        with _answer(file.url, start, file.version) as response:
            if _version(response) != file.version:
                raise changed(file.url)
            skip = 0 if response.status == 206 else start
            while True:
                with _walled(file.url):
                    part = response.read(_CHUNK)
                if not part:
                    return
                if skip < len(part):
                    yield part[skip:]
                skip = max(0, skip - len(part))

    def put(self, local: Path, url: str) -> None:
        """See ``Driver.put``: web servers take nothing."""
        del local
        self.check_writable(url)

    def check_writable(self, url: str) -> None:
        """See ``Driver.check_writable``."""
        raise CannotWrite(f"cannot write {masked(url)}: a web server takes no files. Write to a path, s3:// or gs://")


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but neither from an encrypted address to an open one nor to anything that is no web server."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        schemes = ("https",) if req.type == "https" else ("http", "https")
        if scheme_of(newurl) not in schemes:
            raise RemoteError(
                f"{masked(req.full_url)}: refused, it leads to {masked(newurl)}, which is not encrypted. "
                "Give the address of the file itself"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _answer(url: str, start: int = 0, version: str = "") -> Iterator[http.client.HTTPResponse]:
    """Ask for a file from a byte on, and yield the answer once it is known to be one.

    Raises:
        RemoteError: an answer that is no file.
        Interrupted: none, or one that asks to come again.
    """
    request = _request(url)
    if start:
        request.add_header("Range", f"bytes={start}-")
        kind, _, value = version.partition("=")
        if kind == "etag" and not value.startswith("W/"):
            request.add_header("If-Range", value)
    with _walled(url):
        response = urllib.request.build_opener(_Redirect).open(request, timeout=_TIMEOUT_S)
    with response:
        if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
            raise RemoteError(
                f"{masked(url)}: the server answers with a web page, not with a file. Open it in a browser: it may ask "
                "for a login, or be a page about the file"
            )
        if response.status == 206 and not _starts_at(response.headers, start):
            raise Interrupted("the server sent another range than it was asked for")
        yield cast(http.client.HTTPResponse, response)


def _request(url: str) -> urllib.request.Request:
    """Return a request; a user and a password in the address become a header, which no redirect passes on."""
    with _walled(url):
        parts = urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
        plain = urlunsplit((parts.scheme, host, parts.path or "/", parts.query, ""))
        request = urllib.request.Request(
            _quoted(plain), headers={"User-Agent": "ganbench", "Accept-Encoding": "identity"}
        )
        if at:
            token = base64.b64encode(unquote(user).encode()).decode("ascii")
            request.add_unredirected_header("Authorization", f"Basic {token}")
        return request


def _quoted(url: str) -> str:
    """Return an address with blanks and letters beyond ASCII as the net writes them; what is quoted stays as it is."""
    return "".join(c if "!" <= c <= "~" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in url)


@contextmanager
def _walled(url: str) -> Iterator[None]:
    try:
        yield
    except (GanbenchError, Interrupted):
        raise
    except urllib.error.HTTPError as e:
        with e:
            raise _refused(url, e.code, e.reason) from e
    except (ValueError, http.client.InvalidURL) as e:
        raise RemoteError(f"{masked(url)}: no address that can be asked ({masked(reason(e))}). Check it") from e
    except Exception as e:
        inner = e.reason if isinstance(e, urllib.error.URLError) and isinstance(e.reason, Exception) else e
        raise Interrupted(masked(reason(inner))) from e


def _refused(url: str, code: int, why: str) -> Exception:
    said = f"the server answers {code} {why}".rstrip()
    if code in _AGAIN:
        return Interrupted(f"{said}, and so asks to come again later")
    if code in _ABSENT:
        return RemoteError(f"{masked(url)}: there is nothing at this address ({said}). Check it")
    if code in _FORBIDDEN:
        return RemoteError(
            f"{masked(url)}: may not be read ({said}). It may need a login, or a signed address is too old"
        )
    return RemoteError(f"{masked(url)}: {said}. Check the address")


def _length(response: http.client.HTTPResponse) -> int | None:
    text = (response.headers.get("Content-Length") or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _version(response: http.client.HTTPResponse) -> str:
    """Return what the server says that changes with the content; the length alone would not."""
    for key in ("ETag", "Last-Modified"):
        if value := response.headers.get(key):
            return f"{'etag' if key == 'ETag' else 'modified'}={value}"
    return ""


def _starts_at(headers: Message, start: int) -> bool:
    return (headers.get("Content-Range") or "").strip().startswith(f"bytes {start}-")
