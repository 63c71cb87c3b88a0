"""Downloads that resume, and that are checked before they count."""

from __future__ import annotations

import http.client
import logging
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from ganbench.errors import AssetError
from ganbench.system.progress import track
from ganbench.system.storage import sha256_file

_LOG = logging.getLogger(__name__)
_CHUNK = 1 << 16
_TIMEOUT_S = 30


def download(url: str, target: Path, sha256: str, *, what: str) -> None:
    """Download a file to ``target``; until its hash is right it lives beside it as ``.part``.

    A part that is there already is continued with an HTTP range request; a server that does not know ranges sends the
    whole file again. Wrong content is deleted, a cut connection leaves the part for the next try.

    Args:
        url: address.
        target: where the file goes.
        sha256: its pinned hash, 64 hex digits.
        what: shown beside the progress.

    Raises:
        AssetError: no answer, an error answer, a cut connection, wrong bytes, or no room for them.
    """
    part = target.with_name(target.name + ".part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _receive(url, part, what)
        if sha256_file(part) != sha256:
            part.unlink()
            raise AssetError(f"{url}: not the pinned file (its SHA-256 differs); it was deleted, run the command again")
        part.replace(target)
    except urllib.error.HTTPError as e:
        raise AssetError(f"{url}: the server answered {e.code} {e.reason}") from e
    except (urllib.error.URLError, http.client.HTTPException, ssl.SSLError, TimeoutError, ConnectionError) as e:
        raise AssetError(f"{url}: {getattr(e, 'reason', e)}; run the command again to continue") from e
    except OSError as e:
        raise AssetError(f"{part}: cannot be written: {e.strerror}") from e


def _receive(url: str, part: Path, what: str) -> None:
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "ganbench"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as e:
        if e.code == 416 and have:  # nothing beyond what we have: it is whole, or wrong, as the hash will tell
            return
        raise
    with response:
        resumed = response.status == 206
        _LOG.info("%s answers %d, %d bytes are here already", url, response.status, have)
        length = response.headers.get("Content-Length")
        total = None if length is None else int(length) + (have if resumed else 0)
        with part.open("ab" if resumed else "wb") as f, track(f"fetching {what}", total, unit="bytes") as advance:
            received = have if resumed else 0
            advance(received)
            while chunk := response.read(_CHUNK):
                f.write(chunk)
                received += len(chunk)
                advance(len(chunk))
    if total is not None and received < total:
        raise AssetError(f"{url}: cut off after {received:,} of {total:,} bytes; run the command again to continue")
