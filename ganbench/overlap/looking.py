"""Looking at all sources, here or elsewhere: one that cannot be read costs the others nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.features.collect import needs_of
from ganbench.images.batch import BadImage
from ganbench.images.source import Piece, Source
from ganbench.overlap.looked import PIECE, Eye, Looked
from ganbench.system.cluster import Died, Site, executor
from ganbench.system.memory import VARIABLE, budget
from ganbench.system.notes import Note, once
from ganbench.system.progress import track
from ganbench.system.tasks import Tell

_PER_IMAGE = 1200  # bytes at most that all steps together hold of an image


@dataclass(frozen=True, eq=False)
class Seen:
    """A source that was looked at.

    Attributes:
        number: which of those given it is, from 0.
        names: of all its images.
        looked: what is remembered of those that could be read.
    """

    number: int
    names: Sequence[str]
    looked: Looked


@dataclass(frozen=True)
class _Part:
    """What came of one piece of a source."""

    looked: Looked
    bad: list[BadImage]
    notes: list[str]


@dataclass
class _Whole:
    """A source that is being looked at, and what came of its pieces by their place."""

    number: int
    source: Source
    pieces: int
    found: dict[int, _Part | GanbenchError] = field(default_factory=dict)


@dataclass(eq=False)
class _Outcome:
    """What became of the sources: those that were looked at, and why others could not be."""

    labels: Sequence[str]
    contents: Sequence[str]
    eye: Eye
    note: Note
    advance: Callable[[int], None]
    seen: list[Seen] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)

    def fail(self, number: int, why: str) -> None:
        """Take it that a source cannot be read."""
        self.failed[number] = why
        self.advance(1)

    def recall(self, number: int) -> int:
        """Take over what was seen of a source before; returns of how many images that is, 0: of none."""
        found = self.eye.recall(self.contents[number], self.note) if self.contents else None
        if found is None:
            return 0
        self.seen.append(Seen(number, *found))
        self.advance(1)
        return found[1].n

    def hear(self, whole: _Whole, place: int, part: _Part | GanbenchError) -> None:
        """Take what came of a piece; with the last one its source is done."""
        whole.found[place] = part
        if len(whole.found) < whole.pieces:
            return
        try:
            one = _put_together(whole, self.labels[whole.number], self.note)
            if self.contents and whole.pieces == 1 and not whole.source.notes:
                self.eye.recollect(self.contents[whole.number], whole.source, self.note)
            self.seen.append(one)
            self.advance(1)
        except GanbenchError as e:
            self.fail(whole.number, str(e))
        del whole.source, whole.found


class _Feed:
    """Opens one source after the other as there is room for their pieces, and hands out those that are not known."""

    def __init__(
        self,
        given: Sequence[Any],
        opened: Callable[[Any], Source],
        known: Callable[[Piece], _Part | None],
        outcome: _Outcome,
    ) -> None:
        self._given, self._open, self._known, self._outcome = given, opened, known, outcome
        self._images = 0
        self.handed: list[tuple[_Whole, int]] = []  # of every piece that was handed out, its source and place

    def pieces(self) -> Iterator[Piece]:
        """Yield all pieces of all sources that somebody has to look at."""
        for number, one in enumerate(self._given):
            if count := self._outcome.recall(number):
                self._images += count
                self._refuse_too_many(number)
                continue
            try:
                source = self._open(one)
                cut = source.pieces(PIECE)
            except GanbenchError as e:
                self._outcome.fail(number, str(e))
                continue
            self._images += len(source)
            self._refuse_too_many(number)
            whole = _Whole(number, source, len(cut))
            for place, piece in enumerate(cut):
                part = self._known(piece)
                if part is not None:
                    self._outcome.hear(whole, place, part)
                    continue
                self.handed.append((whole, place))
                yield piece

    def _refuse_too_many(self, number: int) -> None:
        if self._images * _PER_IMAGE > budget():
            raise GanbenchError(
                f"{self._images:,} images up to {self._outcome.labels[number]} are more than {budget() >> 20:,} MiB "
                f"hold. Compare fewer (--limit), or allow more: {VARIABLE}=8G"
            )


def look_at_all(
    given: Sequence[Any],
    labels: Sequence[str],
    opened: Callable[[Any], Source],
    eye: Eye,
    site: Site,
    note: Note,
    contents: Sequence[str] = (),
) -> tuple[list[Seen], dict[int, str]]:
    """Look at sources.

    Args:
        given: what ``opened`` takes.
        labels: of each.
        opened: opens one.
        eye: looks at them.
        site: where.
        note: told in one line what a reader must know.
        contents: of each, a hash of all that it is: what was looked at before need not be opened. Empty: not known.

    Returns:
        Those that could be read, in the order given, and of the others the reason, by their number.

    Raises:
        GanbenchError: more images than there is memory for.
    """
    with track("looking at images", len(given), unit="sources") as advance:
        outcome = _Outcome(labels, contents, eye, once(note), advance)
        # Nodes of a cluster have caches, and ways to a store, of their own.
        known = partial(_known, eye) if site.cluster is None else _nothing
        feed = _Feed(given, opened, known, outcome)
        ahead = None if site.cluster else 4 * site.jobs  # a cluster takes what it has room for
        with executor(partial(_look, eye), site, needs_of(site, eye.device), ahead=ahead) as crew:
            for task, result in crew.run(feed.pieces()):
                outcome.hear(*feed.handed[task], GanbenchError(result.why) if isinstance(result, Died) else result)
    return sorted(outcome.seen, key=lambda one: one.number), outcome.failed


def _put_together(whole: _Whole, label: str, note: Note) -> Seen:
    """Return what came of all pieces of a source, and note what a reader must know of it.

    Raises:
        GanbenchError: the first of them of which nothing came, or more images that cannot be read than are allowed.
    """
    parts: list[_Part] = []
    for _, part in sorted(whole.found.items()):
        if isinstance(part, GanbenchError):
            raise part
        parts.append(part)
    whole.source.settle([bad for part in parts for bad in part.bad])
    for text in (*whole.source.notes, *(text for part in parts for text in part.notes)):
        note(f"{label}: {text}")
    if whole.source.bad:
        note(f"{label}: left out as unreadable: {', '.join(bad.name for bad in whole.source.bad)}")
    return Seen(whole.number, whole.source.names, Looked.joined([part.looked for part in parts]))


def _known(eye: Eye, piece: Piece) -> _Part | None:
    """Return what is remembered of a piece; where it cannot be read, whoever looks at it says so."""
    notes: list[str] = []
    try:
        source = piece.open()
        looked = eye.known(source, notes.append)
    except GanbenchError:
        return None
    return None if looked is None else _Part(looked.at(piece.start), source.bad, notes)


def _nothing(piece: Piece) -> None:
    del piece


def _look(eye: Eye, piece: Piece, tell: Tell) -> _Part | GanbenchError:
    """Look at a piece; an error is returned, for whoever puts the source together."""
    del tell
    notes: list[str] = []
    try:
        source = piece.open()
        looked = eye.look(source, notes.append)
    except GanbenchError as e:
        return e
    return _Part(looked.at(piece.start), source.bad, notes)
