"""The protocol of a source: an ordered list of images of one size that streams uint8 RGB batches."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

import numpy as np

from ganbench.errors import DecodeError, SourceError
from ganbench.images.ahead import work_ahead
from ganbench.images.batch import BadImage, Batch
from ganbench.images.decode import room_for
from ganbench.images.flood import Flood
from ganbench.images.resize import Resize
from ganbench.images.stored import Stored
from ganbench.images.tiles import mixed_sizes, sheet_advice
from ganbench.system.memory import budget

_AHEAD = 4  # batches that decode threads may be ahead of the reader
_MOST_BAD = 5000  # unreadable images, over those allowed, after which nobody needs the exact number
_BATCH_BYTES = 32 << 20  # of pixels in one batch, however many images were asked for
_AHEAD_BYTES = 128 << 20  # of pixels in all batches that wait for the reader


class Source(Stored):
    """An ordered list of images of one size; see ``Stored`` for what is known of them before they are decoded.

    Attributes:
        ignored: files that are not images and were passed over.
        notes: what a reader of the results must know of what was passed over, one line each.
        bad: images that could not be decoded, filled while ``batches`` runs; left out if ``skip_bad`` allows it.
    """

    def __init__(
        self, label: str, names: Sequence[str], *, resize: Resize | None = None, skip_bad: int = 0, salt: str = ""
    ) -> None:
        super().__init__(label, names, resize=resize, salt=salt)
        self.ignored: list[str] = []
        self.notes: list[str] = []
        self.bad: list[BadImage] = []
        self._skip_bad = skip_bad
        self._peeked: dict[int, np.ndarray | DecodeError] = {}  # decoded to learn the size, kept for the first batch
        self._first: _First | None = None  # the image that sets the size
        self._settles = True  # whether it is decided here how many may be left out
        self._flood = Flood(label)

    def _prepare(self, index: int) -> np.ndarray:
        """Return image ``index`` as batches hold it, resized; large ones pass here one at a time."""
        content = self._read(index)
        with room_for(content):
            pixels = self.decode(index, content)
            self._flood.add(pixels.shape[0] * pixels.shape[1], len(content))
            if self.resize is not None:
                return self.resize(pixels)
        if self._first is not None and pixels.shape[:2] != self._first.size:
            raise self._mixed(self._first, index, pixels)
        return pixels

    def _mixed(self, first: _First, index: int, pixels: np.ndarray) -> SourceError:
        larger = pixels if pixels.size > first.size[0] * first.size[1] * 3 else first.alone.load(0)
        sized = first.alone.names[0], first.size
        return mixed_sizes(self.label, sized, (self.names[index], pixels.shape[:2]), larger)

    def sheet_advice(self, size: tuple[int, int]) -> str:
        """Return what to do if these are sheets of images of (height, width) pixels, which resizing would squash.

        Returns:
            One sentence, or nothing if they do not look like sheets.
        """
        with suppress(DecodeError):
            return sheet_advice(self._first.alone.load(0) if self._first else self.load(0), size)
        return ""

    def image_size(self) -> tuple[int, int]:
        """Return (height, width) of the images after resizing, pixels, from the first one that decodes.

        Raises:
            SourceError: none decodes, or very many do not before one does.
        """
        if self.resize is not None:
            return self.resize.height, self.resize.width
        if self._first is None:
            bad = []
            for index, pixels in self._decode(range(len(self))):
                self._peeked[index] = pixels
                if isinstance(pixels, np.ndarray):
                    self._first = _First(pixels.shape[:2], self.part(index, 1))
                    break
                bad.append(BadImage(pixels.name, pixels.why))
                if len(bad) > self._skip_bad + _MOST_BAD:
                    raise self._too_many(bad)
            else:
                raise self._too_many(bad)
        return self._first.size

    @property
    def skip_bad(self) -> int:
        """How many unreadable images may be left out."""
        return self._skip_bad

    @property
    def unpacked(self) -> tuple[int, int]:
        """Pixels that the last pass decoded, before any resize, and the bytes that they came from."""
        return self._flood.counts

    def batches(
        self, size: int, *, threads: int | None = None, within: int | None = None
    ) -> Generator[Batch, None, None]:
        """Stream all images in order.

        Threads decode a few batches ahead of the reader; memory stays bounded, by pixels and not by images. A batch is
        shorter than ``size`` at the end, where unreadable images were left out, and where the images are large.

        Args:
            size: images per batch at most.
            threads: decode threads; default: up to 4.
            within: no batch goes over a position that is a multiple of this.

        Raises:
            SourceError: more unreadable images than ``skip_bad`` allows (all are looked at first, so that the message
                can count them), or images of different sizes.
        """
        self.bad, self._flood = [], Flood(self.label)  # each pass counts anew
        size, most_ahead = self._batching(size)
        runs = _runs(len(self), size, within or len(self))
        threads = threads or min(4, os.cpu_count() or 1)
        with closing(work_ahead(self._decode_run, runs, threads=threads, most=most_ahead)) as decoded:
            for run in decoded:
                batch = self._assemble(run)
                if batch is not None and len(self.bad) <= self._skip_bad:
                    yield batch
                if self.has_too_many(self.bad):
                    break
        self.settle(self.bad)

    def settle(self, bad: list[BadImage]) -> None:
        """Take over which images cannot be read; raises ``SourceError`` if they are more than may be left out.

        Of a piece they are taken over and no more: whoever has the pieces gives those of all of them to the whole.
        """
        self.bad = bad[: self._skip_bad + _MOST_BAD + 1]
        if self._settles and (len(bad) > self._skip_bad or len(bad) == len(self)):
            raise self._too_many(self.bad)

    def has_too_many(self, bad: list[BadImage]) -> bool:
        """Tell whether so many cannot be read that nobody needs to know how many more do not."""
        return len(bad) > self._skip_bad + _MOST_BAD

    def batch_size(self, size: int) -> int:
        """Return how many images a batch has where ``size`` were asked for: fewer where they are large."""
        return self._batching(size)[0]

    def _batching(self, size: int) -> tuple[int, int]:
        """Return how many images a batch may have, and how many batches may wait."""
        height, width = self.image_size()
        one = height * width * 3
        if self._settles:  # batches of a piece are cut as those of the whole, whatever the memory where it is read
            size = max(1, min(size, min(_BATCH_BYTES, budget() // 16) // one))
        return size, max(1, min(_AHEAD, min(_AHEAD_BYTES, budget() // 4) // (size * one)))

    def _decode(self, indices: range) -> Iterator[tuple[int, np.ndarray | DecodeError]]:
        for index in indices:
            if index in self._peeked:
                yield index, self._peeked.pop(index)
                continue
            try:
                yield index, self._prepare(index)
            except DecodeError as e:
                yield index, e

    def _decode_run(self, indices: range) -> list[tuple[int, np.ndarray | DecodeError]]:
        return list(self._decode(indices))

    def _assemble(self, decoded: list[tuple[int, np.ndarray | DecodeError]]) -> Batch | None:
        good = []
        for index, pixels in decoded:
            if isinstance(pixels, DecodeError):
                self.bad.append(BadImage(pixels.name, pixels.why))
                continue
            good.append((index, pixels))
        if not good:
            return None
        stack = np.stack([pixels for _, pixels in good])
        return Batch(
            np.array([index for index, _ in good], np.int64),
            [self.names[index] for index, _ in good],
            stack,
            [hashlib.sha256(pixels).hexdigest() for pixels in stack],
        )

    def _too_many(self, bad: list[BadImage]) -> SourceError:
        shown = "; ".join(f"{image.name} ({image.why})" for image in bad[:5])
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        stopped = len(bad) - self._skip_bad > _MOST_BAD and len(bad) < len(self)
        least = "at least " if stopped else ""
        allow = "" if stopped or len(bad) == len(self) else f" --skip-bad {len(bad)}"
        hint = f" Commands with --skip-bad leave them out:{allow}" if allow else ""
        return SourceError(
            f"{self.label}: {least}{len(bad)} of {len(self)} images cannot be read: {shown}{more}.{hint}"
        )

    def first(self, count: int) -> Source:
        """Return a view of the first ``count`` images, in order."""
        if count > len(self):
            raise SourceError(f"{self.label}: {count} images asked for, {len(self)} found")
        view = self.part(0, count)
        view.ignored, view.notes = self.ignored, self.notes
        return view

    def part(self, start: int, count: int) -> Source:
        """Return consecutive images as a source of their own, under the same names and rules."""
        stop = start + count
        part = self._part(start, stop)
        part.names = self.names[start:stop]
        part.ignored, part.notes, part.bad = [], [], []
        part._hashes = self._hashes.part(start, stop)
        part._peeked, part._first, part._flood = {}, None, Flood(self.label)
        return part

    def _part(self, start: int, stop: int) -> Source:
        """Return a source of some of the images; one that pickles as those alone is worth a method of its own."""
        return Slice(self, start, stop)

    def pieces(self, count: int) -> list[Piece]:
        """Return the whole source in pieces of ``count`` images, the last one of what is left.

        All are held to the size of the first image that decodes, wherever they are read. What cannot be read is in the
        ``bad`` of each, and not counted there: give those of all pieces to ``settle``, and their hashes to ``learn``.

        Raises:
            SourceError: as ``image_size``.
        """
        self.image_size()
        found = []
        for start in range(0, len(self), count):
            part = self.part(start, min(count, len(self) - start))
            part._first, part._settles = self._first, False
            found.append(Piece(start, part))
        return found


def _runs(count: int, size: int, within: int) -> Iterator[range]:
    """Yield the positions of each batch."""
    for start in range(0, count, within):
        end = min(start + within, count)
        yield from (range(first, min(first + size, end)) for first in range(start, end, size))


@dataclass(frozen=True)
class _First:
    """The image that sets the size of all: (height, width), pixels, and a source of it alone."""

    size: tuple[int, int]
    alone: Source


@dataclass(frozen=True)
class Piece:
    """Consecutive images of a source, read where the piece is opened. It pickles as what it takes to read them.

    Attributes:
        start: position of its first image in the whole source.
    """

    start: int
    _source: Source

    @property
    def count(self) -> int:
        """How many images it has."""
        return len(self._source)

    def open(self) -> Source:
        """Return its images as a source: positions count from 0, all else is as in the whole."""
        return self._source


class Slice(Source):
    """Consecutive images of another source, which travels with it."""

    def __init__(self, whole: Source, start: int, stop: int) -> None:
        names = whole.names[start:stop]
        super().__init__(whole.label, names, resize=whole.resize, skip_bad=whole._skip_bad, salt=whole._salt)
        self.stored_order, self.shaping = whole.stored_order, whole.shaping
        self._whole, self._start = whole, start

    def content(self, index: int) -> bytes | memoryview:
        """See ``Source.content``."""
        return self._whole.content(self._start + index)

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """See ``Source.decode``."""
        return self._whole.decode(self._start + index, content)
