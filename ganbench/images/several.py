"""Sources of several files: shards and Parquet files, given by a pattern, a list or their folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ganbench.errors import SourceError
from ganbench.images.encoded import EncodedSource
from ganbench.images.limits import ArchiveLimits
from ganbench.images.names import is_hidden, is_image_name, natural_key
from ganbench.images.patterns import MOST_SHARDS, expand, is_pattern, missing_note, numbering
from ganbench.images.resize import Resize
from ganbench.system.location import Location
from ganbench.system.urls import is_url

_PARQUET, _PARQUET_MAGIC = ".parquet", b"PAR1"
_TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


@dataclass(frozen=True)
class Several:
    """Files that are one source.

    Attributes:
        label: what the user gave.
        files: where they are, in order.
        column: which of several images is meant, or None.
    """

    label: str
    files: list[Location]
    column: str | None = None

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
        source.notes += missing_note([file.name for file in self.files])
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
    if _exists(text):
        files = _in(Path(text))
        return Several(text, files) if files else None
    base, hash_sign, column = text.rpartition("#")
    if not hash_sign or not column:
        base, column = text, ""
    label = str(Location(text))
    if _exists(base):
        return Several(label, _in(Path(base)) or [Location(base)], column)
    if is_pattern(base.partition("?")[0] if is_url(base) else base):
        return Several(label, [Location(one) for one in expand(base)], column or None)
    if is_url(base) and (column or Location(base).name.lower().endswith(_PARQUET)):
        return Several(label, [Location(base)], column or None)
    return None


def shards_among(url: str, names: Sequence[str]) -> Several | None:
    """Return the shards or Parquet files of a folder at a URL, or None if it has none.

    Raises:
        SourceError: as ``find_several``.
    """
    found = _choose(str(Location(url)), [name for name in names if "/" not in name and not is_hidden(name)])
    top = url.rstrip("/")
    return Several(str(Location(url)), [Location(f"{top}/{name}") for name in found]) if found else None


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


def _in(path: Path) -> list[Location]:
    """Return the shards of a folder, or a Parquet file itself; nothing where it is something else.

    Tars count if they are numbered from 0 or 1 on and none is missing: a folder of submissions is no data set.

    Raises:
        SourceError: a folder of Parquet files that do not tell by their names that they are of one data set.
    """
    names = []
    try:
        if path.is_file():
            return [Location(str(path))] if path.name.lower().endswith(_PARQUET) else []
        with os.scandir(path) as entries:
            for entry in entries:
                if is_image_name(entry.name):
                    return []
                if not is_hidden(entry.name) and entry.is_file():
                    names.append(entry.name)
    except OSError:
        return []  # whoever opens it says so
    return [Location(str(path / name)) for name in _choose(str(path), names)]


def _choose(folder: str, names: Sequence[str]) -> list[str]:
    """Return which of the files of a folder are its shards or Parquet files, in order."""
    files = sorted((name for name in names if name.lower().endswith(_PARQUET)), key=natural_key)
    if len(files) > 1 and not numbering(files).whole:
        _ask(folder, files)
    if files:
        return files
    shards = sorted((name for name in names if name.lower().endswith(_TARS)), key=natural_key)
    return shards if shards and numbering(shards).whole else []


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
