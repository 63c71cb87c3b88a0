"""Code, hashed, as what is cached goes by it; and other people's code, named where it fails."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.registry import GROUPS
from ganbench.system.wall import reason


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
    return _hash_of(files)


def own_code() -> str:
    """Return a hash of ganbench's own code: two checkouts of one version may differ."""
    return _hash_of(sorted(Path(__file__).parents[1].rglob("*.py")))


def _hash_of(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for one in files:
        digest.update(hashlib.sha256(one.read_bytes()).digest())
    return digest.hexdigest()


def code_of(*folders: Path) -> str:
    """Return a hash of all Python files in and below folders of ganbench itself, 64 hex digits."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def foreign_place(error: BaseException) -> str:
    """Return where somebody else's code raised an error, as ``own_metric.py, line 7``; "" if it took no part in it.

    Somebody else's are the files in the current folder and the packages that offer entry points of ganbench. Of
    several places the innermost one counts: libraries that such code calls are not to blame.
    """
    offered = (point.value for group in GROUPS for point in metadata.entry_points(group=group))
    packages = {value.partition(":")[0].partition(".")[0] for value in offered}
    here = Path.cwd()
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        file = Path(frame.f_code.co_filename)
        of_this_folder = file.is_relative_to(here) and "site-packages" not in file.parts and package != "ganbench"
        if package in packages or of_this_folder:
            return f"{file.name}, line {line}"
    return ""


@contextmanager
def plugin_errors(what: str, foreign: bool) -> Iterator[None]:
    """Turn whatever other people's code raises in the block into one line that names it; our own faults pass.

    Args:
        what: what it is, for the message: ``the detector skin``.
        foreign: whether the code that is called is other people's.

    Raises:
        GanbenchError: the code failed, or wanted to end the program.
    """
    try:
        yield
    except (GanbenchError, KeyboardInterrupt):
        raise
    except BaseException as e:
        if not foreign:
            raise
        place = foreign_place(e)
        why = f"it ends the program ({e})" if isinstance(e, SystemExit) else reason(e)
        kind = type(e).__name__
        text = why if why.startswith(kind) else f"{kind}: {why}"
        raise GanbenchError(f"{what} fails{f' in {place}' if place else ''}: {text}") from e
