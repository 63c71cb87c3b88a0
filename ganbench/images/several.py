"""Sources of several files: shards and Parquet files, given by a pattern, a list or their folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ganbench.errors import SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.images.names import is_hidden, is_image_name, natural_key
from ganbench.images.patterns import MOST_SHARDS, expand, is_pattern, missing_note, numbering
from ganbench.images.resize import Resize
from ganbench.images.source import Source

_PARQUET, _PARQUET_MAGIC = ".parquet", b"PAR1"
_TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


@dataclass(frozen=True)
class Several:
    """Files that are one source.

    Attributes:
        label: what the user gave.
        paths: the files, in order.
        column: which of several images is meant, or None.
        origins: of files that were fetched, where they lie: their images are named by that.
    """

    label: str
    paths: list[Path]
    column: str | None = None
    origins: list[Path] | None = None

    def open(
        self, *, resize: Resize | None, skip_bad: int, background: tuple[int, int, int], limits: ArchiveLimits
    ) -> Source:
        """Open them as Parquet files, or as shards.

        Raises:
            SourceError: some are the one and some the other, or they cannot be read.
        """
        from ganbench.images.parquet import open_parquet
        from ganbench.images.shards import open_shards

        parquet = [_is_parquet(path) for path in self.paths]
        if any(parquet) and not all(parquet):
            odd = self.paths[parquet.index(not parquet[0])]
            raise SourceError(f"{self.label}: {self.paths[0].name} and {odd.name} are of two kinds; give one of them")
        opening = open_parquet if all(parquet) else open_shards
        source = opening(
            self.label,
            self.paths,
            origins=self.origins or self.paths,
            column=self.column,
            resize=resize,
            skip_bad=skip_bad,
            background=background,
            limits=limits,
        )
        source.notes += missing_note([path.name for path in self.paths])
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
        paths = [Path(one) for one in what]
        if not paths or len(paths) > MOST_SHARDS:
            raise SourceError(f"a list of {len(paths):,} files: expected 1 to {MOST_SHARDS:,} shards")
        return Several(str(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else ""), paths)
    text = str(what)
    if _exists(text):
        paths = _in(Path(text))
        return Several(text, paths) if paths else None
    base, hash_sign, column = text.rpartition("#")
    if not hash_sign or not column:
        base, column = text, ""
    if _exists(base):
        return Several(text, _in(Path(base)) or [Path(base)], column)
    if is_pattern(base):
        return Several(text, [Path(one) for one in expand(base)], column or None)
    return None


def _exists(text: str) -> bool:
    try:
        return bool(text) and os.path.lexists(text)
    except (OSError, ValueError):
        return False


def _is_parquet(path: Path) -> bool:
    if path.name.lower().endswith(_PARQUET):
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) == _PARQUET_MAGIC
    except FileNotFoundError as e:
        raise SourceError(f"{path}: no such file or folder") from e
    except OSError as e:
        raise SourceError(f"{path}: cannot be read: {e.strerror}") from e


def _in(path: Path) -> list[Path]:
    """Return the shards of a folder, or a Parquet file itself; nothing where it is something else.

    Tars count if they are numbered from 0 or 1 on and none is missing: a folder of submissions is no data set.

    Raises:
        SourceError: a folder of Parquet files that do not tell by their names that they are of one data set.
    """
    if path.is_file():
        return [path] if path.name.lower().endswith(_PARQUET) else []
    names = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if is_image_name(entry.name):
                    return []
                if not is_hidden(entry.name) and entry.is_file():
                    names.append(entry.name)
    except OSError:
        return []  # whoever opens the folder says so
    return [path / name for name in shards_among(str(path), names)]


def shards_among(folder: str, names: list[str]) -> list[str]:
    """Return which files of a folder without images are its shards, in order.

    Raises:
        SourceError: Parquet files that do not tell by their names that they are of one data set.
    """
    files = sorted((name for name in names if name.lower().endswith(_PARQUET)), key=natural_key)
    if files:
        if len(files) > 1 and not numbering(files).whole:
            _ask(folder, files)
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
