"""Rules over sets, and what an effect counts: collapse, outliers, and traces that a set lies along by chance."""

from __future__ import annotations

import numpy as np
import pytest
from coded_images import index_of

from ganbench.explanation import chance, groups, pursuit
from ganbench.looks.alterations import Alteration
from ganbench.looks.kinds import kinds_of
from ganbench.looks.measures import NAMES
from ganbench.looks.real import RealLooks, oddness
from ganbench.statistics.search import nearest_codes

LEAST = chance.threshold(300)


def clumps(rng: np.random.Generator, count: int, width: float) -> np.ndarray:
    """Return codes of images of six kinds, so far off the middle of theirs."""
    centres = np.random.default_rng(5).integers(-80, 80, (6, 8))
    return np.clip(centres[rng.integers(6, size=count)] + rng.normal(0, width, (count, 8)), -127, 127).astype(np.int8)


def test_images_nearer_to_the_middle_of_their_kind_are_low_variety(rng: np.random.Generator) -> None:
    index = index_of(clumps(rng, 3000, 12))
    levels, everybody = kinds_of(index.codes), np.arange(300)
    honest = groups.narrowness(index, levels, clumps(rng, 300, 12), everybody)
    narrow = groups.narrowness(index, levels, clumps(rng, 300, 8), everybody)
    assert honest is not None
    assert narrow is not None
    assert honest.effect < 3
    assert narrow.effect > LEAST
    assert narrow.low < narrow.effect < narrow.high
    assert 0.6 < narrow.value < 0.9
    assert groups.narrowness(index, [], clumps(rng, 300, 8), everybody) is None


def test_codes_are_brought_to_mean_and_covariance_of_real_ones(rng: np.random.Generator) -> None:
    mixed = rng.normal(size=(8, 8))
    real = np.clip(rng.normal(size=(5000, 8)) @ mixed * 12, -127, 127).astype(np.int8)
    other = np.clip(rng.normal(size=(400, 8)) * np.linspace(3, 20, 8) + 25, -127, 127).astype(np.int8)
    brought = groups.alike(real)(other)
    assert brought.dtype == np.int8
    np.testing.assert_allclose(brought.mean(axis=0), real.mean(axis=0), atol=1)
    wanted = np.cov(real.T)
    np.testing.assert_allclose(np.cov(brought.T), wanted, atol=0.1 * np.diagonal(wanted).max())
    one = np.repeat(other[:1], 30, axis=0)  # no variance at all
    assert np.ptp(groups.alike(real)(one), axis=0).max() == 0


def test_the_nearest_other_code_is_exact(rng: np.random.Generator) -> None:
    codes = rng.integers(-127, 128, (50, 128)).astype(np.int8)
    codes[7] = codes[3]
    squared = ((codes[:, None].astype(np.int64) - codes.astype(np.int64)) ** 2).sum(axis=2)
    np.testing.assert_array_equal(nearest_codes(codes[:20], codes, 1)[0][:, 0], squared[:, :20].min(axis=1))
    squared[np.diag_indices(50)] = 10**9
    np.testing.assert_array_equal(nearest_codes(codes, codes, 2)[0][:, 1], squared.min(axis=1))


def test_odd_images_are_told_and_what_all_share_is_not_odd(rng: np.random.Generator) -> None:
    size = 40
    mixing = rng.normal(size=(size, size))
    cov = mixing @ mixing.T / size
    looks = rng.multivariate_normal(np.zeros(size), cov, 400)
    looks[:20] = rng.normal(size=(20, size)) * np.sqrt(np.diagonal(cov))  # usual measure by measure, not together
    found = oddness(looks, cov)
    assert np.median(found) == pytest.approx(1)
    assert found[:20].min() > found[20:].max()
    np.testing.assert_allclose(oddness(looks + 7, cov), found, rtol=1e-6)


def stand_in(traces: np.ndarray) -> RealLooks:
    count = len(NAMES)
    flat = np.zeros(count)
    return RealLooks(6000, flat, flat + 1, flat, np.eye(count), traces.astype(np.float32), 9.0)


def test_an_effect_goes_no_farther_than_its_share_and_weak_ones_count_less(rng: np.random.Generator) -> None:
    def leave(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        return pixels

    library = [Alteration("hue", "turned by 10", leave), Alteration("hue", "turned by 20", leave),
               Alteration("orientation", "upside down", leave)]  # fmt: skip
    traces = np.zeros((3, len(NAMES)))
    traces[0, :10], traces[1, :10], traces[2, 20:30] = 1, 2, 4
    real = stand_in(traces)
    noise = rng.normal(size=(400, len(NAMES)))
    whole, _ = pursuit.pursue(real, library, noise + traces[0], LEAST)
    assert [library[one.number].kind for one in whole] == ["hue"]
    assert whole[0].effect == pytest.approx(np.sqrt(10 / (1 / 400 + 1 / 6000)), rel=0.1)
    few, _ = pursuit.pursue(real, library, noise + 0.1 * traces[2], LEAST)
    assert few[0].share == pytest.approx(0.1, abs=0.03)  # of an alteration without strengths: a tenth of the images
    assert few[0].effect == pytest.approx(0.4 * np.sqrt(10 / (1 / 400 + 1 / 6000)), rel=0.25)


def test_textures_have_a_spread_that_does_not_shrink() -> None:
    assert pursuit.usual_spread("noise", 0.001) == pytest.approx(pursuit.WAYS["noise"], rel=1e-3)
    assert pursuit.usual_spread("hue", 0.001) == 0.001
