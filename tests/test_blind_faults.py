"""The faults of benchmarks/explain.py: what they do to images, and how what is said of them is counted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pictures import pictures

from ganbench.errors import GanbenchError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from blemishes.base import LEVELS
from blemishes.catalogue import FAULTS
from blemishes.choices import KINDS
from blemishes.colours import brightness, contrast, saturation
from blemishes.kinds import ACCEPTED
from blemishes.pool import FACES, GAN, Pool
from blemishes.tally import first_kind, passed, peace, tally
from blemishes.trials import CLEAN, Trial, all_trials, images_of
from blind.journal import Journal

NAMES = [fault.name for fault in FAULTS]


@pytest.fixture(scope="module")
def pool() -> Pool:
    images = pictures(120, 5)
    features = np.random.default_rng(0).normal(size=(120, 6))
    return Pool(FACES, images, features, np.arange(120) % KINDS, "made")


def test_every_fault_has_three_strengths_and_a_right_finding() -> None:
    assert set(ACCEPTED) == set(NAMES)
    assert all(len(fault.strengths) == len(LEVELS) for fault in FAULTS)
    assert all((fault.change is None) != (fault.choice is None) for fault in FAULTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_changes_the_set_and_does_so_again(pool: Pool, name: str) -> None:
    for level in LEVELS:
        trial = Trial(FACES, name, level, 1)
        spoilt = images_of(trial, pool, pool, 20, 7)
        assert spoilt.shape == (20, 64, 64, 3)
        assert spoilt.dtype == np.uint8
        assert (spoilt == images_of(trial, pool, pool, 20, 7)).all()
    assert (spoilt != images_of(Trial(FACES, name, level, 0), pool, pool, 20, 7)).any()


def test_a_fault_of_colour_changes_its_own_number(pool: Pool) -> None:
    images = pool.pixels // 2 + 64  # nothing that must be cut
    for fault, number in zip(FAULTS[1:4], (saturation, brightness, contrast), strict=True):
        assert fault.change is not None
        up, down = (fault.change(images, fault.strengths[0], sign, np.random.default_rng(0)) for sign in (1, -1))
        assert number(down) < number(images) < number(up), fault.name


def test_samples_are_the_same_ones_as_those_of_the_clean_twin(pool: Pool) -> None:
    gan = Pool(GAN, pool.pixels, pool.features, pool.kinds, "made")
    clean = images_of(Trial(GAN, CLEAN, "", 1), gan, pool, 20, 7)
    framed = images_of(Trial(GAN, "border", "strong", 1), gan, pool, 20, 7)
    assert (clean[:, 4:-4, 4:-4] == framed[:, 4:-4, 4:-4]).all()


def _found(*pairs: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"kind": kind, "effect": effect} for kind, effect in pairs]


def test_what_a_generator_shows_anyway_is_not_the_fault() -> None:
    assert first_kind(_found(("sharpness", 20), ("hue", 9)), None) == "sharpness"
    assert first_kind(_found(("sharpness", -20.5), ("hue", 9)), _found(("sharpness", 20))) == "hue"
    assert first_kind(_found(("sharpness", 20)), _found(("sharpness", 21))) == ""
    assert first_kind([], None) == ""


def test_the_count() -> None:
    trials = all_trials([FACES, GAN], ["hue"], 1, 2)
    told: dict[str, Any] = {trial.key: {"findings": _found(("hue", 9))} for trial in trials if trial.fault == "hue"}
    told |= {trial.key: {"findings": []} for trial in trials if trial.fault == CLEAN}
    lines, honest = tally(trials, told, ACCEPTED), peace(trials, told)
    assert [line.right for line in lines] == [dict.fromkeys(LEVELS, 1)] * 2
    assert honest == (2, 2, {})
    assert passed(lines, honest)
    told["faces/hue/clear/0"] = {"findings": _found(("jpeg", 9), ("hue", 8))}
    told["faces/clean/1"] = {"findings": _found(("size", 3))}
    lines, honest = tally(trials, told, ACCEPTED), peace(trials, told)
    assert lines[0].instead == {"jpeg (clear)": 1}
    assert honest == (1, 2, {"size": 1})
    assert not passed(lines, honest)


def test_a_journal_goes_on_after_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    Journal(path, {"seed": 1}).add("a", {"findings": []})
    with path.open("a") as f:
        f.write('{"key": "b", "fin')
    again = Journal(path, {"seed": 1})
    assert "a" in again
    assert "b" not in again
    again.add("b", {"findings": []})
    assert set(Journal(path, {"seed": 1}).outcomes) == {"a", "b"}
    with pytest.raises(GanbenchError, match="other settings"):
        Journal(path, {"seed": 2})
