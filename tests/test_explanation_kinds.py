"""Kinds of images: which ones are missing, come too often or vary too little, and what counts of a few say."""

from __future__ import annotations

import numpy as np
import pytest
from coded_images import clumps, index_of

from ganbench.explanation import chance, groups
from ganbench.explanation.drawn import drawn
from ganbench.looks.kinds import belong, kinds_of


def test_missing_and_excess_kinds_are_told_with_their_members(rng: np.random.Generator) -> None:
    index = index_of(clumps(rng, [400] * 6))
    levels = kinds_of(index.codes)
    assert [len(centres) for centres in levels] == [6, 12, 24, 48]
    same = clumps(rng, [50] * 6)
    honest = [groups.kinds(index, levels, same, missing=missing).effect for missing in (True, False)]
    assert max(honest) < chance.threshold(300)
    gone = groups.kinds(index, levels, clumps(rng, [0, 60, 60, 60, 60, 60]), missing=True)
    assert gone.effect > chance.threshold(300)
    assert gone.value == 0
    assert gone.real == pytest.approx(1 / 6, abs=0.01)
    assert set(gone.members // 400) == {0}  # shown by real ones of that very kind
    many = groups.kinds(index, levels, clumps(rng, [150, 30, 30, 30, 30, 30]), missing=False)
    assert many.value == pytest.approx(0.5, abs=0.02)
    assert many.effect > chance.threshold(300)
    assert set(belong(levels[0], index.codes[many.members])) == set(belong(levels[0], clumps(rng, [9, 0, 0, 0, 0, 0])))


def test_low_variety_is_collapse_inside_kinds(rng: np.random.Generator) -> None:
    index = index_of(clumps(rng, [300] * 6))
    everybody = np.arange(300)
    honest = groups.variety(index, clumps(rng, [50] * 6), everybody, np.random.default_rng(0))
    assert abs(honest.effect) < 4
    centres = clumps(rng, [5] * 6).repeat(10, axis=0)
    narrow = np.clip(centres + rng.normal(0, 2, centres.shape), -127, 127).astype(np.int8)
    collapsed = groups.variety(index, narrow, everybody, np.random.default_rng(0))
    assert collapsed.effect > chance.threshold(300)
    assert collapsed.value < collapsed.real


def test_real_sets_are_drawn_once_and_the_numbers_after_them_are_the_same(rng: np.random.Generator) -> None:
    index, calls = index_of(clumps(rng, [30] * 6)), []

    def drawing(size: int) -> tuple[list[float], float]:
        own = np.random.default_rng(1)

        def compute() -> np.ndarray:
            calls.append(size)
            return own.normal(size=size)

        return list(drawn(index, "made", size, own, compute)), float(own.random())

    assert drawing(3) == drawing(3)
    assert calls == [3]
    assert drawing(4) != drawing(3)
    assert calls == [3, 4]


def test_counts_of_a_few_are_no_alarm() -> None:
    assert chance.of_counts(np.array([10]), 100, np.array([0.1]), 10**9)[0] == 0
    assert chance.of_counts(np.array([2]), 50, np.array([0.004]), 10**9)[0] < 3
    far = chance.of_counts(np.array([0, 400]), 1000, np.array([0.1, 0.1]), 10**9)
    assert far[0] < -10
    assert far[1] > 20
