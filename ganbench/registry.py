"""A registry: names to things, with a helpful error for an unknown name.

An entry may be given as ``"module:object"``, so that listing names imports nothing. Installed packages add entries of
their own through an entry-point group; ``package.module:Name`` names an object in any file that Python finds, the
current folder included.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import logging
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Generic, TypeVar, cast

from ganbench.errors import GanbenchError, UnknownName

T = TypeVar("T")

GROUPS = tuple(f"ganbench.{kind}" for kind in ("metrics", "extractors", "detectors", "objectives", "models", "loggers"))

_LOG = logging.getLogger(__name__)


def did_you_mean(name: str, known: list[str]) -> str:
    """Return ``' Did you mean x?'`` for the nearest known name, or the list of all known names."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known) or 'none'}."


class Registry(Generic[T]):
    """Named entries of one kind (metrics, extractors, detectors, losses, models, loggers), in order of registration."""

    def __init__(
        self,
        kind: str,
        entry_type: type | tuple[type, ...] = object,
        group: str | None = None,
        *,
        classes: bool = False,
    ) -> None:
        """Set up.

        Args:
            kind: what an entry is, for messages.
            entry_type: of what class every entry must be.
            group: entry-point group in which installed packages may add entries; None: they may not.
            classes: every entry is itself a class, derived from ``entry_type``, with all that is abstract filled in.
        """
        self.kind = kind
        self.entry_type = entry_type
        self.group = group
        self.classes = classes
        self._entries: dict[str, T | str] = {}
        self._plugins_known = group is None

    def add(self, name: str, entry: T | str) -> None:
        """Register an entry, or the ``"module:object"`` that is imported when it is first asked for.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        """Return an entry by its name, or the object that ``package.module:Name`` names.

        Raises:
            UnknownName: there is none.
            GanbenchError: it cannot be imported, or is no entry of this kind.
        """
        if name not in self:
            if ":" in name:
                return self._checked(name, load_object(name, self.kind, list(self)))
            raise self.unknown(name)
        entry = self._entries[name]
        if isinstance(entry, str):
            entry = self._entries[name] = self._checked(name, load_object(entry, self.kind))
        return entry

    def __contains__(self, name: object) -> bool:
        if name in self._entries:
            return True
        self._find_plugins()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._find_plugins()
        return iter(list(self._entries))

    def values(self) -> list[T]:
        """Return all entries in order of registration."""
        return [self[name] for name in self]

    def unknown(self, name: str) -> UnknownName:
        """Return the error for a name that no entry has, with the nearest one, or the file that may have been meant."""
        hint, shown = did_you_mean(name, list(self)), repr(name if len(name) <= 100 else f"{name[:99]}…")
        with contextlib.suppress(OSError):  # what cannot be a file's name
            if (Path.cwd() / f"{name}.py").is_file():
                hint = f" What is in {name}.py is called {name}:NAME."
        return UnknownName(f"unknown {self.kind} {shown}.{hint}")

    def _checked(self, name: str, entry: object) -> T:
        if self.classes:
            return self._checked_class(name, entry)
        if not isinstance(entry, self.entry_type):
            kinds = self.entry_type if isinstance(self.entry_type, tuple) else (self.entry_type,)
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise GanbenchError(f"{name} is no {self.kind}: it is {type(entry).__name__}, not {wanted}")
        return cast(T, entry)

    def _checked_class(self, name: str, entry: object) -> T:
        kinds = self.entry_type if isinstance(self.entry_type, tuple) else (self.entry_type,)
        if not (isinstance(entry, type) and issubclass(entry, kinds)):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            what = entry.__name__ if isinstance(entry, type) else type(entry).__name__
            raise GanbenchError(f"{name} is no {self.kind}: it is {what}, not a class derived from {wanted}")
        lacking: frozenset[str] = getattr(entry, "__abstractmethods__", frozenset())
        if lacking:
            raise GanbenchError(f"{name} is no {self.kind} yet: it lacks {', '.join(sorted(lacking))}")
        return cast(T, entry)

    def _find_plugins(self) -> None:
        """Take in what installed packages offer; a name of ours stays ours."""
        if self._plugins_known:
            return
        for point in metadata.entry_points(group=cast(str, self.group)):
            taken = self._entries.setdefault(point.name, point.value) == point.value
            _LOG.info("%s %r of an installed package %s", self.kind, point.name, "taken in" if taken else "left out")
        self._plugins_known = True  # only now: another thread would miss those not yet found


def load_object(path: str, kind: str, known: list[str] | None = None) -> object:
    """Import ``package.module:name``; the current folder is searched too.

    Args:
        path: a dotted module, a colon, and a name in it.
        kind: what it is to be, for messages.
        known: names that may have been meant, where the user typed the path.

    Raises:
        UnknownName: no such module, or no such name in it.
        GanbenchError: importing it fails.
    """
    module_name, _, attribute = path.partition(":")
    # Users keep such a file beside their data; a console script does not have the current folder on the path.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    try:
        _refuse_folders_of_data(module_name, here)
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as e:
        if e.name is None or not (module_name == e.name or module_name.startswith(f"{e.name}.")):
            raise GanbenchError(f"{kind} {path!r}: importing {module_name} failed: {e}.") from e
        hint = "" if known is None else did_you_mean(module_name, known)
        raise UnknownName(f"unknown {kind} {path!r}: no {kind} or module is called {module_name!r}.{hint}") from e
    except GanbenchError as e:
        raise GanbenchError(f"{kind} {path!r}: {e}") from e
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # whatever somebody else's code raises is to be shown with its place
        raise GanbenchError(f"{kind} {path!r}: importing {module_name} failed: {type(e).__name__}: {e}.") from e
    found: object = module
    for part in attribute.split("."):
        if not part or not hasattr(found, part):
            raise UnknownName(f"{kind} {path!r}: module {module_name} has no {attribute!r}.")
        found = getattr(found, part)
    return found


def _refuse_folders_of_data(module_name: str, here: str) -> None:
    """Refuse modules in folders below the current one that are not marked as packages.

    Python would import from any folder. A run names the code that it was trained with, so a folder of handed-in runs
    could bring code along and name it.

    Raises:
        GanbenchError: a folder on the way to the module has no ``__init__.py``.
    """
    parts = module_name.split(".")
    for depth in range(1, len(parts)):
        spec = importlib.util.find_spec(".".join(parts[:depth]))
        if spec is None or spec.origin is not None:
            continue
        for folder in map(Path, spec.submodule_search_locations or []):
            if folder.is_relative_to(here):
                raise GanbenchError(f"{folder} is no package. If the code in it is yours, put an __init__.py there")
