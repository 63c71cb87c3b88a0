"""Which images of different sources may show one picture: near ones by features, and by looks, mirrored or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.metrics.same import coarse_codes
from ganbench.overlap.earlier import Earlier
from ganbench.overlap.looked import Looked
from ganbench.overlap.nearest import Blocks, merged, nothing, unpack
from ganbench.statistics.signatures import mirrored
from ganbench.system.cluster import Died, Site, run_tasks
from ganbench.system.notes import Note
from ganbench.system.progress import track
from ganbench.system.tasks import Tell

LEAST, MOST = 4, 16  # images of other sources that every image is laid over, by features
_LAID = 1_200_000  # pairs of images that are laid over each other, about: minutes of work
_LOOKS = 4  # for so many of those by features, one by its coarse look, and one by that mirrored ...
_THOROUGH = 150_000  # ... where no more images than these are compared: the looks take as long again
_STRIPES = 32  # tasks of the search where more than one runs at a time
_FEW = 400  # pairs of blocks that take less time than processes of their own take to start


def tried(images: int) -> tuple[int, int]:
    """Return over how many images of other sources each of so many is laid: by features, and by looks, twice."""
    nearest = min(MOST, max(LEAST, _LAID // max(1, images)))
    return nearest, nearest // _LOOKS if images <= _THOROUGH else 0


def candidates(
    looked: Sequence[Looked], chosen: np.ndarray, site: Site, note: Note | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of images of different sources that may show one picture.

    Args:
        looked: the sources; rows count over all of their images.
        chosen: which images are compared, (n,) bool.
        site: where the work is done.
        note: told where the cache cannot be used, which keeps a search for one that adds sources; None: no cache.

    Returns:
        Rows of the one and of the other, (m,) each.

    Raises:
        GanbenchError: a process that ended.
    """
    sources = np.repeat(np.arange(len(looked)), [one.n for one in looked])
    codes, signatures = (np.concatenate([getattr(one, name) for one in looked]) for name in ("codes", "signatures"))
    nearest, by_looks = tried(len(codes))
    blocks = Blocks.of(codes, sources, chosen)
    settings = (nearest, by_looks, blocks.depth(nearest), blocks.depth(by_looks))
    earlier = None if note is None else Earlier(looked, chosen, settings, note)
    known = None if earlier is None else earlier.known()
    counts = [nearest, by_looks, by_looks] if by_looks else [nearest]
    best = [nothing(len(codes), k) for k in counts] if known is None else known.best
    fresh = None if known is None else known.fresh
    if fresh is None or fresh:
        cut = partial(Blocks.of, sources=sources, chosen=chosen, fresh=fresh)
        searches = [cut(codes)]
        if by_looks:
            looks, turned = coarse_codes(signatures), coarse_codes(mirrored(signatures))
            searches += [cut(looks, turned=asked) for asked in (looks, turned)]
        _search(list(zip(searches, counts, strict=True)), best, site)
        if earlier is not None:
            earlier.keep(best)
    # One number for a pair, the lower row in front: sorted several times faster than two columns, and than np.unique,
    # which hashes.
    pairs = np.sort(np.concatenate([(low << 32) | high for low, high, _ in map(unpack, best)]))
    pairs = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))]
    return pairs >> 32, pairs & 0xFFFFFFFF


def _search(searches: list[tuple[Blocks, int]], best: list[np.ndarray], site: Site) -> None:
    """Put into each of ``best`` what is nearer."""
    total = sum(blocks.tiles(first) for blocks, _ in searches for first in range(len(blocks.rows)))
    site = Site() if total <= _FEW and site.cluster is None else site
    tasks: list[tuple[int, range]] = []
    for number, (blocks, _) in enumerate(searches):
        count = len(blocks.rows)
        stripes = min(count, 1 if site.jobs == 1 and site.cluster is None else _STRIPES)
        # Every n-th block: the first ones have the most to do.
        tasks += [(number, range(stripe, count, stripes)) for stripe in range(stripes)]
    with track("comparing", total, unit="pairs of blocks") as advance:

        def hear(task: int, done: object) -> None:
            del task
            advance(cast(int, done))

        for task, found in run_tasks(partial(_stripe, searches), tasks, site, hear=hear):
            number = tasks[task][0]
            if isinstance(found, Died):
                raise GanbenchError(
                    f"images were not compared: {found.why}. Run it again; fewer --jobs leave more memory"
                )
            best[number] = merged(best[number], found)


def _stripe(searches: list[tuple[Blocks, int]], task: tuple[int, range], tell: Tell) -> np.ndarray:
    number, firsts = task
    blocks, k = searches[number]
    return blocks.nearest(firsts, k, tell)
