"""The contract of a source, as a check that every one must pass: ours, and those of other packages."""

from __future__ import annotations

import hashlib
import pickle
import re
from functools import partial

import numpy as np

from ganbench.errors import DecodeError, SourceError
from ganbench.images.batch import BadImage
from ganbench.images.names import natural_key
from ganbench.images.source import Source
from ganbench.system.contract import require, same_every_time
from ganbench.system.wall import reason


def check_source(source: Source) -> None:
    """Check the contract of a source. Give a small one: every image is read several times.

    Its names are different, and in natural order unless it says that they come as they are stored. What is stored of an
    image, and its pixels before any resize, are the same every time and in every thread. Batches of any size, decoded
    in any number of threads, hold all images that can be read, in order, resized by the source's rule, with digests of
    their pixels; the others are in ``bad``. The source's digest is the same before and after its images are streamed,
    and that of all of them in a view. A view of the first images holds those. Its pieces, whatever their size, can be
    pickled, and have the images of the whole, in order, with the same names and hashes; what cannot be read is listed
    there, and never refused.

    Args:
        source: as ``ganbench.images.sources.open_source`` returns it, with at least two images that can be read, and
            no more of the others than ``skip_bad`` allows.

    Raises:
        AssertionError: with what is wrong.
    """
    label, names = source.label, source.names
    require(
        len(source) == len(names) >= 2, f"{label}: {len(source)} images, {len(names)} names; two at least are needed"
    )
    require(all(isinstance(name, str) and name for name in names), f"{label}: names must be text")
    require(len(set(names)) == len(names), f"{label}: two images have the same name")
    in_order = source.stored_order or sorted(names, key=natural_key) == list(names)
    require(in_order, f"{label}: names are not in natural order")
    before = source.digest()
    require(re.fullmatch("[0-9a-f]{64}", before) is not None, f"{label}: the digest must be 64 hex digits: {before!r}")
    pixels = _check_images(source)
    require(len(pixels) >= 2, f"{label}: {len(pixels)} images can be read; two at least are needed")
    for size, threads in ((len(names), 1), (1, 2), (2, 3)):
        _check_batches(source, pixels, size, threads)
    require(source.digest() == before, f"{label}: the digest changed while images were streamed")
    _check_views(source, pixels, before)
    for count in (1, 2, len(names)):
        _check_pieces(source, pixels, before, count)


def _check_images(source: Source) -> dict[int, np.ndarray]:
    """Check images one by one; return those that can be read, resized as the source says, by their position."""
    pixels = {}
    for index, name in enumerate(source.names):
        try:
            image = source.load(index)
        except DecodeError:
            continue
        what = f"{source.label}: {name}"
        require(
            image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size > 0,
            f"{what} must be uint8 (H, W, 3), not {image.dtype} {image.shape}",
        )
        content = source.content(index)
        same_every_time(what, partial(source.content, index), content, _equal_bytes)
        same_every_time(what, partial(source.load, index), image, np.array_equal)
        require(np.array_equal(source.decode(index, content), image), f"{what}: decode and load make different images")
        pixels[index] = image if source.resize is None else source.resize(image)
    return pixels


def _equal_bytes(a: bytes | memoryview, b: bytes | memoryview) -> bool:
    return bytes(a) == bytes(b)


def _check_batches(source: Source, pixels: dict[int, np.ndarray], size: int, threads: int) -> None:
    what = f"{source.label}, in batches of {size}"
    seen: list[int] = []
    for batch in source.batches(size, threads=threads):
        count = len(batch.indices)
        require(0 < count <= size, f"{what}: one has {count} images")
        require(batch.indices.dtype == np.int64, f"{what}: indices must be int64, not {batch.indices.dtype}")
        require(batch.names == [source.names[i] for i in batch.indices], f"{what}: names and indices do not agree")
        shape = (count, *source.image_size(), 3)
        require(batch.pixels.dtype == np.uint8 and batch.pixels.shape == shape, f"{what}: pixels must be uint8 {shape}")
        loaded = [pixels.get(int(i)) for i in batch.indices]
        same = all(
            one is not None and np.array_equal(one, mine) for one, mine in zip(loaded, batch.pixels, strict=True)
        )
        require(same, f"{what}: pixels are not those of load")
        digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in batch.pixels]
        require(batch.digests == digests, f"{what}: digests are not the SHA-256 of the pixels")
        seen += map(int, batch.indices)
    require(seen == list(pixels), f"{what}: images are left out, come twice or in another order")
    bad = [name for index, name in enumerate(source.names) if index not in pixels]
    require([one.name for one in source.bad] == bad, f"{what}: bad must name the unreadable images {bad}")


def _check_views(source: Source, pixels: dict[int, np.ndarray], digest: str) -> None:
    label, count = source.label, len(source)
    whole = source.first(count)
    require(whole.digest() == digest, f"{label}: a view of all images has another digest")
    fewer = list(pixels)[1]  # up to the second image that can be read, which is left out
    few = source.first(fewer)
    require(
        list(few.names) == list(source.names[:fewer]) and few.resize == source.resize,
        f"{label}: first takes other images",
    )
    require(few.digest() != digest, f"{label}: fewer images have the same digest")
    streamed = [image for batch in few.batches(count) for image in batch.pixels]
    require(np.array_equal(streamed, [pixels[min(pixels)]]), f"{label}: a view streams other images")
    try:
        source.first(count + 1)
    except SourceError:
        return
    raise AssertionError(f"{label}: first gives {count + 1} images, though there are {count}")


def _check_pieces(source: Source, pixels: dict[int, np.ndarray], digest: str, count: int) -> None:
    """Open pieces as another process would, and put them together again."""
    what = f"{source.label}, in pieces of {count}"
    starts = list(range(0, len(source), count))
    pieces = source.pieces(count)
    require([piece.start for piece in pieces] == starts, f"{what}: they begin at {[piece.start for piece in pieces]}")
    names: list[str] = []
    bad: list[BadImage] = []
    seen: dict[int, np.ndarray] = {}
    for piece in pieces:
        try:
            opened = pickle.loads(pickle.dumps(piece)).open()
        except Exception as e:
            raise AssertionError(f"{what}: a piece cannot be pickled: {reason(e)}") from e
        require(len(opened) == piece.count <= count, f"{what}: one says {piece.count} and has {len(opened)} images")
        require(
            (opened.label, str(opened.resize)) == (source.label, str(source.resize)),
            f"{what}: label or rule is another",
        )
        names += opened.names
        for batch in opened.batches(2):
            seen.update((piece.start + int(i), image) for i, image in zip(batch.indices, batch.pixels, strict=True))
        bad += opened.bad
        source.learn(piece.start, bytes(opened.hashes()))
    require(names == list(source.names), f"{what}: names are not those of the whole")
    same = list(seen) == list(pixels) and all(np.array_equal(seen[i], pixels[i]) for i in pixels)
    require(same, f"{what}: images are not those of the whole, in order")
    require(
        [one.name for one in bad] == [names[i] for i in range(len(names)) if i not in pixels], f"{what}: bad differs"
    )
    require(source.digest() == digest, f"{what}: hashes are not those of the whole")
