"""The assignment's submission format: a .tgz under 2 MB with 1.jpg ... 1000.jpg, each 64x64, and no folder."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.errors import GanbenchError, SourceError
from ganbench.images.archives import ArchiveSource
from ganbench.images.encoded import EncodedSource
from ganbench.images.names import natural_key
from ganbench.images.rules import COUNT, HW6, LIMIT_BYTES, SIZE, TGZ, Rules
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.system.storage import atomic_write

QUALITIES = range(1, 96)  # Pillow advises against JPEG qualities above 95


@dataclass(frozen=True)
class Check:
    """One rule of the format and whether a submission keeps it."""

    what: str
    ok: bool
    found: str


@dataclass(frozen=True)
class Known:
    """What a look at all images of a submission found: so many of one (height, width), and some that do not decode."""

    count: int
    size: tuple[int, int]
    unreadable: Sequence[str] = ()


def check_submission(path: Path, rules: Rules = HW6, known: Known | None = None) -> list[Check]:
    """Check a submission against every rule.

    Args:
        path: what would be handed in.
        rules: what it must keep.
        known: what is known of its images from an earlier look at all of them, which spares another one.

    Returns:
        All rules, kept or not.

    Raises:
        SourceError: nothing that could be checked at all: absent, damaged or hostile.
    """
    path = Path(path)
    source = open_source(path, skip_bad=10**9)
    checks = [*_of_the_file(path, rules), *_of_the_names(source, rules)]
    if known is not None and known.count + len(known.unreadable) == len(source):
        unreadable = list(known.unreadable)
        sizes = dict.fromkeys(set(source.names) - set(unreadable), known.size)
    else:
        sizes, unreadable = _decoded(source)
    checks.append(Check("every image decodes", not unreadable, _some(unreadable)))
    if rules.size is not None:
        height, width = rules.size
        wrong = [f"{name} is {h}x{w}" for name, (h, w) in sizes.items() if (h, w) != rules.size]
        wrong.sort(key=natural_key)
        checks.append(Check(f"every image {height}x{width}", not wrong, _some(wrong)))
    return checks


def _decoded(source: Source) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Return the size of every image that decodes, by its name, and what is wrong with the others."""
    sizes, unreadable = {}, []
    for index, name in enumerate(source.names):
        try:
            height, width = source.load(index).shape[:2]
            sizes[name] = height, width
        except SourceError as e:
            unreadable.append(str(e))
    return sizes, unreadable


def _of_the_file(path: Path, rules: Rules) -> Iterator[Check]:
    if rules.endings:
        named = path.is_file() and path.name.lower().endswith(rules.endings)
        packed = named and (not path.name.lower().endswith(TGZ) or path.read_bytes()[:2] == b"\x1f\x8b")
        yield Check(f"a {rules.endings[0]} archive", packed, path.name)
    if rules.max_bytes is not None:
        size = path.stat().st_size if path.is_file() else None
        fits = size is not None and size < rules.max_bytes
        yield Check(f"under {rules.max_bytes:,} bytes", fits, "a folder" if size is None else f"{size:,} bytes")


def _of_the_names(source: Source, rules: Rules) -> Iterator[Check]:
    if rules.count is not None:
        yield Check(f"{rules.count:,} images", len(source) == rules.count, f"{len(source):,} images")
    if rules.flat:
        folders = source.folders if isinstance(source, ArchiveSource) else []
        nested = folders + [name for name in [*source.names, *source.ignored] if "/" in name]
        yield Check("no folder inside", not nested, _some(nested))
    if rules.names is not None:
        expected = rules.expected(len(source))
        missing = sorted(set(expected) - set(source.names), key=natural_key)
        extra = sorted(set(source.names) - set(expected), key=natural_key) + source.ignored
        named = f"named {expected[0]} ... {expected[-1]}"
        yield Check(named, not missing, _some([f"no {name}" for name in missing]))
        passed_over = "" if extra else "; ".join(source.notes)
        yield Check("nothing else inside", not extra, passed_over or _some(extra))


def _some(items: Sequence[str]) -> str:
    return "as required" if not items else ", ".join(items[:3]) + (f" and {len(items) - 3} more" * (len(items) > 3))


@dataclass(frozen=True)
class Packed:
    """What ``pack_submission`` wrote: JPEG quality (None: files copied unchanged) and size in bytes."""

    path: Path
    quality: int | None
    size: int


def pack_submission(source: Source, out: Path, *, quality: int | None = None, max_bytes: int = LIMIT_BYTES) -> Packed:
    """Write a source as a submission: the images in order as 1.jpg, 2.jpg, ..., at the best JPEG quality that fits.

    Files that are JPEG already are copied unchanged when they fit and no quality is asked for. The same images give
    the same bytes on every run.

    Args:
        source: 1,000 images of 64x64.
        out: the .tgz to write.
        quality: JPEG quality 1..95; None finds the highest that fits.
        max_bytes: the archive must be smaller than this.

    Raises:
        SourceError: wrong count or size.
        GanbenchError: not called .tgz, or it does not fit even at the lowest quality.
    """
    if not str(out).lower().endswith(TGZ):
        raise GanbenchError(f"{out}: a submission is a .tgz; name it so")
    if len(source) != COUNT:
        remedy = f". Add --first {COUNT} to pack the first ones" if len(source) > COUNT else ""
        raise SourceError(f"{source.label}: a submission has {COUNT:,} images, found {len(source):,}{remedy}")
    if source.image_size() != SIZE:
        height, width = source.image_size()
        raise SourceError(
            f"{source.label}: images are {height}x{width}, a submission has 64x64. "
            f"{source.sheet_advice(SIZE) or 'Bring them to it by a stated rule: add --resize 64'}"
        )
    if quality is not None and quality not in QUALITIES:
        raise GanbenchError(f"JPEG quality {quality}: expected {QUALITIES[0]} to {QUALITIES[-1]}")
    pixels = np.concatenate([batch.pixels for batch in source.batches(256)])
    chosen, data = None, None
    if quality is None and source.resize is None and isinstance(source, EncodedSource):
        files = [bytes(source.content(i)) for i in range(COUNT)]
        if all(file.startswith(b"\xff\xd8\xff") for file in files):
            data = _archive(files)
    if data is None or len(data) >= max_bytes:
        chosen, data = (quality, _encode(pixels, quality)) if quality else _best(pixels, max_bytes)
    if len(data) >= max_bytes:
        raise GanbenchError(
            f"{source.label}: {len(data):,} bytes at JPEG quality {chosen}, and the limit is {max_bytes:,}. "
            f"{'Raise --max-bytes' if quality is None else 'Raise --max-bytes or lower --quality'}"
        )
    with atomic_write(out) as f:
        f.write(data)
    return Packed(Path(out), chosen, len(data))


def _best(pixels: np.ndarray, max_bytes: int) -> tuple[int, bytes]:
    """Return the highest quality below the limit, by bisection; sizes grow with quality."""
    low, high = 0, len(QUALITIES) - 1
    best = QUALITIES[0], _encode(pixels, QUALITIES[0])
    while low < high:
        middle = (low + high + 1) // 2
        data = _encode(pixels, QUALITIES[middle])
        if len(data) < max_bytes:
            low, best = middle, (QUALITIES[middle], data)
        else:
            high = middle - 1
    return best


def _encode(pixels: np.ndarray, quality: int) -> bytes:
    files = []
    for image in pixels:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True)
        files.append(buffer.getvalue())
    return _archive(files)


def _archive(files: list[bytes]) -> bytes:
    """Return a .tgz of files named 1.jpg, 2.jpg, ...; no time stamps, no owner: equal input gives equal bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for number, data in enumerate(files, 1):
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
