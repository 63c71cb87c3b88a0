"""Sources of several files: shards and Parquet files, given by a pattern, a list or their folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from ganbench.errors import SourceError
from ganbench.images.encoded import EncodedSource
from ganbench.images.limits import ArchiveLimits
from ganbench.images.names import is_archive_name, is_hidden, is_image_name, natural_key
from ganbench.images.passed import passed_over
from ganbench.images.patterns import MOST_SHARDS, expand, is_pattern, missing_note, numbering
from ganbench.images.resize import Resize
from ganbench.system.location import Location
from ganbench.system.urls import is_url

_PARQUET, _PARQUET_MAGIC = ".parquet", b"PAR1"
_TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_FEW = 3  # subfolders that are named


@dataclass(frozen=True)
class Several:
    """Files that are one source.

    Attributes:
        label: what the user gave.
        files: where they are, in order.
        column: which of several images is meant, or None.
        notes: what else is in their folder, one line each.
    """

    label: str
    files: list[Location]
    column: str | None = None
    notes: list[str] = field(default_factory=list)

    def open(
        self, *, resize: Resize | None, skip_bad: int, background: tuple[int, int, int], limits: ArchiveLimits
    ) -> EncodedSource:
        """Open them as Parquet files, or as shards: as what the first one is.

        Raises:
            SourceError: they cannot be read, or some are something else.
        """
        from ganbench.images.parquet import open_parquet
        from ganbench.images.shards import open_shards

        opening = open_parquet if _is_parquet(self.files[0]) else open_shards
        source = opening(
            self.label,
            self.files,
            column=self.column,
            resize=resize,
            skip_bad=skip_bad,
            background=background,
            limits=limits,
        )
        source.notes += missing_note([file.name for file in self.files]) + self.notes
        return source


def find_several(what: str | Path | Sequence[str | Path]) -> Several | None:
    """Return the files of a source of several, or None if it is none.

    Args:
        what: a list of files; a text with braces or wildcards; a folder of shards or Parquet files; a Parquet file. A
            text may end in ``#NAME``, which says which of several images is meant.

    Raises:
        SourceError: a pattern that stands for nothing, or a folder of which it is not clear what is meant.
    """
    if not isinstance(what, str | Path):
        files = [Location.of(one) for one in what]
        if not files or len(files) > MOST_SHARDS:
            raise SourceError(f"a list of {len(files):,} files: expected 1 to {MOST_SHARDS:,} shards")
        return Several(str(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else ""), files)
    text = str(what)
    for base, column in _readings(text):
        if _exists(base):
            files, notes = _in(Path(base))
            if not files and column is None:
                return None
            return Several(str(Location(text)), files or [Location(base)], column, notes)
    base, _, name = text.rpartition("#")
    column = name if base and _is_column(name) else None
    base = text if column is None else base
    if is_pattern(base.partition("?")[0] if is_url(base) else base):
        return Several(str(Location(text)), [Location(one) for one in expand(base)], column)
    if is_url(base) and (column or Location(base).name.lower().endswith(_PARQUET)):
        return Several(str(Location(text)), [Location(base)], column)
    return None


def _readings(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield what a text may mean: a path, or one that is there and, behind a ``#``, which of several images it is."""
    yield text, None
    for at in range(len(text) - 2, 0, -1):
        base, column = text[:at], text[at + 1 :]
        if text[at] != "#" or not _exists(base):
            continue
        if "/" not in column or Path(base).is_file():  # the names of folders have it too
            yield base, column


def _is_column(name: str) -> bool:
    """Tell whether what follows the last ``#`` can say which image is meant, and is no part of the files' names."""
    if not name or "/" in name or is_pattern(name):
        return False
    return not is_archive_name(name) and not name.lower().endswith((_PARQUET, ".npy", ".npz"))


def shards_among(url: str, names: Sequence[str], folders: Sequence[str]) -> Several | None:
    """Return the shards or Parquet files of a folder at a URL, or None if it has none.

    Args:
        url: of the folder.
        names: of the files in it, and perhaps in its subfolders.
        folders: subfolders that were not looked into.

    Raises:
        SourceError: as ``find_several``.
    """
    here = [name for name in names if "/" not in name]
    found = _choose(str(Location(url)), here)
    if not found:
        return None
    below = {name.partition("/")[0] for name in (*names, *folders) if "/" in name or name in folders}
    top = url.rstrip("/")
    files = [Location(f"{top}/{name}") for name in found]
    return Several(str(Location(url)), files, notes=_beside(found, here, below))


def _exists(text: str) -> bool:
    try:
        return bool(text) and os.path.lexists(text)
    except (OSError, ValueError):
        return False


def _is_parquet(file: Location) -> bool:
    if file.name.lower().endswith(_PARQUET):
        return True
    if not file.is_remote:
        with suppress(OSError), file.path.open("rb") as start:  # whoever opens it says what is wrong
            return start.read(4) == _PARQUET_MAGIC
    return False


def _in(path: Path) -> tuple[list[Location], list[str]]:
    """Return the shards of a folder, or a Parquet file itself, and what else is in it; nothing of something else.

    Tars count if they are numbered from 0 or 1 on and none is missing: a folder of submissions is no data set.

    Raises:
        SourceError: a folder of Parquet files that do not tell by their names that they are of one data set.
    """
    names: list[str] = []
    folders: list[str] = []
    try:
        if path.is_file():
            return ([Location(str(path))] if path.name.lower().endswith(_PARQUET) else []), []
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.name)
                elif is_image_name(entry.name):
                    return [], []
                elif entry.is_file():
                    names.append(entry.name)
    except OSError:
        return [], []  # whoever opens it says so
    found = _choose(str(path), names)
    return [Location(str(path / name)) for name in found], _beside(found, names, folders) if found else []


def _beside(found: Sequence[str], names: Iterable[str], folders: Collection[str]) -> list[str]:
    """Return what is in a folder beside the shards that were found in it, one line each."""
    shards = set(found)
    lines = [f"in the folder, {line}" for line in passed_over([name for name in names if name not in shards])]
    if shown := sorted((name for name in folders if not is_hidden(name)), key=natural_key):
        some = ", ".join(repr(name) for name in shown[:_FEW]) + (" ..." if len(shown) > _FEW else "")
        lines.append(f"subfolders are not read beside shards or Parquet files: {len(shown):,} passed over ({some})")
    return lines


def _choose(folder: str, names: Sequence[str]) -> list[str]:
    """Return which of the files of a folder are its shards or Parquet files, in order.

    Raises:
        SourceError: it is not clear which.
    """
    seen = [name for name in names if not is_hidden(name)]
    files = sorted((name for name in seen if name.lower().endswith(_PARQUET)), key=natural_key)
    tars = sorted((name for name in seen if name.lower().endswith(_TARS)), key=natural_key)
    shards = tars if tars and numbering(tars).whole else []
    if files and shards:  # as img2dataset writes them: Parquet files about what the tars hold
        raise SourceError(
            f"{folder}: {len(shards)} shards and {len(files)} Parquet files. Say which hold the images: "
            f"'{folder}/*{_TARS[0]}' or '{folder}/*{_PARQUET}'"
        )
    if len(files) > 1 and not numbering(files).whole:
        _ask(folder, files)
    return files or shards


def _ask(folder: str, files: list[str]) -> NoReturn:
    """Refuse to guess: images to train on are no images to test with."""
    found = numbering(files)
    what = f"{folder}: {len(files)} Parquet files"
    if found.known and len(found.sets) > 1:
        some = ", ".join(f"{name}*" for name in found.sets[:4])
        raise SourceError(f"{what} of {len(found.sets)} sets ({some}). Say which: '{folder}/{found.sets[0]}*'")
    if found.missing:
        raise SourceError(f"{what}, and no {found.missing[0]!r}. To take those that are there: '{folder}/*{_PARQUET}'")
    raise SourceError(f"{what} that are not numbered. If they are one source, say so: '{folder}/*{_PARQUET}'")
