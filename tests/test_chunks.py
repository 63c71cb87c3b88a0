"""Statistics in chunks: merged, they have the bits of one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ganbench.statistics import collector, moments
from ganbench.statistics.collector import FeatureCollector, sample_bound
from ganbench.statistics.moments import Moments
from ganbench.statistics.pixels import PixelSet

if TYPE_CHECKING:
    pass

SMALL = 64  # images of a chunk


def test_chunks_merge_to_the_bits_of_one_pass(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (moments, collector):
        monkeypatch.setattr(module, "CHUNK", SMALL)
    features = rng.normal(size=(1000, 7)).astype(np.float32)
    logits = rng.normal(size=(1000, 3)).astype(np.float32)
    bound = sample_bound(1000, 100, 4)
    one, merged, kept = FeatureCollector(7, 100, 4), FeatureCollector(7, 100, 4), 0
    for start in range(0, 1000, 50):  # batches go over the ends of chunks
        one.add(np.arange(start, start + 50), features[start : start + 50], logits[start : start + 50])
    for start in range(0, 1000, SMALL):
        part = FeatureCollector(7, 100, 4, bound)
        rows = slice(start, start + SMALL)
        part.add(np.arange(1000)[rows], features[rows], logits[rows])
        packed = part.pack()
        kept += len(packed["sample"])
        merged.take(packed)
    whole, pieced = one.result(), merged.result()
    assert kept == 100  # and nothing was packed that is not kept
    for what in ("mean", "scatter"):
        expected = getattr(whole.moments, what).tobytes()
        assert getattr(pieced.moments, what).tobytes() == expected
        assert getattr(Moments.of(features), what).tobytes() == expected
    for what in ("sample", "sample_index", "logits"):
        np.testing.assert_array_equal(getattr(pieced, what), getattr(whole, what))


def test_up_to_a_chunk_the_bits_are_those_of_plain_moments(rng: np.random.Generator) -> None:
    features = rng.normal(size=(moments.CHUNK, 9)).astype(np.float32)
    plain = Moments.empty(9)
    for start in range(0, len(features), moments.FOLD):
        plain.update(features[start : start + moments.FOLD])
    assert Moments.of(features).scatter.tobytes() == plain.scatter.tobytes()
    assert Moments.of(features).mean.tobytes() == plain.mean.tobytes()


def test_a_million_digests_take_little_memory() -> None:
    found = PixelSet(np.zeros((1_000_000, 32), np.uint8))
    assert found.digests.nbytes < 40e6


def test_the_bound_of_a_sample_is_exact() -> None:
    assert sample_bound(10, 10) is None
    priorities = collector._priorities(3, np.arange(5000))
    assert sample_bound(5000, 70, 3) == np.sort(priorities)[69]
