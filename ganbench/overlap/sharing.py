"""From what is remembered of all images to what pairs of sources share: search, registration, groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.metrics.registration import SAME, alikeness
from ganbench.overlap.groups import between_sources, groups_of, matched, shared_counts
from ganbench.overlap.looking import Seen
from ganbench.overlap.nearest import Blocks, merged, nothing, unpack
from ganbench.overlap.result import Pair, Shared
from ganbench.overlap.screen import passes
from ganbench.statistics.pixels import PixelSet
from ganbench.system.cluster import Died, Site, run_tasks
from ganbench.system.progress import track
from ganbench.system.tasks import Tell

NEAREST = 4  # images of other sources that every image is laid over, at least
LISTED = 200  # shared pictures named of a pair
LISTED_PAIRS = 1000  # pairs of which pictures are named
_STRIPES = 32  # tasks of the search where more than one runs at a time
_CHUNK = 4096  # pairs registered in one task


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


def shared_by(seen: Sequence[Seen], labels: Sequence[str], site: Site) -> list[Pair]:
    """Return the pairs of sources that share pictures, the largest share first.

    Args:
        seen: the sources; at least two.
        labels: of each.
        site: where the work is done.

    Raises:
        GanbenchError: a process that ended.
    """
    looked = [one.looked for one in seen]
    images = _Images(
        np.repeat(np.arange(len(looked)), [one.n for one in looked]),
        np.concatenate([np.arange(one.n) for one in looked]),
        PixelSet(np.concatenate([one.digests for one in looked])).first,
        np.concatenate([one.signatures for one in looked]),
    )
    own = np.arange(len(images.first))
    codes = np.concatenate([one.codes for one in looked])
    one, other = _candidates(Blocks.of(codes, images.sources, images.first == own), site)
    same = _register(images.signatures, one, other, site)
    ends = np.concatenate([images.first, one[same]]), np.concatenate([own, other[same]])
    return _pairs(seen, labels, images, groups_of(len(own), *ends))


def _candidates(blocks: Blocks, site: Site) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of images of different sources that may show one picture: rows of the one, and of the other."""
    count = len(blocks.rows)
    stripes = min(count, 1 if site.jobs == 1 and site.cluster is None else _STRIPES)
    tasks = [range(stripe, count, stripes) for stripe in range(stripes)]  # every n-th: the first have the most to do
    best = nothing(len(blocks.codes), NEAREST)
    with track("comparing", sum(map(blocks.tiles, range(count))), unit="pairs of blocks") as advance:

        def hear(number: int, done: object) -> None:
            del number
            advance(cast(int, done))

        for _, found in run_tasks(partial(_stripe, blocks), tasks, site, hear=hear):
            best = merged(best, _require(found))
    one, other, _ = unpack(best)
    return one, other


def _stripe(blocks: Blocks, firsts: range, tell: Tell) -> np.ndarray:
    return blocks.nearest(firsts, NEAREST, tell)


def _register(signatures: np.ndarray, one: np.ndarray, other: np.ndarray, site: Site) -> np.ndarray:
    """Tell which pairs of images show one picture, (m,) bool."""
    same = np.zeros(len(one), bool)

    def tasks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(one), _CHUNK):
            part = slice(start, start + _CHUNK)
            yield signatures[one[part]], signatures[other[part]]

    with track("laying over each other", len(one), unit="pairs of images") as advance:
        for number, found in run_tasks(_are_same, tasks(), site, ahead=4 * site.jobs):
            part = slice(number * _CHUNK, (number + 1) * _CHUNK)
            same[part] = _require(found)
            advance(len(same[part]))
    return same


def _are_same(pair: tuple[np.ndarray, np.ndarray], tell: Tell) -> np.ndarray:
    del tell
    a, b = pair
    same = passes(a, b)
    same[same] = alikeness(a[same], b[same]) >= SAME
    return same


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
