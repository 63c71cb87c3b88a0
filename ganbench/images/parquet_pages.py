"""How much memory the pages of a Parquet file take, read from their headers before anything unpacks them.

Headers are structs in Thrift's compact protocol. Formats: Apache Parquet, "parquet.thrift" (PageHeader); Apache Thrift,
"Thrift Compact protocol encoding".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_HEADER_BYTES = 1 << 20  # of one header; its statistics may quote values
_NESTING = 8
_BOOLEANS, _BYTE, _DOUBLE, _BINARY = (1, 2), 3, 7, 8
_NUMBERS, _LISTS, _MAP, _STRUCT = (4, 5, 6), (9, 10), 11, 12
_TYPE, _UNPACKED, _PACKED = 1, 2, 3  # fields of PageHeader
_DICTIONARY = 2  # a type of page


@dataclass(frozen=True)
class Page:
    """One page: whether it is the dictionary, and its bytes when it is unpacked and as it lies there."""

    dictionary: bool
    unpacked: int
    packed: int


def pages(file: IO[bytes], start: int, length: int) -> Iterator[Page]:
    """Yield the pages of a column of a row group.

    Args:
        file: the Parquet file.
        start: where they begin, bytes.
        length: how many bytes they take together.

    Raises:
        ValueError: they are no pages, or reach beyond their end.
    """
    at, end = start, start + length
    while at < end:
        file.seek(at)
        reader = _Compact(file.read(min(_HEADER_BYTES, end - at)))
        fields = reader.struct(0)
        try:
            page = Page(fields[_TYPE] == _DICTIONARY, fields[_UNPACKED], fields[_PACKED])
        except KeyError as e:
            raise ValueError("a page without its size") from e
        if page.unpacked < 0 or page.packed < 0:
            raise ValueError("a page of no possible size")
        at += reader.at + page.packed
        yield page
    if at != end:
        raise ValueError("a page reaches beyond the end of its column")


class _Compact:
    """Reads one struct, keeps its numbers and passes over everything else."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, depth: int) -> dict[int, int]:
        """Return the numbers of a struct by their fields."""
        if depth > _NESTING:
            raise ValueError("a page header of endless depth")
        found: dict[int, int] = {}
        field = 0
        while byte := self._byte():
            step, kind = byte >> 4, byte & 15
            field = field + step if step else self._number()
            value = self._value(kind, depth)
            if value is not None:
                found[field] = value
        return found

    def _value(self, kind: int, depth: int) -> int | None:
        if kind in _BOOLEANS:
            return None
        if kind in _NUMBERS:
            return self._number()
        if kind == _STRUCT:
            self.struct(depth + 1)
        elif kind == _BINARY:
            self._skip(self._varint())
        elif kind in (_BYTE, _DOUBLE):
            self._skip(1 if kind == _BYTE else 8)
        elif kind in _LISTS:
            self._list(depth)
        else:  # maps are in no page header
            raise ValueError("a page header that makes no sense")
        return None

    def _list(self, depth: int) -> None:
        byte = self._byte()
        count = byte >> 4 if byte >> 4 != 15 else self._varint()
        for _ in range(count):
            if byte & 15 in _BOOLEANS:
                self._skip(1)
            else:
                self._value(byte & 15, depth + 1)

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise ValueError("a page header that is cut short or too long")
        self.at += 1
        return self._data[self.at - 1]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise ValueError("a page header that is cut short or too long")

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError("a page header that makes no sense")

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
