"""The images of one Parquet file, read a few rows at a time, in any order and by any process."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.errors import DecodeError, SourceError
from ganbench.images.handles import Handles
from ganbench.images.limits import ArchiveLimits
from ganbench.images.parquet_pages import pages
from ganbench.images.place import Place
from ganbench.system.memory import budget
from ganbench.system.wall import reason, wall

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

_ROWS = 64  # read at a time
_BATCH_BYTES = 32 << 20  # of them, where a dictionary may repeat one value
_KEPT = 1024  # rows that decode threads may be behind the one that is ahead
_BUFFER = 1 << 20  # of a file that is read as a stream; without one a whole column is taken into memory


@dataclass(frozen=True)
class Column:
    """Where images are in a Parquet file.

    Attributes:
        bytes: path of the column with encoded files, such as ``image.bytes``.
        path: path of the column that says where a file is that is not stored here; nothing if there is none.
    """

    bytes: str
    path: str = ""

    def of(self, schema: pyarrow.parquet.ParquetSchema) -> list[int]:
        """Return the numbers of these columns among those of a file."""
        paths = [schema.column(i).path for i in range(len(schema))]
        return [paths.index(path) for path in (self.bytes, self.path) if path]


def open_file(path: Path) -> pyarrow.parquet.ParquetFile:
    """Open a Parquet file so that nothing of it is taken into memory but its footer."""
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path, memory_map=False, buffer_size=_BUFFER, pre_buffer=False)


class ParquetFiles:
    """The encoded files of consecutive rows."""

    def __init__(
        self,
        place: Place,
        column: Column,
        groups: tuple[int, ...],
        rows: tuple[int, int],
        limits: ArchiveLimits,
        handles: Handles,
    ) -> None:
        """Describe them.

        Args:
            place: of the file.
            column: where the images are.
            groups: how many rows each row group has.
            rows: from and to which.
            limits: what it may hold.
            handles: decides how long it stays open.
        """
        self._told = (place, column, groups, rows, limits, handles)
        self._place, self._column, self._groups, self._rows, self._limits, self._handles = self._told
        self._ends = list(accumulate(groups))
        self._path = place.path
        self._damaged: dict[int, tuple[int, str]] = {}  # from which row on a row group cannot be read, and why
        self._lock = threading.Lock()
        self._forget()

    def read(self, index: int, name: str) -> bytes:
        """See ``Files.read``."""
        self._handles.read(self)
        with wall(lambda why: DecodeError(name, f"cannot be read from its Parquet file: {why}")), self._lock:
            data, path = self._row(self._rows[0] + index)
        if data is None:
            where = f"only that it is in the file {path!r}. Write the data set with its images" if path else "no image"
            raise DecodeError(name, f"its row holds {where}")
        self._limits.check_member(name, len(data))
        return data.to_pybytes()

    def part(self, start: int, stop: int) -> ParquetFiles:
        """See ``Files.part``."""
        place, column, groups, (first, _), limits, handles = self._told
        return ParquetFiles(place, column, groups, (first + start, first + stop), limits, handles)

    def close(self) -> None:
        """Let go of the file and of the rows that wait; reading goes on all the same."""
        with self._lock:
            self._forget()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as where the rows are."""
        return ParquetFiles, self._told

    def _forget(self) -> None:
        self._file: pyarrow.parquet.ParquetFile | None = None
        self._batches: Iterator[pyarrow.RecordBatch] = iter(())
        self._window: deque[tuple[int, pyarrow.Array, pyarrow.Array | None]] = deque()
        self._group = -1
        self._next = 0  # the row after the window

    def _row(self, row: int) -> tuple[pyarrow.Buffer | None, str]:
        """Return what a row holds: the bytes of a file, or where it is."""
        group = bisect_right(self._ends, row)
        damaged, why = self._damaged.get(group, (row + 1, ""))
        if row >= damaged:
            raise ValueError(why)
        begin = self._window[0][0] if self._window else self._next
        if self._group < 0 or row < begin or group > self._group + 1:
            self._forget()
            self._begin(group)
        while row >= self._next:
            try:
                self._advance()
            except Exception as e:
                self._damaged[self._group] = self._next, reason(e)  # and what follows it in its row group
                raise
        for first, data, paths in self._window:
            if first <= row < first + len(data):
                path = paths[row - first].as_py() if paths is not None else None
                return data[row - first].as_buffer(), path or ""
        raise ValueError("it has fewer rows than it says")

    def _begin(self, group: int) -> None:
        """Begin with a row group."""
        self._group, self._next = group, self._ends[group] - self._groups[group]
        self._batches = self._of_group(group)

    def _of_group(self, group: int) -> Iterator[pyarrow.RecordBatch]:
        if self._file is None:
            self._path = self._place.local()
            self._file = open_file(self._path)
        largest = check_group(self._path, self._file.metadata, group, self._column, self._limits)
        columns = [self._column.bytes, *([self._column.path] if self._column.path else [])]
        size = max(1, min(_ROWS, _BATCH_BYTES // max(1, largest)))
        yield from self._file.iter_batches(size, row_groups=[group], columns=columns, use_threads=False)

    def _advance(self) -> None:
        """Read a few more rows, and forget those that nobody waits for."""
        batch = next(self._batches, None)
        if batch is None:
            if self._next != self._ends[self._group] and self._group not in self._damaged:
                raise ValueError("it has fewer rows than it says")
            self._begin(self._group + 1)
            return
        data, paths = _split(batch.column(0), self._column)
        self._window.append((self._next, data, paths))
        self._next += len(data)
        most = budget() // 4
        while self._window[0][0] + len(self._window[0][1]) < self._next - _KEPT or (
            len(self._window) > 1 and sum(rows.nbytes for _, rows, _ in self._window) > most
        ):
            self._window.popleft()


def check_group(
    path: Path, metadata: pyarrow.parquet.FileMetaData, group: int, column: Column, limits: ArchiveLimits
) -> int:
    """Refuse a row group whose images take too much memory, by the headers of its pages.

    Returns:
        The largest value that a dictionary may repeat, bytes; 0 without one.

    Raises:
        SourceError: a bomb, or pages that are larger than the memory budget allows.
        ValueError: it has no such pages.
    """
    most = budget() // 2
    unpacked = packed = largest = 0
    with path.open("rb") as file:
        length = file.seek(0, 2)
        for number in column.of(metadata.schema):
            chunk = metadata.row_group(group).column(number)
            start = min(at for at in (chunk.dictionary_page_offset, chunk.data_page_offset) if at)
            if not 0 < start <= start + chunk.total_compressed_size <= length:
                raise ValueError("a column that lies outside the file")
            for page in pages(file, start, chunk.total_compressed_size):
                unpacked, packed = unpacked + page.unpacked, packed + page.packed
                largest = max(largest, page.unpacked * page.dictionary)
                if page.unpacked > most:
                    raise SourceError(
                        f"{path}: a page of {page.unpacked:,} bytes is more than the memory budget allows ({most:,}). "
                        "Write the file with fewer rows in a row group"
                    )
    if unpacked > max(limits.ratio_floor, limits.ratio * packed):
        raise SourceError(
            f"{path}: refused as a decompression bomb: {packed:,} bytes of row group {group} unpack to {unpacked:,}"
        )
    return largest


def _split(array: pyarrow.Array, column: Column) -> tuple[pyarrow.Array, pyarrow.Array | None]:
    """Return the files and the paths of a batch; a row that is null as a whole has neither."""
    if "." not in column.bytes:
        return array, None
    fields = {array.type.field(i).name: part for i, part in enumerate(array.flatten())}
    return fields[column.bytes.rpartition(".")[2]], fields.get(column.path.rpartition(".")[2])
