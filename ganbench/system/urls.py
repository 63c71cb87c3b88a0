"""URLs as users name them: told from paths, and shown without the secrets that some of them carry."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from ganbench.errors import GanbenchError

# A drive (C:\x) has one letter, and a folder that is called "s3:" has one slash behind it.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+://)[^/\s?#]*@")
_QUERY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+://[^\s?'\"<>]*)\?[^\s'\"<>]*")


def is_url(text: object) -> bool:
    """Tell whether a text names something at a URL (``s3://bucket/key``) and no local path; it need not be there."""
    return isinstance(text, str) and _URL.match(text) is not None


def scheme_of(url: str) -> str:
    """Return the scheme of a URL in lower case, such as ``s3``."""
    found = _URL.match(url)
    return "" if found is None else found[1].lower()


def masked(text: str) -> str:
    """Return a text in which no URL has a user, a password or a query: a signed address is a key to what it names."""
    return _QUERY.sub(r"\1?***", _USER.sub(r"\1***@", text))


def name_of(url: str) -> str:
    """Return what a URL calls its file: the last part of its path, without a query."""
    path = url.partition("://")[2].partition("?")[0]
    if scheme_of(url) in ("http", "https"):
        path = unquote(path.partition("#")[0].partition("/")[2])
    return path.rstrip("/").rpartition("/")[2]


def lost_slash(path: Path) -> str:
    """Return what to do about a path that was a URL before ``Path`` took one of its slashes; "" for any other."""
    lost = re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)", path.as_posix())
    return "" if lost is None else ". If it is a URL, give it as a text: Path takes one of its slashes away"


def refuse_url(text: str, what: str) -> str:
    """Return a path that is to be a local one.

    Args:
        text: what the user gave.
        what: what it is for, such as ``a run folder``.

    Raises:
        GanbenchError: it is a URL.
    """
    if is_url(text):
        raise GanbenchError(f"{masked(text)}: {what} has to be on this machine. Give a path")
    return text
