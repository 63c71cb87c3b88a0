"""The search of the last comparison, so that where sources join the same ones only theirs is done."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.overlap.looked import Looked
from ganbench.overlap.nearest import NONE, moved
from ganbench.system.cache import Cache
from ganbench.system.code import code_of
from ganbench.system.container import Content
from ganbench.system.notes import Note

_CACHE = Cache("searches", "which images of submissions are near each other", 1 << 28)
_LARGEST = 1 << 27  # bytes that are kept of one search
_HASH = 32


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a search from an earlier one.

    Attributes:
        best: of each kind of search, the keys of the nearest images among sources that were there before, (n, k) int64.
        fresh: numbers of the sources that were not.
    """

    best: list[np.ndarray]
    fresh: frozenset[int]


@dataclass(frozen=True, eq=False)
class _Kept:
    """One earlier search: hashes and sizes of its sources, the images that were compared, and their nearest ones."""

    hashes: np.ndarray
    sizes: np.ndarray
    chosen: np.ndarray
    best: list[np.ndarray]


class Earlier:
    """The last search of one kind.

    What is near an image among some sources does not depend on the others, as long as the same images are compared; so
    an earlier search serves wherever its sources are all there, in their order, and none of their images is left out
    now that was compared then, or the other way round.
    """

    def __init__(self, looked: Sequence[Looked], chosen: np.ndarray, settings: Sequence[int], note: Note) -> None:
        """Say what is searched.

        Args:
            looked: the sources.
            chosen: which of all images are compared, (n,) bool.
            settings: whatever else the result depends on, numbers.
            note: told where what was kept cannot be used.
        """
        self._looked, self._chosen, self._note = looked, chosen, note
        code = code_of(Path(__file__).parent)
        self._key = hashlib.sha256(f"{list(settings)} {code}".encode()).hexdigest()
        self._hashes = np.stack([_hash(one) for one in looked])

    def known(self) -> Known | None:
        """Return what the earlier search found, in the rows of this one; None where it does not serve."""
        kept = _CACHE.load(self._key, _parse, self._note)
        if kept is None:
            return None
        places = _places(self._hashes, kept.hashes)
        if places is None:
            return None
        starts = np.cumsum([0, *(one.n for one in self._looked)])
        rows = np.concatenate(
            [starts[place] + np.arange(size) for place, size in zip(places, kept.sizes.tolist(), strict=True)]
        )
        if not np.array_equal(self._chosen[rows], kept.chosen):
            return None
        best = []
        for old in kept.best:
            new = np.full((int(starts[-1]), old.shape[1]), NONE)
            new[rows] = moved(old, rows)
            best.append(new)
        return Known(best, frozenset(range(len(self._looked))) - frozenset(places))

    def keep(self, best: Sequence[np.ndarray]) -> None:
        """Keep this search in place of the earlier one."""
        if sum(one.nbytes for one in best) > _LARGEST:
            return
        sizes = np.array([one.n for one in self._looked], np.int64)
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {f"best{number}": one for number, one in enumerate(best)}
        np.savez(buffer, hashes=self._hashes, sizes=sizes, chosen=self._chosen, **arrays)
        _CACHE.keep(self._key, buffer.getbuffer(), self._note)


def _hash(looked: Looked) -> np.ndarray:
    digest = hashlib.sha256()
    for array in (looked.digests, looked.codes, looked.signatures):
        digest.update(np.ascontiguousarray(array).data)
    return np.frombuffer(digest.digest(), np.uint8)


def _places(hashes: np.ndarray, before: np.ndarray) -> list[int] | None:
    """Return where the sources of before are among those of now, in their order; None if they are not all there."""
    now = [one.tobytes() for one in hashes]
    places: list[int] = []
    start = 0
    for one in before:
        try:
            place = now.index(one.tobytes(), start)
        except ValueError:
            return None
        places.append(place)
        start = place + 1
    return places


def _parse(content: Content) -> _Kept:
    with np.load(io.BytesIO(content.payload), allow_pickle=False) as file:
        best = [file[f"best{number}"] for number in range(len(file.files) - 3)]
        kept = _Kept(file["hashes"], file["sizes"], file["chosen"], best)
    n = int(kept.sizes.sum())
    if kept.hashes.shape != (len(kept.sizes), _HASH) or kept.chosen.shape != (n,) or kept.chosen.dtype != bool:
        raise ValueError("arrays that do not fit together")
    if any(one.ndim != 2 or len(one) != n or one.dtype != np.int64 for one in best):
        raise ValueError("keys of another number of images")
    return kept
