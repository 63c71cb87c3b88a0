"""What is remembered of the images of a source: enough to tell them in another one, and kept in a cache."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from ganbench.features.collect import collect_all
from ganbench.features.extractor import Extractor
from ganbench.features.observers import Elsewhere, Packed
from ganbench.features.registry import load_extractor, specify_extractor
from ganbench.features.spec import BuildOptions
from ganbench.images.batch import Batch
from ganbench.images.first_look import look_first
from ganbench.images.source import Source
from ganbench.scoring.plan import SAMPLE_CAP
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import LENGTH, SIGNATURE, signatures
from ganbench.system.cache import Cache
from ganbench.system.code import code_of
from ganbench.system.container import Content
from ganbench.system.notes import Note

EXTRACTOR = "lite0"
PIECE = SAMPLE_CAP  # images looked at together: so many features a scoring keeps too, and theirs are taken
_DIGEST = 32
_CACHE = Cache("overlap", "what is remembered of the images", 1 << 30)


@dataclass(frozen=True, eq=False)
class Looked:
    """What is remembered of some images.

    Attributes:
        index: positions in the source of those that could be read, (n,) int64.
        digests: SHA-256 of each one's pixels, (n, 32) uint8.
        codes: where each lies among others, (n, K) int8; see ``Projection``.
        signatures: of each, (n, L) uint8.
    """

    index: np.ndarray
    digests: np.ndarray
    codes: np.ndarray
    signatures: np.ndarray

    @classmethod
    def joined(cls, parts: list[Looked]) -> Looked:
        """Return what is remembered of several, one after the other; there is at least one."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.index)

    def at(self, start: int) -> Looked:
        """Return the same of a piece that begins at a position of the whole source."""
        return replace(self, index=self.index + start)


@dataclass
class _Tally:
    """Digests and signatures of images that come in order."""

    index: list[np.ndarray] = field(default_factory=list)
    digests: list[np.ndarray] = field(default_factory=list)
    signatures: list[np.ndarray] = field(default_factory=list)

    def pack(self) -> Packed:
        """Return all of them."""
        return {
            "index": np.concatenate([np.empty(0, np.int64), *self.index]),
            "digests": np.concatenate([np.empty((0, _DIGEST), np.uint8), *self.digests]),
            "signatures": np.concatenate([np.empty((0, LENGTH), np.uint8), *self.signatures]),
        }

    def take(self, packed: Packed) -> None:
        """Add what another one has packed."""
        for name, array in packed.items():
            getattr(self, name).append(array)


class _Consumer:
    """Looks at what needs no network."""

    def __init__(self) -> None:
        self.tally = _Tally()

    def add(self, batch: Batch) -> None:
        digests = np.frombuffer(bytes.fromhex("".join(batch.digests)), np.uint8).reshape(-1, _DIGEST)
        self.tally.take({"index": batch.indices, "digests": digests, "signatures": signatures(batch.pixels)})


class _Observer:
    """Sends ``_Consumer``."""

    identity = f"digests, {SIGNATURE}"

    def load(self, note: Note, first: Callable[[], None]) -> None:
        del note, first

    def consumer(self, loaded: None) -> _Consumer:
        del loaded
        return _Consumer()

    def tally(self) -> _Tally:
        return _Tally()


@dataclass(frozen=True)
class Eye:
    """How sources are looked at; it can be pickled.

    Attributes:
        projection: makes codes of features.
        device: where the network runs.
        cache: keep what is remembered, and take what is kept.
    """

    projection: Projection
    device: str
    cache: bool

    @property
    def protocol(self) -> str:
        """All that an answer depends on besides the images, in one line."""
        spec = specify_extractor(EXTRACTOR, self._options)
        return f"{spec.protocol}; axes {self.projection.identity()[:8]}; signatures {SIGNATURE}"

    @property
    def _options(self) -> BuildOptions:
        return BuildOptions(device=self.device)

    def look(self, source: Source, note: Note) -> Looked:
        """Look at a source of at most ``PIECE`` images.

        Raises:
            GanbenchError: images that cannot be read, or of different sizes.
        """
        known = self.known(source, note)
        if known is not None:
            return known
        spec = specify_extractor(EXTRACTOR, self._options)
        again = partial(_extractor, self._options, partial(look_first, source))
        features, tallies = collect_all(
            source,
            [Elsewhere(spec, again)],
            cap=SAMPLE_CAP,
            seed=0,
            what=source.label,
            cache=self.cache,
            others=[_Observer()],
            note=note,
        )
        seen = cast(_Tally, tallies[0]).pack()
        codes = self.projection.encode(features[spec.name].sample)
        found = Looked(seen["index"], seen["digests"], codes, seen["signatures"])
        if self.cache and not source.bad:
            self.keep(source, found, note)
        return found

    def known(self, source: Source, note: Note) -> Looked | None:
        """Return what is remembered of a source in the cache, or None.

        Raises:
            GanbenchError: a source that cannot be read.
        """
        return _CACHE.load(self._key(source), _parse, note) if self.cache else None

    def keep(self, source: Source, looked: Looked, note: Note) -> None:
        """Keep what is remembered of a source in the cache."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {one.name: getattr(looked, one.name) for one in fields(Looked)}
        np.savez(buffer, **arrays)
        _CACHE.keep(self._key(source), buffer.getbuffer(), note)

    def recall(self, content: str, note: Note) -> tuple[list[str], Looked] | None:
        """Return the names of a source's images and what is remembered of them, without opening it; None if unknown.

        Args:
            content: a hash of all that the source is, the same as ``recollect`` was given.
            note: told when there is a file that cannot be used.
        """
        known = _CACHE.load(self._key_of(content, _code()), _parse_names, note) if self.cache else None
        if known is None:
            return None
        looked = _CACHE.load(self._key_of(known[0]), _parse, note)
        return None if looked is None else (known[1], looked)

    def recollect(self, content: str, source: Source, note: Note) -> None:
        """Let ``recall`` find a source by its content, if all of its images are remembered."""
        if self.cache and not source.bad:
            known = json.dumps([source.digest(), list(source.names)])
            _CACHE.keep(self._key_of(content, _code()), known.encode(), note)

    def _key(self, source: Source) -> str:
        return self._key_of(source.digest())

    def _key_of(self, *content: str) -> str:
        spec = specify_extractor(EXTRACTOR, self._options)
        parts = (*content, spec.key(), self.projection.identity(), SIGNATURE)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


_loaded: dict[BuildOptions, Extractor] = {}


def _extractor(options: BuildOptions, look: Callable[[], None], *, note: Note, first: Callable[[], None]) -> Extractor:
    """Return the extractor, loaded once in this process; ``look`` is done before it is exported."""
    del first
    if options not in _loaded:
        _loaded[options] = load_extractor(EXTRACTOR, options, note=note, first=look)
    return _loaded[options]


@cache
def _code() -> str:
    """Return a hash of the code that decides which images of a file are read, and what they are called."""
    return code_of(Path(__file__).parents[1] / "images")


def _parse_names(content: Content) -> tuple[str, list[str]]:
    digest, names = json.loads(bytes(content.payload))
    return digest, names


def _parse(content: Content) -> Looked:
    with np.load(io.BytesIO(content.payload), allow_pickle=False) as file:
        found = Looked(*(file[one.name] for one in fields(Looked)))
    if {len(getattr(found, one.name)) for one in fields(Looked)} != {found.n}:
        raise ValueError("arrays that do not fit together")
    return found
