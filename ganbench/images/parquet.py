"""Parquet files with a column of images, as Hugging Face's ``datasets`` writes them.

An image is a struct of ``bytes`` (an encoded file) and ``path`` (where the file was), or the bytes alone. Which column
it is says the data set's own metadata, or the only column that can be. ``datasets`` itself is not needed.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import SourceError
from ganbench.images.handles import Handles
from ganbench.images.joint import JointFiles, JointNames, Numbers
from ganbench.images.limits import ArchiveLimits
from ganbench.images.parquet_files import Column, ParquetFiles, open_file
from ganbench.images.place import Place
from ganbench.images.resize import Resize
from ganbench.images.shards import ShardSource, shard_prefixes
from ganbench.registry import did_you_mean
from ganbench.system.location import Location, told_as
from ganbench.system.memory import budget
from ganbench.system.wall import wall

if TYPE_CHECKING:
    import pyarrow

_MAGIC = b"PAR1"
_FOOTER_BYTES = 64 << 20
_OPEN = 4  # files at a time, each with rows that wait
_MOST_ROWS = 100_000_000  # of a file
_FREE_ROWS, _BYTES_PER_ROW = 10_000, 16  # rows of different images take more than this, however well they compress
_HASH_BYTES = 33  # that an image takes here once it was read


def open_parquet(
    label: str,
    files: Sequence[Location],
    *,
    column: str | None,
    resize: Resize | None,
    skip_bad: int,
    background: tuple[int, int, int],
    limits: ArchiveLimits,
) -> ShardSource:
    """Open Parquet files; images are named by their file and row, from 0.

    Args:
        label: what the user gave.
        files: the files, in order.
        column: which holds the images, None to find it.
        resize: rule that brings every image to one size.
        skip_bad: how many unreadable images may be left out.
        background: RGB under transparent pixels.
        limits: what a file may hold.

    Raises:
        SourceError: pyarrow is not installed; one of them is damaged or hostile; no column holds images, or several do.
    """
    try:
        import pyarrow.parquet  # noqa: F401  # what comes out of a wall could not say what to install
    except ImportError as e:
        raise SourceError(f"{label}: Parquet files take pyarrow: pip install 'ganbench[parquet]'") from e
    handles = Handles(_OPEN)
    opened: list[ParquetFiles] = []
    names: list[Numbers] = []
    total = 0
    for number, (file, prefix) in enumerate(zip(files, shard_prefixes(files), strict=True)):
        path = file.fetched()
        try:
            with told_as(file, path):
                place, found, groups = _look_into(path, column)
        except SourceError as e:
            raise SourceError(f"{label}: file {number + 1} of {len(files)}: {e}" if len(files) > 1 else str(e)) from e
        rows = sum(groups)
        total += rows
        if total * _HASH_BYTES > budget() // 2:
            raise SourceError(
                f"{label}: more than {total:,} rows take more than half of the memory budget. Raise it "
                "(GANBENCH_MEMORY), or give the files in parts"
            )
        names.append(Numbers("" if len(files) == 1 else prefix, rows))
        opened.append(ParquetFiles(place, found, groups, (0, rows), limits, handles))
    if not total:
        raise SourceError(f"{label}: no image in it (0 rows)")
    joint = JointFiles(opened, [len(one) for one in names])
    return ShardSource(label, JointNames(names), joint, resize=resize, skip_bad=skip_bad, background=background)


def _look_into(path: Path, column: str | None) -> tuple[Place, Column, tuple[int, ...]]:
    """Return where a file is, where its images are in it, and how many rows each of its row groups has."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    with wall(lambda why: SourceError(f"{path}: not a readable Parquet file: {why}. Copy it again")):
        place = Place.of(path)
        length = place.length
        with path.open("rb") as raw:
            start = raw.read(len(_MAGIC))
            raw.seek(max(0, length - 8))
            end = raw.read()
        if start != _MAGIC or len(end) < 8 or end[4:] != _MAGIC:
            raise SourceError(f"{path}: not a readable Parquet file: it does not begin and end like one. Copy it again")
        footer = struct.unpack("<I", end[:4])[0]
        if footer > min(length, _FOOTER_BYTES):
            raise SourceError(f"{path}: refused, its footer is of {footer:,} bytes")
        with open_file(path) as file:
            metadata = file.metadata
            groups = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
            rows = sum(groups)
            if min(groups, default=0) < 0 or rows != metadata.num_rows:
                raise SourceError(f"{path}: damaged: its row groups have {rows:,} rows, it says {metadata.num_rows:,}")
            if rows > _MOST_ROWS or rows > max(_FREE_ROWS, length // _BYTES_PER_ROW):
                raise SourceError(f"{path}: refused as a decompression bomb: {rows:,} rows in {length:,} bytes")
            return place, _find(path, file.schema_arrow, column), groups


def _find(path: Path, schema: pyarrow.Schema, wanted: str | None) -> Column:
    columns = {field.name: _column(field) for field in schema}
    if wanted is not None:
        if wanted not in columns:
            raise SourceError(f"{path}: no column {wanted!r}.{did_you_mean(wanted, list(columns))}")
        chosen = columns[wanted]
        if chosen is None:
            raise SourceError(f"{path}: the column {wanted!r} is {schema.field(wanted).type}, not images")
        return chosen
    named = [name for name in _named(schema) if name in columns]
    structs = [name for name, column in columns.items() if column is not None and "." in column.bytes]
    plain = [name for name, column in columns.items() if column is not None and "." not in column.bytes]
    found = named or structs or plain
    if not found:
        some = ", ".join(f"{field.name!r} ({field.type})" for field in list(schema)[:6])
        raise SourceError(
            f"{path}: no column of images, which are a struct of bytes and path, or binary. It has: {some}"
        )
    if len(found) > 1:
        some = ", ".join(repr(name) for name in found)
        raise SourceError(f"{path}: several columns hold images: {some}. Say which: add #{found[0]} to the source")
    chosen = columns[found[0]]
    if chosen is None:
        raise SourceError(f"{path}: the column {found[0]!r} is {schema.field(found[0]).type}, not one image a row")
    return chosen


def _column(field: pyarrow.Field) -> Column | None:
    import pyarrow

    kind = field.type
    if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
        return Column(field.name)
    if not pyarrow.types.is_struct(kind):
        return None
    inside = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
    data, path = inside.get("bytes"), inside.get("path")
    if data is None or not (pyarrow.types.is_binary(data) or pyarrow.types.is_large_binary(data)):
        return None
    text = path is not None and (pyarrow.types.is_string(path) or pyarrow.types.is_large_string(path))
    return Column(f"{field.name}.bytes", f"{field.name}.path" if text else "")


def _named(schema: pyarrow.Schema) -> list[str]:
    """Return the columns that the metadata of ``datasets`` calls images."""
    told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = told.get("info", {}).get("features", {})
    return [name for name, feature in features.items() if isinstance(feature, dict) and feature.get("_type") == "Image"]
