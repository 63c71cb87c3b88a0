"""Other people's code, hashed: it may change without its version being raised."""

from __future__ import annotations

import hashlib
import sys
from functools import partial
from pathlib import Path


def foreign_code(thing: object) -> str:
    """Return a hash of the code that defines a function or class of somebody else's.

    Args:
        thing: the function or class; of a ``functools.partial``, the function in it counts.

    Returns:
        SHA-256 over the module's file, or over all Python files of its package, 64 hex digits. "" for ganbench's own,
        whose version speaks for it, and for what was typed into a session and has no file.
    """
    if isinstance(thing, partial):
        thing = thing.func
    name = getattr(thing, "__module__", None) or ""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if name.partition(".")[0] == "ganbench" or file is None:
        return ""
    path = Path(file)
    files = sorted(path.parent.rglob("*.py")) if getattr(module, "__package__", None) else [path]
    digest = hashlib.sha256()
    for one in files:
        digest.update(hashlib.sha256(one.read_bytes()).digest())
    return digest.hexdigest()
