"""The contract of sources: every kind keeps it, and the check finds what breaks it."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ganbench.errors import SourceError
from ganbench.images.batch import Batch
from ganbench.images.resize import Resize
from ganbench.images.sheets import write_sheet
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.testing import check_source


@pytest.fixture
def few(image_folder: Path) -> Path:
    """Four images, the second of which cannot be read."""
    for path in image_folder.iterdir():
        if int(path.stem) not in (1, 2, 3, 10):
            path.unlink()
    (image_folder / "2.jpg").write_bytes(b"\xff\xd8 cut short")
    return image_folder


@pytest.mark.parametrize("resize", [None, "24x32:lanczos"])
@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "gztar"])
def test_files(few: Path, tmp_path: Path, kind: str, resize: str | None) -> None:
    what = few if kind == "folder" else shutil.make_archive(str(tmp_path / "images"), kind, few)
    source = open_source(what, resize=resize, skip_bad=1)
    check_source(source)
    assert [bad.name for bad in source.bad] == ["2.jpg"]


def _npy(pixels: np.ndarray, folder: Path) -> Source:
    np.save(folder / "a.npy", pixels)
    return open_source(folder / "a.npy")


def _npz(pixels: np.ndarray, folder: Path) -> Source:
    np.savez(folder / "a.npz", images=pixels)
    return open_source(folder / "a.npz", resize="32")


def _sheet(pixels: np.ndarray, folder: Path) -> Source:
    write_sheet(folder / "sheet.png", pixels, columns=3, pad=2)
    return open_source(folder / "sheet.png", grid=(2, 3), pad=2)


def _tensor(pixels: np.ndarray, folder: Path) -> Source:
    del folder
    return open_source(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1, value_range=(-1, 1))


def _slice(pixels: np.ndarray, folder: Path) -> Source:
    del folder
    return open_source(pixels, resize="8x12").first(3)


@pytest.mark.parametrize("make", [_npy, _npz, _sheet, _tensor, _slice])
def test_arrays_and_sheets(make: Callable[[np.ndarray, Path], Source], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    check_source(make(pixels, tmp_path))


class Right(Source):
    """A right one, from which the wrong ones below differ in one thing."""

    def __init__(self) -> None:
        super().__init__("right", [f"{i}.raw" for i in range(4)], resize=Resize(6, 6, "box"))
        self.stored = [image.tobytes() for image in np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)]

    def content(self, index: int) -> bytes:
        return self.stored[index]

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        return np.frombuffer(content, np.uint8).reshape(8, 8, 3)


class Lonely(Right):
    def __init__(self) -> None:
        super().__init__()
        self.names = self.names[:1]


class Twins(Right):
    def __init__(self) -> None:
        super().__init__()
        self.names[1] = self.names[0]


class Shuffled(Right):
    def __init__(self) -> None:
        super().__init__()
        self.names.reverse()


class Undecided(Right):
    """Reads and decodes what nobody asked for: every call gives something else."""

    calls = 0

    def content(self, index: int) -> bytes:
        self.calls += 1
        return self.stored[index][:-1] + bytes([self.calls % 256])


class Grayscale(Right):
    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        return super().decode(index, content)[..., 0]


class Scaled(Right):
    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        return super().decode(index, content) / 255


class Cheating(Right):
    """Shows other images one by one than in batches."""

    def load(self, index: int) -> np.ndarray:
        return 255 - super().load(index)


class Changed(Right):
    change: dict[str, object]

    def batches(self, size: int, *, threads: int | None = None) -> Iterator[Batch]:
        for batch in super().batches(size, threads=threads):
            yield replace(batch, **self.change)


class Misnamed(Changed):
    change = {"names": ["9.raw"]}  # noqa: RUF012  # never changed


class Unsigned(Changed):
    change = {"digests": ["0" * 64]}  # noqa: RUF012


class Halved(Right):
    def batches(self, size: int, *, threads: int | None = None) -> Iterator[Batch]:
        yield from list(super().batches(size, threads=threads))[:-1]


class Backwards(Right):
    def batches(self, size: int, *, threads: int | None = None) -> Iterator[Batch]:
        yield from list(super().batches(size, threads=threads))[::-1]


class Unresized(Right):
    def _decode(self, indices: range) -> Iterator[tuple[int, np.ndarray]]:
        for index in indices:
            yield index, self.load(index)


class Hasty(Right):
    """Takes the digest of what it has read so far."""

    def digest(self) -> str:
        digest = super().digest()
        self._salt += "again"
        return digest


class Blind(Right):
    def first(self, count: int) -> Source:
        return self


class Whole(Right):
    def _part(self, start: int, stop: int) -> Source:
        return copy.copy(self)


class Unsendable(Right):
    def __init__(self) -> None:
        super().__init__()
        self.stored = [memoryview(image) for image in self.stored]


class Forgetful(Right):
    def learn(self, start: int, hashes: bytes) -> None:
        super().learn(start, bytes(len(hashes)))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Lonely(), "two at least are needed"),
        (Twins(), "two images have the same name"),
        (Shuffled(), "not in natural order"),
        (Undecided(), "give something else the second time"),
        (Grayscale(), r"must be uint8 \(H, W, 3\), not uint8 \(8, 8\)"),
        (Scaled(), "not float64"),
        (Cheating(), "decode and load make different images"),
        (Misnamed(), "names and indices do not agree"),
        (Unsigned(), "digests are not the SHA-256"),
        (Halved(), "left out"),
        (Backwards(), "another order"),
        (Unresized(), r"pixels must be uint8 \(4, 6, 6, 3\)"),
        (Hasty(), "the digest changed"),
        (Blind(), "first takes other images"),
        (Whole(), "in pieces of 1: images are not those of the whole"),
        (Unsendable(), "a piece cannot be pickled: TypeError"),
        (Forgetful(), "hashes are not those of the whole"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_wrong_one_is_found_out(source: Source, message: str) -> None:
    check_source(Right())
    with pytest.raises(AssertionError, match=message):
        check_source(source)


def test_more_unreadable_images_than_are_allowed(few: Path) -> None:
    with pytest.raises(SourceError, match=r"1 of 4 images cannot be read: 2\.jpg"):
        check_source(open_source(few))
