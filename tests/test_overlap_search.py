"""The search for images that sources share: nearest neighbours, groups, counts, and what is kept of it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from overlap_pictures import blobs_of_colour

from ganbench.metrics.same import coarse_codes
from ganbench.overlap.groups import between_sources, groups_of, matched, shared_counts
from ganbench.overlap.looked import Looked
from ganbench.overlap.nearest import Blocks, merged, nothing, unpack
from ganbench.overlap.searching import candidates, tried
from ganbench.overlap.verdicts import Verdicts, names_of
from ganbench.statistics.signatures import LENGTH, mirrored, signatures
from ganbench.system.cluster import Site

# --- the search ---


@pytest.mark.parametrize(("block", "k", "depth"), [(7, 3, 1), (1024, 3, 1), (1024, 8, 2), (7, 11, 3)])
def test_the_nearest_of_every_block_are_those_of_brute_force(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int, k: int, depth: int
) -> None:
    monkeypatch.setattr("ganbench.overlap.nearest.BLOCK", block)
    sizes = (20, 9, 14, 1, 30)
    sources = np.repeat(np.arange(len(sizes)), sizes)
    codes = rng.integers(-3, 4, (sum(sizes), 5)).astype(np.int8)  # small numbers: many equal distances
    chosen = rng.random(len(codes)) < 0.8
    blocks = Blocks.of(codes, sources, chosen)
    assert sorted(np.concatenate(blocks.rows)) == np.flatnonzero(chosen).tolist()
    told: list[int] = []
    best = blocks.nearest(range(len(blocks.rows)), k, told.append)
    assert sum(told) == sum(map(blocks.tiles, range(len(blocks.rows))))
    squared = ((codes[:, None].astype(int) - codes[None]) ** 2).sum(-1)
    for image in range(len(codes)):
        near = [
            one
            for rows, owner in zip(blocks.rows, blocks.owners, strict=True)
            for one in sorted((squared[image, j], j) for j in rows)[:depth]
            if owner != sources[image]
        ]
        found = [(key >> 32, key & 0xFFFFFFFF) for key in best[image].tolist() if key != np.iinfo(np.int64).max]
        assert sorted(found) == (sorted(near)[:k] if chosen[image] else [])
    parts = [blocks.nearest(range(start, len(blocks.rows), 2), k, told.append) for start in (0, 1)]
    both = merged(merged(nothing(len(codes), k), parts[1]), parts[0])
    assert np.array_equal(np.sort(both), np.sort(best))  # however the work is cut


def test_pairs_come_once_and_the_lower_row_first() -> None:
    keys = nothing(4, 2)
    keys[0] = (9 << 32) | 3, (4 << 32) | 2
    keys[3, 0] = (9 << 32) | 0
    low, high, squared = unpack(keys)
    assert list(zip(low.tolist(), high.tolist(), squared.tolist(), strict=True)) == [(0, 2, 4), (0, 3, 9)]
    assert all(not len(part) for part in unpack(nothing(3, 2)))


def test_the_longest_codes_are_far_apart_to_the_last_bit() -> None:
    codes = np.stack([np.full(128, 127), np.full(128, -127), np.full(128, 126)]).astype(np.int8)
    best = Blocks.of(codes, np.arange(3), np.ones(3, bool)).nearest(range(3), 2, lambda done: None)
    assert sorted((best[1] >> 32).tolist()) == [128 * 253**2, 128 * 254**2]


def test_mirrored_pictures_are_nearest_to_what_they_mirror(rng: np.random.Generator) -> None:
    seen = signatures(blobs_of_colour(4, 12))
    mirrors = signatures(np.ascontiguousarray(blobs_of_colour(4, 12)[:, :, ::-1]))
    both = np.concatenate([seen, mirrors])
    codes, turned = coarse_codes(both), coarse_codes(mirrored(both))
    for k in (1, 3):
        blocks = Blocks.of(codes, np.repeat([0, 1], 12), np.ones(24, bool), turned)
        nearest = blocks.nearest(range(2), k, lambda done: None).min(axis=1)
        assert (nearest & 0xFFFFFFFF).tolist() == [*range(12, 24), *range(12)]
        assert (nearest >> 32).max() < 50  # of 2 * 127 ** 2 between pictures that have nothing in common
    flat = coarse_codes(signatures(np.full((1, 20, 20, 3), 7, np.uint8)))
    assert flat.tolist() == [[0] * 64]


# --- groups ---


def test_links_make_groups_also_through_others() -> None:
    groups = groups_of(6, np.array([0, 1, 4]), np.array([1, 2, 4]))
    assert len(set(groups[:3])) == 1
    assert len(set(groups.tolist())) == 4
    assert between_sources(groups, np.array([0, 1, 1, 2, 2, 2])).tolist() == [True] * 3 + [False] * 3
    assert not len(groups_of(0, np.empty(0, int), np.empty(0, int)))


def test_shared_pictures_are_counted_as_often_as_both_hold_them(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.overlap.groups._GROUPS", 4)
    sources = np.sort(rng.integers(0, 5, 200))
    groups, first = rng.integers(0, 30, 200) * 7, np.arange(200)
    first[50:60] = first[0]
    counts = shared_counts(groups, sources, 5)
    for s, t in itertools.combinations(range(5), 2):
        a, b = np.flatnonzero(sources == s), np.flatnonzero(sources == t)
        held_a, held_b = Counter(groups[a].tolist()), Counter(groups[b].tolist())
        assert counts[s, t] == counts[t, s] == sum((held_a & held_b).values())
        pairs = list(matched(groups, np.arange(200), a, b))
        assert len(pairs) == counts[s, t]
        assert len({x for x, _ in pairs}) == len({y for _, y in pairs}) == len(pairs)
        assert all(groups[x] == groups[y] for x, y in pairs)
    assert not counts.diagonal().any()


def test_equal_pixels_are_matched_before_what_is_only_alike() -> None:
    groups, first = np.zeros(4, int), np.array([0, 1, 2, 0])
    assert list(matched(groups, first, np.array([0, 1]), np.array([2, 3]))) == [(0, 3), (1, 2)]


def test_the_more_images_the_fewer_each_is_laid_over() -> None:
    assert [tried(n) for n in (0, 2_000, 100_000, 150_000, 300_000)] == [(16, 4), (16, 4), (12, 3), (8, 2), (4, 0)]


# --- what is kept ---


@pytest.mark.parametrize("mirror", [True, False])
def test_a_source_that_joins_is_searched_alone_and_the_result_is_that_of_a_whole_search(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, mirror: bool
) -> None:
    monkeypatch.setattr("ganbench.overlap.searching._THOROUGH", 1000 if mirror else 0)
    monkeypatch.setattr("ganbench.overlap.searching.MOST", 5)
    monkeypatch.setattr("ganbench.overlap.nearest.BLOCK", 6)

    def looked(n: int) -> Looked:
        shapes = ((n, 32), (n, 4), (n, LENGTH))
        digests, codes, marks = (rng.integers(0, 256 if k else 200, shape) for k, shape in enumerate(shapes))
        return Looked(np.arange(n), digests.astype(np.uint8), (codes % 7).astype(np.int8), marks.astype(np.uint8))

    def pairs(sources: list[Looked], note: Callable[[str], None] | None) -> list[list[int]]:
        chosen = np.ones(sum(one.n for one in sources), bool)
        return np.stack(candidates(sources, chosen, Site(), note)).tolist()

    said: list[str] = []
    tiles = count_tiles(monkeypatch)
    before = [looked(n) for n in (14, 9, 20, 8, 11, 7, 10)]
    assert pairs(before, said.append) == pairs(before, None)
    tiles.clear()
    assert pairs(before, said.append) == pairs(before, None)  # nothing is new
    whole = sum(tiles)
    tiles.clear()
    after = [*before[:3], looked(12), *before[3:]]
    found = pairs(after, said.append)
    late = sum(tiles)
    assert found == pairs(after, None)
    assert 0 < late < sum(tiles) - late
    assert late < whole
    less = before[1:]  # one is gone: all of it is searched anew
    assert pairs(less, said.append) == pairs(less, None)
    assert said == []


def count_tiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the pairs of blocks that are compared from now on."""
    counted: list[int] = []
    honest = Blocks.nearest

    def nearest(self: Blocks, firsts: Sequence[int], k: int, tell: Callable[[int], object]) -> np.ndarray:
        def hear(done: int) -> None:
            counted.append(done)
            tell(done)

        return honest(self, firsts, k, hear)

    monkeypatch.setattr(Blocks, "nearest", nearest)
    return counted


def test_verdicts_are_kept_for_pairs_in_their_order_and_the_oldest_go(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.overlap.verdicts.MOST", 5)
    digests = rng.integers(0, 256, (6, 32)).astype(np.uint8)
    one, other = np.array([0, 1, 2]), np.array([3, 4, 5])
    names = names_of(digests, one, other)
    assert len({*names.tolist(), *names_of(digests, other, one).tolist()}) == 6
    said: list[str] = []
    Verdicts(said.append).keep(names, np.array([True, False, True]))
    known, same = Verdicts(said.append).of(np.append(names, names_of(digests, other, one)))
    assert known.tolist() == [True] * 3 + [False] * 3
    assert same.tolist() == [True, False, True] + [False] * 3
    more = names_of(digests, np.array([0, 0, 0]), np.array([1, 2, 4]))
    Verdicts(said.append).keep(more, np.array([False, True, False]))
    assert Verdicts(said.append).of(more)[0].all()
    assert np.count_nonzero(Verdicts(said.append).of(names)[0]) == 2
    assert said == []
