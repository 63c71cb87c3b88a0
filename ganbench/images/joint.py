"""Many small lists, such as those of shards, seen as one long one without an object per entry."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar, overload

import numpy as np

from ganbench.images.encoded import Files

T = TypeVar("T")
_CODEC, _ERRORS = "utf-8", "surrogateescape"


class Joint(Generic[T]):
    """Things of known lengths, one after the other."""

    def __init__(self, things: Sequence[T], lengths: Sequence[int]) -> None:
        self.things = things
        self._ends = list(accumulate(lengths))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def find(self, index: int) -> tuple[T, int]:
        """Return the thing that has entry ``index`` of all, and which of its own that is."""
        at = bisect_right(self._ends, index)
        return self.things[at], index - (self._ends[at - 1] if at else 0)

    def cut(self, start: int, stop: int) -> Iterator[tuple[T, int, int]]:
        """Yield the things that have entries ``start`` to ``stop`` of all, and which of their own those are."""
        at = bisect_right(self._ends, start)
        while start < stop:
            begin = self._ends[at - 1] if at else 0
            end = min(stop, self._ends[at])
            if end > start:
                yield self.things[at], start - begin, end - begin
            start, at = end, at + 1


class Texts(Sequence[str]):
    """A list of texts; of two that hold the same texts, each equals the other, whatever they are."""

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return self._part(start, max(start, stop)) if step == 1 else [self[i] for i in range(start, stop, step)]
        if not -len(self) <= index < len(self):
            raise IndexError(f"{index} of {len(self)} names")
        return self._one(index % len(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as that of a list

    @abstractmethod
    def _one(self, index: int) -> str: ...

    @abstractmethod
    def _part(self, start: int, stop: int) -> Sequence[str]: ...


class PackedNames(Texts):
    """Names in one block of memory, all with the same beginning: four bytes a name beside its own."""

    def __init__(self, prefix: str, block: bytes, ends: np.ndarray, begin: int = 0) -> None:
        self._prefix, self._block, self._ends, self._begin = prefix, block, ends, begin

    @classmethod
    def of(cls, prefix: str, names: Sequence[str]) -> PackedNames:
        """Pack a list."""
        encoded = [name.encode(_CODEC, _ERRORS) for name in names]
        ends = np.cumsum([len(name) for name in encoded], dtype=np.uint64)
        total = int(ends[-1]) if len(ends) else 0
        return cls(prefix, b"".join(encoded), ends if total >= 1 << 32 else ends.astype(np.uint32))

    def __len__(self) -> int:
        return len(self._ends)

    def _one(self, index: int) -> str:
        begin = int(self._ends[index - 1]) if index else self._begin
        return self._prefix + self._block[begin : int(self._ends[index])].decode(_CODEC, _ERRORS)

    def _part(self, start: int, stop: int) -> PackedNames:
        begin = int(self._ends[start - 1]) if start else self._begin
        return PackedNames(self._prefix, self._block, self._ends[start:stop], begin)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as these names alone."""
        end = int(self._ends[-1]) if len(self) else self._begin
        ends = self._ends - np.asarray(self._begin, self._ends.dtype)
        return PackedNames, (self._prefix, self._block[self._begin : end], ends)


class Numbers(Texts):
    """Numbers as names, from 0 on unless it is a part, all with the same beginning."""

    def __init__(self, prefix: str, count: int, first: int = 0) -> None:
        self._prefix, self._count, self._first = prefix, count, first

    def __len__(self) -> int:
        return self._count

    def _one(self, index: int) -> str:
        return f"{self._prefix}{self._first + index}"

    def _part(self, start: int, stop: int) -> Numbers:
        return Numbers(self._prefix, stop - start, self._first + start)


class JointNames(Texts):
    """The names of many lists, one after the other."""

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        self._joint = Joint(lists, [len(one) for one in lists])

    def __len__(self) -> int:
        return len(self._joint)

    def __iter__(self) -> Iterator[str]:
        for one in self._joint.things:
            yield from one

    def _one(self, index: int) -> str:
        names, own = self._joint.find(index)
        return names[own]

    def _part(self, start: int, stop: int) -> JointNames:
        return JointNames([names[begin:end] for names, begin, end in self._joint.cut(start, stop)])


class JointFiles:
    """The files of many places, one after the other."""

    def __init__(self, places: Sequence[Files], lengths: Sequence[int]) -> None:
        self._joint = Joint(places, lengths)

    def read(self, index: int, name: str) -> bytes:
        """See ``Files.read``."""
        files, own = self._joint.find(index)
        return files.read(own, name)

    def part(self, start: int, stop: int) -> JointFiles:
        """See ``Files.part``."""
        cut = list(self._joint.cut(start, stop))
        return JointFiles([files.part(begin, end) for files, begin, end in cut], [end - begin for _, begin, end in cut])
