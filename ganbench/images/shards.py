"""Shards: the images of several tars, one after the other, as webdataset writes them.

A sample is what has the same name up to its first dot: ``000017.jpg`` with ``000017.json`` and ``000017.cls``. Its
images are the members with an image's ending. Format: https://github.com/webdataset/webdataset, "WebDataset Format".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from os.path import commonpath
from pathlib import Path, PurePath

from ganbench.errors import SourceError
from ganbench.images.archives import kind_of_archive
from ganbench.images.encoded import EncodedSource
from ganbench.images.handles import Handles
from ganbench.images.joint import JointFiles, JointNames, PackedNames
from ganbench.images.limits import ArchiveLimits
from ganbench.images.listing import Listing
from ganbench.images.names import ARCHIVE_ENDINGS, is_image_name, no_image_in
from ganbench.images.passed import Passed
from ganbench.images.resize import Resize
from ganbench.images.tar_files import TarFiles, list_tar
from ganbench.system.location import Location, told_as
from ganbench.system.memory import budget
from ganbench.system.progress import track
from ganbench.system.wall import wall

_OPEN, _OPEN_PACKED = 8, 2  # shards at a time; compressed ones are unpacked into memory or a temporary file
_BYTES_PER_IMAGE = 64  # that an image takes here beside its name: its place, and its hash once it was read
_FEW_KINDS = 8


class ShardSource(EncodedSource):
    """The images of several files, in the order of the files and of what they hold."""

    stored_order = True


def open_shards(
    label: str,
    files: Sequence[Location],
    *,
    column: str | None,
    resize: Resize | None,
    skip_bad: int,
    background: tuple[int, int, int],
    limits: ArchiveLimits,
) -> ShardSource:
    """Open tar shards.

    Args:
        label: what the user gave.
        files: the shards, in order.
        column: which of several images of a sample is meant: what follows its first dot, such as ``jpg``.
        resize: rule that brings every image to one size.
        skip_bad: how many unreadable images may be left out.
        background: RGB under transparent pixels.
        limits: what one shard may hold.

    Raises:
        SourceError: one of them is damaged, hostile or no tar; none has an image, or samples have several.
    """
    opening = _Opening(label, files, column, limits)
    with track("listing shards", len(files), unit="shards") as advance:
        for number, file in enumerate(files):
            try:
                opening.add(file)
            except SourceError as e:
                raise SourceError(f"{label}: shard {number + 1} of {len(files)}: {e}") from e
            advance(1)
    names = JointNames([shard.names for shard in opening.shards])
    if not names:
        raise SourceError(f"{label}: no image {opening.none_found()}")
    joint = JointFiles([shard.files for shard in opening.shards], [len(shard.names) for shard in opening.shards])
    source = ShardSource(label, names, joint, resize=resize, skip_bad=skip_bad, background=background)
    source.notes += opening.passed.lines() + opening.notes
    return source


def shard_prefixes(files: Sequence[Location]) -> list[str]:
    """Return what the names of each shard's images begin with: its own name, with folders where they differ.

    Raises:
        SourceError: a shard is given twice, or two differ by their endings alone.
    """
    whole = [_path(file) for file in files]
    top = PurePath(commonpath([path.parent for path in whole])) if len({path.parent for path in whole}) > 1 else None
    prefixes = [f"{_stem(path.relative_to(top or path.parent).as_posix())}/" for path in whole]
    seen: dict[str, Location] = {}
    for prefix, file in zip(prefixes, files, strict=True):
        if prefix in seen:
            other = seen[prefix]
            what = "it is given twice" if other == file else f"it and {other} differ by their endings alone"
            raise SourceError(f"{file}: {what}; its images would be counted twice")
        seen[prefix] = file
    return prefixes


def _path(file: Location) -> PurePath:
    if file.is_remote:
        return PurePath("/") / file.text.partition("://")[2].partition("?")[0]
    return Path(file.text).absolute()


def _stem(name: str) -> str:
    while name.lower().endswith((*ARCHIVE_ENDINGS, ".parquet")):
        name = name[: name.rindex(".")]
    return name


@dataclass(frozen=True)
class _Shard:
    names: PackedNames
    files: TarFiles


class _Opening:
    """Shards that are being listed: one at a time as Python's objects, and packed from then on."""

    def __init__(self, label: str, files: Sequence[Location], column: str | None, limits: ArchiveLimits) -> None:
        self._label, self._limits = label, limits
        self._kind = None if column is None else column.lower().lstrip(".")
        self._prefixes = iter(shard_prefixes(files))
        self._handles = {False: Handles(_OPEN), True: Handles(_OPEN_PACKED)}
        self._taken, self._most = 0, budget() // 2
        self.shards: list[_Shard] = []
        self.passed = Passed()
        self._others: list[str] = []  # of the first shard, for a message
        self._kinds: set[str] = set()  # of images that are not meant, for a message
        self.notes: list[str] = []

    def add(self, file: Location) -> None:
        """List a shard.

        Raises:
            SourceError: see ``open_shards``.
        """
        path = file.fetched()
        if not path.is_file():
            raise SourceError(f"{path}: no such file")
        with told_as(file, path):
            self._list(path, file.name)

    def none_found(self) -> str:
        """Return where no image was found, and what was."""
        where = f"in {len(self.shards)} shards"
        if self._kinds:
            some = ", ".join(f"#{kind}" for kind in sorted(self._kinds)[:_FEW_KINDS])
            return f"of the kind #{self._kind} {where}. There are: {some}"
        return f"{where} ({no_image_in(self._others)})"

    def _list(self, path: Path, name: str) -> None:
        with wall(
            lambda why: SourceError(f"{path}: not a readable archive: {why}. It may be cut short: copy it again")
        ):
            listing = Listing(path, self._limits)
            kind = kind_of_archive(path)
            if kind == "zip" or (not kind and path.suffix != ".tar"):
                raise SourceError(f"{path}: not a tar, as shards are; give {kind or 'other'} files one by one")
            packed = kind not in ("", "tar")
            files_of = list_tar(listing, packed=packed, handles=self._handles[packed])
        images = [name for name in listing.files if is_image_name(name)]
        self._others = self._others or [name for name in listing.files if not is_image_name(name)]
        chosen = self._choose(path, images)
        self._taken += sum(map(len, chosen)) + _BYTES_PER_IMAGE * len(chosen)
        if self._taken > self._most:
            raise SourceError(
                f"{path}: the names and places of all images up to here take more than half of the memory budget "
                f"({self._most:,} bytes). Raise it (GANBENCH_MEMORY), or give the shards in parts"
            )
        wanted = set(chosen)
        self.passed.add([name for name in listing.files if name not in wanted])
        self.notes += [f"{name}: {note}" for note in listing.notes()]
        self.shards.append(_Shard(PackedNames.of(next(self._prefixes), chosen), files_of(chosen)))

    def _choose(self, path: Path, images: list[str]) -> list[str]:
        """Return the images that are meant, of those of a shard."""
        if self._kind is not None:
            if len(self._kinds) <= _FEW_KINDS:
                self._kinds.update(islice(dict.fromkeys(map(_kind, images)), _FEW_KINDS))
            return [name for name in images if _kind(name) == self._kind]
        first: dict[str, str] = {}
        kinds: set[str] = set()
        for name in images:
            before = first.setdefault(_key(name), name)
            if before is not name:
                kinds |= {_kind(before), _kind(name)}
        if 1 < len(kinds) <= _FEW_KINDS:  # more are no kinds, but names with dots
            some = sorted(kinds)
            raise SourceError(
                f"{path}: samples have several images each: {', '.join(some)}. Say which is meant: "
                f"add #{some[0]} to the source"
            )
        return images


def _key(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.split(".", 1)[0]


def _kind(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[2].lower()
