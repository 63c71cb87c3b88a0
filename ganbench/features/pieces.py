"""A source looked at in pieces: each is read where there is room for it, and what was seen is merged in order.

What is seen of a piece depends on the piece alone, not on who reads it, beside what, or when: pieces are of ``CHUNK``
images each, batches are cut alike in all of them, and networks compute with as many threads as in one process.
"""

from __future__ import annotations

import hashlib
import io
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.features.observers import Consumer, Observer, Packed, Tally
from ganbench.images.batch import BadImage
from ganbench.images.first_look import look_first
from ganbench.images.flood import Flood
from ganbench.images.source import Piece, Source
from ganbench.statistics.moments import CHUNK
from ganbench.system.cache import Cache
from ganbench.system.cluster import Died, Needs, Site, executor, merged_in_order
from ganbench.system.container import Content
from ganbench.system.memory import budget
from ganbench.system.notes import Note, once
from ganbench.system.progress import track
from ganbench.system.tasks import Tell

_CACHE = Cache("pieces", "what was seen of a piece of the images", 8 << 30)
_FLOOD = "flood"  # beside what was packed: pixels and stored bytes, which count for the whole source


@dataclass(frozen=True)
class _Job:
    """What is done with every piece.

    Attributes:
        observers: look at it.
        batch: images that are decoded, and perhaps computed, together.
        threads: of PyTorch, whose sums depend on their number; 0 where it is not used.
        cache: keep what was seen.
        run: a name of its own, which no other work has.
    """

    observers: tuple[Observer, ...]
    batch: int
    threads: int
    cache: bool
    run: str


@dataclass(frozen=True)
class _Seen:
    """What was seen of a piece.

    Attributes:
        hashes: of what is stored, 32 bytes an image.
        bad: images that cannot be read.
        flood: pixels that it unpacked to, and bytes that they came from.
        packed: of each observer.
        notes: what a person should know of how it was done.
    """

    hashes: bytes
    bad: list[BadImage]
    flood: tuple[int, int]
    packed: list[Packed]
    notes: list[str]


def look_in_pieces(
    source: Source,
    observers: Sequence[Observer],
    *,
    site: Site,
    needs: Needs | None,
    batch: int,
    what: str,
    cache: bool,
    note: Note,
) -> list[Tally]:
    """Show a source to observers, piece by piece; return what each has seen.

    Args:
        source: the images; it learns their hashes and which cannot be read.
        observers: what looks at them.
        site: where.
        needs: what one process takes.
        batch: images per batch.
        what: shown beside the progress.
        cache: reuse what was seen before, and keep what is seen: work that was interrupted goes on where it was.
        note: told once what a person should know.

    Raises:
        GanbenchError: bad images, what an observer raises, or a process that ended.
    """
    pieces = source.pieces(CHUNK)
    whole = _Whole(source, [observer.tally() for observer in observers], note)
    job = _Job(tuple(observers), source.batch_size(batch), _torch_threads(), cache, uuid.uuid4().hex)
    told: Counter[int] = Counter()
    with (
        track(what, len(source), unit="images") as advance,
        executor(
            partial(_look_at, job), site, needs, ahead=_ahead(site, whole.tallies), apart=True, again=True
        ) as crew,
    ):

        def hear(number: int, count: object) -> None:
            told[number] += cast(int, count)
            advance(cast(int, count))

        seen_in_order = merged_in_order(crew.run(pieces, hear))
        for number, (piece, seen) in enumerate(zip(pieces, seen_in_order, strict=True)):
            whole.take(piece, _require(seen, source, piece))
            advance(piece.count - told.pop(number, 0))
            if source.has_too_many(whole.bad):
                break
    source.settle(whole.bad)
    return whole.tallies


class _Whole:
    """What was seen of the pieces so far, in their order."""

    def __init__(self, source: Source, tallies: list[Tally], note: Note) -> None:
        self.tallies = tallies
        self.bad: list[BadImage] = []
        self._source = source
        self._note = once(note)
        self._flood = Flood(source.label)  # the pieces count for themselves alone

    def take(self, piece: Piece, seen: _Seen) -> None:
        """Take in what was seen of the next piece.

        Raises:
            SourceError: all so far are many pixels in few bytes.
        """
        for tally, packed in zip(self.tallies, seen.packed, strict=True):
            tally.take(packed)
        self._source.learn(piece.start, seen.hashes)
        self._flood.add(*seen.flood)
        self.bad += seen.bad
        for text in seen.notes:
            self._note(text)


def _require(seen: Any, source: Source, piece: Piece) -> _Seen:
    """Return what was seen.

    Raises:
        GanbenchError: nothing was, as the process ended or met an error.
    """
    if isinstance(seen, GanbenchError):
        raise seen
    if isinstance(seen, Died):
        which = f"images {piece.start + 1:,} to {piece.start + piece.count:,}"
        raise GanbenchError(
            f"{source.label}: {which} were not looked at: {seen.why}. "
            "Run it again: what is done is kept. Fewer --jobs leave more memory to each"
        )
    return cast(_Seen, seen)


def _ahead(site: Site, tallies: Sequence[Tally]) -> int:
    """Return how many pieces may be under way or wait for their turn: half the memory budget's worth of them."""
    if site.cluster is None:
        return 2 * site.jobs
    each = sum(array.nbytes for tally in tallies for array in tally.pack().values())
    return max(4, budget() // 2 // max(each, 1))


def _torch_threads() -> int:
    torch: Any = sys.modules.get("torch")
    return torch.get_num_threads() if torch is not None else 0


def _look_at(job: _Job, piece: Piece, tell: Tell) -> _Seen | GanbenchError:
    """Look at a piece; an error is returned, so that the first one in the order of the images is the one raised."""
    try:
        return _see(job, piece, tell)
    except GanbenchError as e:
        return e


def _see(job: _Job, piece: Piece, tell: Tell) -> _Seen:
    source = piece.open()
    notes: list[str] = []
    digest = source.digest() if job.cache else ""
    height, width = source.image_size()  # of the whole: a piece of another size is no piece of it
    known = f"{digest}\n{height}x{width}\n{piece.start}\n{job.batch}\n"
    keys = [hashlib.sha256(f"{known}{observer.identity}".encode()).hexdigest() for observer in job.observers]
    packed = [_CACHE.load(key, _parse, notes.append) if job.cache else None for key in keys]
    missing = [number for number, one in enumerate(packed) if one is None]
    if missing:
        consumers = [_consumer(job, number, source, notes) for number in missing]
        with closing(source.batches(job.batch)) as batches:
            for batch in batches:
                moved = replace(batch, indices=batch.indices + piece.start)
                for consumer in consumers:
                    consumer.add(moved)
                tell(len(batch.names))
        flood = np.array(source.unpacked, np.int64)
        for number, consumer in zip(missing, consumers, strict=True):
            made = consumer.tally.pack() | {_FLOOD: flood}
            packed[number] = made
            if job.cache and not source.bad:
                _keep(keys[number], made, notes.append)
    whole = [one for one in packed if one is not None]
    pixels, stored = (int(number) for number in whole[0][_FLOOD])
    for one in whole:
        one.pop(_FLOOD)
    return _Seen(bytes(source.hashes()), source.bad, (pixels, stored), whole, notes)


class _Loaded(threading.local):
    """What is loaded in this process for one run, and what was said of it: once, however many pieces it looks at."""

    run = ""
    found: dict[int, tuple[Any, list[str]]]

    def of(self, job: _Job, number: int, source: Source) -> tuple[Any, list[str]]:
        if self.run != job.run:  # a process of a cluster may serve one run after the other
            self.run, self.found = job.run, {}
        if number not in self.found:
            said: list[str] = []
            self.found[number] = job.observers[number].load(said.append, partial(look_first, source)), said
        return self.found[number]


_loaded = _Loaded()


def _consumer(job: _Job, number: int, source: Source, notes: list[str]) -> Consumer:
    found, said = _loaded.of(job, number, source)
    notes += said
    torch: Any = sys.modules.get("torch")
    if torch is not None and job.threads and torch.get_num_threads() != job.threads:
        torch.set_num_threads(job.threads)
    return job.observers[number].consumer(found)


def _keep(key: str, packed: Packed, note: Note) -> None:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = dict(packed)
    np.savez(buffer, **arrays)
    _CACHE.keep(key, buffer.getbuffer(), note)


def _parse(content: Content) -> Packed:
    with np.load(io.BytesIO(content.payload), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
