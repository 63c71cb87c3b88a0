"""From what is remembered of all images to what pairs of sources share: search, registration, groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.metrics.registration import alikeness
from ganbench.metrics.same import same_picture
from ganbench.overlap.groups import between_sources, groups_of, matched, shared_counts
from ganbench.overlap.looking import Seen
from ganbench.overlap.result import Pair, Shared
from ganbench.overlap.searching import candidates
from ganbench.overlap.verdicts import Verdicts, names_of
from ganbench.statistics.pixels import PixelSet
from ganbench.system.cluster import Died, Site, run_tasks
from ganbench.system.notes import Note
from ganbench.system.progress import track
from ganbench.system.tasks import Tell

LISTED = 200  # shared pictures named of a pair
LISTED_PAIRS = 1000  # pairs of which pictures are named
_CHUNK = 4096  # pairs registered in one task
_FEW = 32_768  # pairs that take less time than processes of their own take to start


@dataclass(frozen=True, eq=False)
class _Images:
    """All images of all sources, one after the other.

    Attributes:
        sources: number of the source of each, ascending, (n,) int64.
        places: position of each in what is known of its source, (n,) int64.
        first: the first image with the same pixels, (n,) int64.
        signatures: of each, (n, L) uint8.
    """

    sources: np.ndarray
    places: np.ndarray
    first: np.ndarray
    signatures: np.ndarray


def shared_by(seen: Sequence[Seen], labels: Sequence[str], site: Site, note: Note | None = None) -> list[Pair]:
    """Return the pairs of sources that share pictures, the largest share first.

    Args:
        seen: the sources; at least two.
        labels: of each.
        site: where the work is done.
        note: told where the cache cannot be used, in which searches and verdicts are kept; None: no cache.

    Raises:
        GanbenchError: a process that ended.
    """
    looked = [one.looked for one in seen]
    digests = np.concatenate([one.digests for one in looked])
    images = _Images(
        np.repeat(np.arange(len(looked)), [one.n for one in looked]),
        np.concatenate([np.arange(one.n) for one in looked]),
        PixelSet(digests).first,
        np.concatenate([one.signatures for one in looked]),
    )
    own = np.arange(len(images.first))
    one, other = candidates(looked, images.first == own, site, note)
    same = _judged(images.signatures, digests, one, other, site, None if note is None else Verdicts(note))
    ends = np.concatenate([images.first, one[same]]), np.concatenate([own, other[same]])
    return _pairs(seen, labels, images, groups_of(len(own), *ends))


def _judged(
    signatures: np.ndarray,
    digests: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    site: Site,
    verdicts: Verdicts | None,
) -> np.ndarray:
    """Tell which pairs of images show one picture, (m,) bool; those that are known are not looked at again."""
    if verdicts is None:
        return _register(signatures, one, other, site)
    names = names_of(digests, one, other)
    known, same = verdicts.of(names)
    new = np.flatnonzero(~known)
    if len(new):
        same[new] = _register(signatures, one[new], other[new], site)
        verdicts.keep(names, same)
    return same


def _register(signatures: np.ndarray, one: np.ndarray, other: np.ndarray, site: Site) -> np.ndarray:
    """Tell which pairs of images show one picture, (m,) bool."""
    same = np.zeros(len(one), bool)
    site = Site() if len(one) <= _FEW and site.cluster is None else site

    def tasks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(one), _CHUNK):
            part = slice(start, start + _CHUNK)
            yield signatures[one[part]], signatures[other[part]]

    with track("laying over each other", len(one), unit="pairs of images") as advance:
        ahead = None if site.cluster else 4 * site.jobs  # a cluster takes what it has room for
        for number, found in run_tasks(_are_same, tasks(), site, ahead=ahead):
            part = slice(number * _CHUNK, (number + 1) * _CHUNK)
            same[part] = _require(found)
            advance(len(same[part]))
    return same


def _are_same(pair: tuple[np.ndarray, np.ndarray], tell: Tell) -> np.ndarray:
    del tell
    return same_picture(*pair)


def _require(found: np.ndarray | Died) -> np.ndarray:
    if isinstance(found, Died):
        raise GanbenchError(f"images were not compared: {found.why}. Run it again; fewer --jobs leave more memory")
    return found


def _pairs(seen: Sequence[Seen], labels: Sequence[str], images: _Images, groups: np.ndarray) -> list[Pair]:
    """Return the pairs of sources that have images of one group, the largest share first."""
    linked = np.flatnonzero(between_sources(groups, images.sources))
    counts, equal = (shared_counts(of[linked], images.sources[linked], len(seen)) for of in (groups, images.first))
    held = np.split(linked, np.searchsorted(images.sources[linked], np.arange(1, len(seen))))
    sizes = np.array([one.looked.n for one in seen])
    a, b = np.nonzero(np.triu(counts))
    order = np.lexsort((b, a, -counts[a, b], -counts[a, b] / np.minimum(sizes[a], sizes[b])))
    found: list[Pair] = []
    for s, t in zip(a[order].tolist(), b[order].tolist(), strict=True):
        named: list[Shared] = []
        if len(found) < LISTED_PAIRS:
            named = _named(seen[s], seen[t], images, groups, held[s], held[t])
        found.append(
            Pair(
                labels[s], labels[t], int(counts[s, t]), int(equal[s, t]), int(sizes[s]), int(sizes[t]), tuple(named)
            )
        )  # fmt: skip
    return found


def _named(
    a: Seen, b: Seen, images: _Images, groups: np.ndarray, held_a: np.ndarray, held_b: np.ndarray
) -> list[Shared]:
    """Return the pictures that two sources share, equal ones first, then the most alike."""
    both = [pair for pair, _ in zip(matched(groups, images.first, held_a, held_b), range(LISTED), strict=False)]
    rows_a, rows_b = (np.array(side, np.int64) for side in zip(*both, strict=True))
    alike = alikeness(images.signatures[rows_a], images.signatures[rows_b])
    found = []
    for one, other, measured in zip(rows_a.tolist(), rows_b.tolist(), alike.tolist(), strict=True):
        at_a, at_b = (int(side.looked.index[images.places[row]]) for side, row in ((a, one), (b, other)))
        equal = bool(images.first[one] == images.first[other])
        found.append(Shared(a.names[at_a], b.names[at_b], equal, 1.0 if equal else measured, at_a, at_b))
    return sorted(found, key=lambda shared: (not shared.equal, -shared.alike))
