"""The protocol of a source: an ordered list of images of one size that streams uint8 RGB batches."""

from __future__ import annotations

import hashlib
import logging
import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import cast

import numpy as np

from ganbench.errors import DecodeError, SourceError
from ganbench.images.batch import BadImage, Batch
from ganbench.images.decode import DECODE_RULES, room_for
from ganbench.images.flood import Flood
from ganbench.images.resize import Resize
from ganbench.images.tiles import mixed_sizes, sheet_advice
from ganbench.system.memory import budget

_LOG = logging.getLogger(__name__)
_AHEAD = 4  # batches that decode threads may be ahead of the reader
_MOST_BAD = 5000  # unreadable images, over those allowed, after which nobody needs the exact number
_BATCH_BYTES = 32 << 20  # of pixels in one batch, however many images were asked for
_AHEAD_BYTES = 128 << 20  # of pixels in all batches that wait for the reader


class Source(ABC):
    """An ordered list of images of one size.

    Attributes:
        label: what the user gave, for messages.
        names: the images, in natural order (2.jpg before 10.jpg).
        resize: rule that brings every image to one size, or None.
        ignored: files that are not images and were passed over.
        notes: what a reader of the results must know of what was passed over, one line each.
        bad: images that could not be decoded, filled while ``batches`` runs; left out if ``skip_bad`` allows it.
    """

    def __init__(
        self, label: str, names: list[str], *, resize: Resize | None = None, skip_bad: int = 0, salt: str = ""
    ) -> None:
        self.label = label
        self.names = names
        self.resize = resize
        self.ignored: list[str] = []
        self.notes: list[str] = []
        self.bad: list[BadImage] = []
        self._skip_bad = skip_bad
        self._salt = salt
        self._hashes: list[bytes | None] = [None] * len(names)  # of what is stored, filled by whoever reads it first
        self._peeked: dict[int, np.ndarray | DecodeError] = {}  # decoded to learn the size, kept for the first batch
        self._first: tuple[int, tuple[int, int]] | None = None  # position and size of the image that sets the size
        self._flood = Flood(label)
        _LOG.info("%s: %s of %d images, resize %s", label, type(self).__name__, len(names), resize or "none")

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def content(self, index: int) -> bytes | memoryview:
        """Return the stored form of image ``index``, which the content digest is of. Safe to call from threads.

        Raises:
            DecodeError: what is stored is damaged.
        """

    @abstractmethod
    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """Return image ``index`` from its stored form, before any resize: uint8 (H, W, 3). Safe to call from threads.

        Raises:
            DecodeError: it cannot be decoded.
        """

    def load(self, index: int) -> np.ndarray:
        """Return image ``index`` as decoded, before any resize: uint8 (H, W, 3). Safe to call from threads.

        Raises:
            DecodeError: it cannot be decoded.
        """
        return self.decode(index, self._read(index))

    def _prepare(self, index: int) -> np.ndarray:
        """Return image ``index`` as batches hold it, resized; large ones pass here one at a time."""
        content = self._read(index)
        with room_for(content):
            pixels = self.decode(index, content)
            self._flood.add(pixels.shape[0] * pixels.shape[1], len(content))
            if self.resize is not None:
                return self.resize(pixels)
        if self._first is not None and pixels.shape[:2] != self._first[1]:
            raise self._mixed(index, pixels)
        return pixels

    def _mixed(self, index: int, pixels: np.ndarray) -> SourceError:
        first, size = cast(tuple[int, tuple[int, int]], self._first)
        larger = pixels if pixels.size > size[0] * size[1] * 3 else self.load(first)
        return mixed_sizes(self.label, (self.names[first], size), (self.names[index], pixels.shape[:2]), larger)

    def sheet_advice(self, size: tuple[int, int]) -> str:
        """Return what to do if these are sheets of images of (height, width) pixels, which resizing would squash.

        Returns:
            One sentence, or nothing if they do not look like sheets.
        """
        with suppress(DecodeError):
            return sheet_advice(self.load(self._first[0] if self._first else 0), size)
        return ""

    def _read(self, index: int) -> bytes | memoryview:
        """Read what is stored, and remember its hash: whoever streams the images has read all that the digest needs."""
        try:
            content = self.content(index)
        except DecodeError as e:
            self._hashes[index] = hashlib.sha256(f"unreadable: {e.why}".encode(errors="backslashreplace")).digest()
            raise
        if self._hashes[index] is None:
            self._hashes[index] = hashlib.sha256(content).digest()
        return content

    def digest(self) -> str:
        """Return SHA-256 over all stored images in order and all rules that shape their pixels; decodes nothing.

        Images that were streamed before are not read again.
        """
        total = hashlib.sha256(f"{DECODE_RULES} {self.resize} {self._salt}\n".encode())
        for index in range(len(self)):
            if self._hashes[index] is None:
                with suppress(DecodeError):  # its reason stands in for its content
                    self._read(index)
            total.update(cast(bytes, self._hashes[index]))
        return total.hexdigest()

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
                    self._first = index, pixels.shape[:2]
                    break
                bad.append(BadImage(pixels.name, pixels.why))
                if len(bad) > self._skip_bad + _MOST_BAD:
                    raise self._too_many(bad)
            else:
                raise self._too_many(bad)
        return self._first[1]

    def batches(self, size: int, *, threads: int | None = None) -> Generator[Batch, None, None]:
        """Stream all images in order.

        Threads decode a few batches ahead of the reader; memory stays bounded, by pixels and not by images. A batch is
        shorter than ``size`` at the end, where unreadable images were left out, and where the images are large.

        Args:
            size: images per batch at most.
            threads: decode threads; default: up to 4.

        Raises:
            SourceError: more unreadable images than ``skip_bad`` allows (all are looked at first, so that the message
                can count them), or images of different sizes.
        """
        self.bad, self._flood = [], Flood(self.label)  # each pass counts anew
        size, most_ahead = self._batching(size)
        starts = iter(range(0, len(self), size))
        pending: deque[Future] = deque()

        with ThreadPoolExecutor(threads or min(4, os.cpu_count() or 1)) as pool:
            try:
                while True:
                    while len(pending) < most_ahead and (start := next(starts, None)) is not None:
                        pending.append(pool.submit(self._decode_run, range(start, min(start + size, len(self)))))
                    if not pending:
                        break
                    batch = self._assemble(pending.popleft().result())
                    if batch is not None and len(self.bad) <= self._skip_bad:
                        yield batch
                    if len(self.bad) > self._skip_bad + _MOST_BAD:
                        break
            finally:
                for future in pending:
                    future.cancel()
        self.settle(self.bad)

    def settle(self, bad: list[BadImage]) -> None:
        """Take over which images cannot be read; raises ``SourceError`` if they are more than may be left out."""
        self.bad = bad
        if len(bad) > self._skip_bad or len(bad) == len(self):
            raise self._too_many(bad)

    def _batching(self, size: int) -> tuple[int, int]:
        """Return how many images a batch may have, and how many batches may wait."""
        height, width = self.image_size()
        one = height * width * 3
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
        return Slice(self, count)


class Slice(Source):
    """The first images of another source.

    Attributes:
        whole: that source.
    """

    def __init__(self, whole: Source, count: int) -> None:
        if count > len(whole):
            raise SourceError(f"{whole.label}: {count} images asked for, {len(whole)} found")
        super().__init__(
            whole.label, whole.names[:count], resize=whole.resize, skip_bad=whole._skip_bad, salt=whole._salt
        )
        self.whole = whole
        self.ignored, self.notes = whole.ignored, whole.notes

    def content(self, index: int) -> bytes | memoryview:
        """See ``Source.content``."""
        return self.whole.content(index)

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """See ``Source.decode``."""
        return self.whole.decode(index, content)
