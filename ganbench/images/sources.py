"""Sources: anything that holds images, seen as an ordered list that streams uint8 RGB batches."""

from __future__ import annotations

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.errors import DecodeError, SourceError
from ganbench.images.decode import DECODE_RULES, EXTENSIONS, WHITE
from ganbench.images.resize import Resize

if TYPE_CHECKING:
    import torch

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ARRAYS = (".npy", ".npz")
_AHEAD = 4  # batches that decode threads may be ahead of the reader


@dataclass(frozen=True)
class Batch:
    """A run of images.

    Attributes:
        indices: positions in ``Source.names``, int64 (N,).
        names: their names.
        pixels: uint8 (N, H, W, 3), RGB.
        digests: SHA-256 of each image's pixels, hex.
    """

    indices: np.ndarray
    names: list[str]
    pixels: np.ndarray
    digests: list[str]


@dataclass(frozen=True)
class BadImage:
    """An image that could not be decoded and was left out with the user's consent."""

    name: str
    why: str


class Source(ABC):
    """An ordered list of images of one size.

    Attributes:
        label: what the user gave, for messages.
        names: the images, in natural order (2.jpg before 10.jpg).
        resize: rule that brings every image to one size, or None.
        ignored: files that are not images and were passed over.
        bad: images left out so far (only with ``skip_bad``); filled while ``batches`` runs.
    """

    def __init__(
        self, label: str, names: list[str], *, resize: Resize | None = None, skip_bad: int = 0, salt: str = ""
    ) -> None:
        self.label = label
        self.names = names
        self.resize = resize
        self.ignored: list[str] = []
        self.bad: list[BadImage] = []
        self._skip_bad = skip_bad
        self._salt = salt
        self._digest: str | None = None
        self._size: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def load(self, index: int) -> np.ndarray:
        """Return image ``index`` as decoded, before any resize: uint8 (H, W, 3). Safe to call from threads.

        Raises:
            DecodeError: it cannot be decoded.
        """

    @abstractmethod
    def content(self, index: int) -> bytes | memoryview:
        """Return the stored form of image ``index``, for the content digest."""

    def digest(self) -> str:
        """Return SHA-256 over all stored images in order and all rules that shape their pixels; decodes nothing."""
        if self._digest is None:
            total = hashlib.sha256(f"{DECODE_RULES} {self.resize} {self._salt}\n".encode())
            for index in range(len(self)):
                total.update(hashlib.sha256(self.content(index)).digest())
            self._digest = total.hexdigest()
        return self._digest

    def image_size(self) -> tuple[int, int]:
        """Return (height, width) of the images after resizing, pixels, from the first one that decodes."""
        if self._size is None:
            if self.resize is not None:
                self._size = (self.resize.height, self.resize.width)
            else:
                self._size = next(p.shape[:2] for _, p in self._decode(range(len(self))) if isinstance(p, np.ndarray))
        return self._size

    def batches(self, size: int, *, threads: int | None = None) -> Iterator[Batch]:
        """Stream all images in order.

        Threads decode a few batches ahead of the reader; memory stays bounded. A batch is shorter than ``size`` at the
        end, and where unreadable images were left out.

        Args:
            size: images per batch.
            threads: decode threads; default: up to 4.

        Raises:
            SourceError: more unreadable images than ``skip_bad`` allows (all are looked at first, so that the message
                can count them), or images of different sizes.
        """
        self.bad = []
        starts = iter(range(0, len(self), size))
        pending: deque[Future] = deque()

        with ThreadPoolExecutor(threads or min(4, os.cpu_count() or 1)) as pool:
            try:
                while True:
                    while len(pending) < _AHEAD and (start := next(starts, None)) is not None:
                        pending.append(pool.submit(self._decode_run, range(start, min(start + size, len(self)))))
                    if not pending:
                        break
                    batch = self._assemble(pending.popleft().result())
                    if batch is not None and len(self.bad) <= self._skip_bad:
                        yield batch
            finally:
                for future in pending:
                    future.cancel()
        if len(self.bad) > self._skip_bad or len(self.bad) == len(self):
            raise self._too_many_bad()

    def _decode(self, indices: range) -> Iterator[tuple[int, np.ndarray | DecodeError]]:
        for index in indices:
            try:
                pixels = self.load(index)
                yield index, pixels if self.resize is None else self.resize(pixels)
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
            if self._size is None:
                self._size = pixels.shape[:2]
            if pixels.shape[:2] != self._size:
                (h, w), (h0, w0) = pixels.shape[:2], self._size
                raise SourceError(
                    f"{self.label}: images of different sizes: the first is {h0}x{w0} pixels, {self.names[index]} is "
                    f"{h}x{w}. Bring them to one size by a stated rule, such as --resize {h0}x{w0}"
                )
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

    def _too_many_bad(self) -> SourceError:
        shown = "; ".join(f"{bad.name} ({bad.why})" for bad in self.bad[:5])
        more = f" and {len(self.bad) - 5} more" if len(self.bad) > 5 else ""
        hint = "" if len(self.bad) == len(self) else f" Score without them: --skip-bad {len(self.bad)}"
        return SourceError(f"{self.label}: {len(self.bad)} of {len(self)} images cannot be read: {shown}{more}.{hint}")

    def first(self, count: int) -> Source:
        """Return a view of the first ``count`` images, in order."""
        return Slice(self, count)


class Slice(Source):
    """The first images of another source."""

    def __init__(self, whole: Source, count: int) -> None:
        if count > len(whole):
            raise SourceError(f"{whole.label}: {count} images asked for, {len(whole)} found")
        super().__init__(
            whole.label, whole.names[:count], resize=whole.resize, skip_bad=whole._skip_bad, salt=whole._salt
        )
        self._whole = whole

    def load(self, index: int) -> np.ndarray:
        """See ``Source.load``."""
        return self._whole.load(index)

    def content(self, index: int) -> bytes | memoryview:
        """See ``Source.content``."""
        return self._whole.content(index)


def natural_key(name: str) -> tuple:
    """Sort key under which 2.jpg comes before 10.jpg, the same on every system."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((1, int(p), "") if p.isdigit() else (0, 0, p) for p in parts), name


def is_image_name(name: str) -> bool:
    """Tell by its name whether a file counts as an image: a known extension in any case, and not hidden."""
    path = Path(name)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not hidden and path.suffix.lower() in EXTENSIONS


def open_source(
    what: str | Path | np.ndarray | torch.Tensor | Source,
    *,
    recursive: bool = False,
    grid: tuple[int, int] | str | None = None,
    pad: int | None = None,
    resize: Resize | str | None = None,
    value_range: tuple[float, float] | None = None,
    skip_bad: int = 0,
    background: tuple[int, int, int] = WHITE,
) -> Source:
    """Open anything that holds images.

    Args:
        what: a folder; a .zip or .tar archive, compressed or not; an .npy or .npz of images; one image file that is a
            sheet of tiles (with ``grid``); a NumPy array (N, H, W, 3); a torch tensor (N, 3, H, W); an opened source.
        recursive: look into subfolders too.
        grid: (rows, columns) of a sheet, or ``guess``.
        pad: pixels between the tiles of a sheet; None finds it.
        resize: rule such as ``64`` or ``64x64:lanczos``; without it, images of different sizes are an error.
        value_range: (low, high) of float pixels; required for them, refused for uint8.
        skip_bad: how many unreadable images may be left out.
        background: RGB under transparent pixels.

    Raises:
        SourceError: nothing there, nothing in it, or of a form that is not supported.
    """
    from ganbench.images.arrays import ArraySource, load_array
    from ganbench.images.encoded import open_archive, open_folder
    from ganbench.images.sheets import SheetSource

    rule = Resize.parse(resize)
    if isinstance(what, Source):
        if rule is not None and rule != what.resize:
            raise SourceError(f"{what.label} is already open; give the resize rule when opening it")
        return what
    if not isinstance(what, str | Path):
        return ArraySource.of("array", what, value_range=value_range, resize=rule)
    path = Path(what)
    name = path.name.lower()
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder")
    if path.is_dir():
        return open_folder(path, recursive=recursive, resize=rule, skip_bad=skip_bad, background=background)
    if name.endswith(ARCHIVES):
        return open_archive(path, resize=rule, skip_bad=skip_bad, background=background)
    if name.endswith(ARRAYS):
        return ArraySource.of(str(path), load_array(path), value_range=value_range, resize=rule)
    if is_image_name(path.name):
        if grid is None:
            raise SourceError(
                f"{path} is a single image. If it is a sheet of tiles, say so: --grid ROWSxCOLUMNS or guess"
            )
        return SheetSource(path, grid=grid, pad=pad, resize=rule, background=background)
    raise SourceError(
        f"{path}: not a source of images. Known: a folder, {', '.join(ARCHIVES + ARRAYS)}, or a sheet with --grid"
    )
