"""The index of all images: exact neighbours, the same bits in pieces, duplicates that spoil nothing."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from pieces_in_disorder import Disorder

from ganbench.errors import MetricError
from ganbench.features import collect, pieces, remember
from ganbench.images.sources import open_source
from ganbench.references import indexed, nearest
from ganbench.references.nearest import nearest_different
from ganbench.references.reference import Reference
from ganbench.statistics import collector, large, moments, search
from ganbench.statistics.collector import shuffled
from ganbench.statistics.moments import Moments
from ganbench.statistics.projection import LARGEST, Projection
from ganbench.statistics.search import nearest_codes
from ganbench.statistics.signatures import signatures
from ganbench.system.cluster import Site

EXTRACTOR = "own_instruments.features:IN_TORCH"
SMALL = 64  # images of a piece


def all_distances(known: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return ((codes[:, None].astype(int) - known[None].astype(int)) ** 2).sum(axis=-1)


@pytest.mark.parametrize("spread", [2, 127])  # with a small one there are many ties
def test_neighbours_are_exact_and_ties_go_by_row(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, spread: int
) -> None:
    known = rng.integers(-spread, spread + 1, (500, 8 if spread == 2 else 128)).astype(np.int8)
    codes = rng.integers(-spread, spread + 1, (70, known.shape[1])).astype(np.int8)
    distances = all_distances(known, codes)
    expected = np.argsort(distances, axis=1, kind="stable")[:, :9]
    for queries, block in ((1024, 16_384), (13, 300), (7, 5)):  # the first bounds by groups, the last by too few codes
        monkeypatch.setattr(search, "_QUERIES", queries)
        monkeypatch.setattr(search, "_LEAST", block)
        monkeypatch.setattr(search, "_DISTANCES", 1)
        squared, rows = nearest_codes(known, codes, 9)
        np.testing.assert_array_equal(rows, expected)
        np.testing.assert_array_equal(squared, np.take_along_axis(distances, expected, axis=1))


def test_extreme_codes_are_exact_and_few_are_all_there_are() -> None:
    known = np.array([[-127] * 128, [127] * 128], np.int8)
    squared, rows = nearest_codes(known, known, 5)
    np.testing.assert_array_equal(squared, [[0, 254**2 * 128]] * 2)
    np.testing.assert_array_equal(rows, [[0, 1], [1, 0]])


def test_codes_keep_distances(rng: np.random.Generator) -> None:
    features = (rng.normal(size=(400, 30)) * np.linspace(3, 0.5, 30)).astype(np.float32)
    projection = Projection.of(Moments.of(features))
    codes = projection.encode(features)
    assert codes.shape == (400, 30)
    assert codes.dtype == np.int8
    kept = np.sqrt(all_distances(codes, codes)) * projection.step
    true = np.sqrt(((features[:, None] - features[None]) ** 2).sum(axis=-1))
    assert np.abs(kept - true).max() < 0.5 * projection.step * np.sqrt(30) * 2
    parts = np.concatenate([projection.encode(features[start : start + 7]) for start in range(0, 400, 7)])
    np.testing.assert_array_equal(parts, codes)
    far = projection.encode(features * 1e6)
    assert np.abs(far.astype(int)).max() == LARGEST
    with pytest.raises(MetricError, match="do not fit an index of 30 features"):
        projection.encode(features[:, :5])


def test_images_that_are_all_alike_have_codes_too() -> None:
    projection = Projection.of(Moments.of(np.full((5, 12), 3.0, np.float32)))
    assert not projection.encode(np.full((2, 12), 3.0, np.float32)).any()


@pytest.fixture
def faces(rng: np.random.Generator) -> np.ndarray:
    """Return 40 pictures, of which the last two are others mirrored and made brighter."""
    coarse = rng.integers(40, 200, (40, 4, 4, 3))
    found = np.repeat(np.repeat(coarse, 8, 1), 8, 2).astype(np.uint8)
    found[38] = found[3][:, ::-1]
    found[39] = found[5] + 20
    return found


def test_what_a_set_holds_twice_is_no_neighbour(faces: np.ndarray) -> None:
    features = faces.reshape(40, -1)[:, ::97].astype(np.float32)
    features[38], features[39] = features[3], features[5] + 0.01
    codes = Projection.of(Moments.of(features)).encode(features)
    distances = all_distances(codes, codes).astype(float)
    for one, other in ((np.arange(40), np.arange(40)), (38, 3), (39, 5)):
        distances[one, other] = distances[other, one] = np.inf
    np.testing.assert_array_equal(nearest_different(codes, signatures(faces)), distances.min(axis=1))


def test_a_picture_that_is_all_there_is_has_no_neighbour() -> None:
    pixels = np.repeat(np.random.default_rng(0).integers(0, 256, (1, 20, 20, 3), np.uint8), 30, axis=0)
    assert np.isinf(nearest_different(np.zeros((30, 4), np.int8), signatures(pixels))).all()


def test_shuffled_positions_are_all_there_and_go_by_the_seed() -> None:
    assert sorted(shuffled(1000, 3).tolist()) == list(range(1000))
    assert not np.array_equal(shuffled(1000, 3), shuffled(1000, 4))
    assert shuffled(5, 0).tolist() == shuffled(5, 0).tolist() != list(range(5))


@pytest.mark.usefixtures("own_instruments")
@pytest.mark.parametrize("kept", [10_000, 100])  # of so many the projection is that of a choice
def test_an_index_has_the_same_bits_in_pieces(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    for module in (moments, collector, collect, pieces):
        monkeypatch.setattr(module, "CHUNK", SMALL)
    monkeypatch.setattr(remember, "KEPT", kept)
    monkeypatch.setattr(remember, "FITTED", 80)
    images = rng.integers(0, 256, (200, 12, 12, 3), np.uint8)
    one = Reference.build(open_source(images), EXTRACTOR, sample_size=40)
    monkeypatch.setattr(pieces, "executor", disorder := Disorder(seed=4))
    other = Reference.build(open_source(images), EXTRACTOR, sample_size=40, site=Site(3), cache=True)
    assert sorted(set(disorder.done)) == [0, 1, 2, 3]
    assert one.identity() == other.identity()
    assert one.index.names[7] == other.index.names[7]
    np.testing.assert_array_equal(one.index.positions, np.arange(200))
    np.testing.assert_array_equal(one.index.signatures, signatures(images))
    again = Reference.build(open_source(images), EXTRACTOR, sample_size=40, cache=True)
    assert again.identity() == one.identity()


@pytest.mark.usefixtures("own_instruments")
def test_what_is_remembered_is_kept(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    images = rng.integers(0, 256, (50, 12, 12, 3), np.uint8)
    first = Reference.build(open_source(images), EXTRACTOR, cache=True)

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("it was looked at again")

    monkeypatch.setattr(indexed, "remember", never)
    assert Reference.build(open_source(images), EXTRACTOR, cache=True).identity() == first.identity()


def test_large_sets_take_a_package_that_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "EXACT", 10)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MetricError, match=r"pip install 'ganbench\[index\]'"):
        Reference.build(open_source(np.zeros((11, 8, 8, 3), np.uint8)))


def test_a_large_search_finds_nearly_all(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    monkeypatch.setattr(nearest, "EXACT", 100)
    codes = rng.integers(-40, 41, (3000, 16)).astype(np.int8)
    squared, rows = large.LargeSearch(codes).nearest(codes[:500], 2)
    exact, _ = nearest_codes(codes, codes[:500], 2)
    assert (rows[:, 0] == np.arange(500)).all()
    assert (squared[:, 1] == exact[:, 1]).mean() > 0.95
    marks = rng.integers(0, 256, (3000, 256), np.uint8)
    assert (nearest_different(codes, marks)[:500] == exact[:, 1]).mean() > 0.95
