"""The kit of benchmarks/attacks.py: what it makes, what it keeps when it is killed, and what it counts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_pictures import pictures, save

import ganbench
from ganbench.errors import GanbenchError
from ganbench.features.extractor import Extractor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from cheats.base import Attack, Made
from cheats.catalogue import attacks
from cheats.changes import CHANGES, UNDONE, shift
from cheats.files import decoded, lossless, valid
from cheats.judge import Outcome
from cheats.pool import Pool
from cheats.tally import tally, to_markdown
from cheats.trials import Journal, to_do
from cheats.tricks import TRICKS


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(save(tmp_path / "faces", pictures(40, 12)), np.arange(30), np.arange(10))


def _never(reference: object) -> list[Attack]:
    return attacks(reference, Path(), 1)  # type: ignore[arg-type]  # nothing here is tuned against a reference


@pytest.mark.slow
def test_every_attack_makes_what_it_says_and_the_same_again(pool: Pool) -> None:
    names = [attack.name for attack in _never(None)]
    assert len(names) == len(set(names))
    for attack in _never(None):
        if attack.slow or attack.name.startswith(("rule/number-500", "pair/")):
            continue
        first, again = (attack.make(pool, attack.random(3, 1), 6) for _ in range(2))
        assert first.entry.files == again.entry.files, attack.name
        size = 96 if attack.name == "rule/size" else 64
        assert all(decoded(content).shape == (size, size, 3) for _, content in first.entry.files), attack.name
        assert 0 < first.guilty <= 1
        assert len({content for _, content in first.entry.files}) > 1


def test_all_pairs_are_there_but_the_one_that_undoes_itself() -> None:
    pairs = [attack for attack in _never(None) if attack.group == "pair"]
    assert len(pairs) == 13 * 12 // 2 - len(UNDONE)  # of all changes but "none"


def test_changes_change_and_keep_the_picture() -> None:
    image = pictures(1, 13)[0]
    for name, change in {**CHANGES, **{name: change for name, (_, change) in TRICKS.items()}}.items():
        changed = change(image, np.random.default_rng(0))
        assert changed.shape == image.shape, name
        assert changed.dtype == np.uint8, name
        assert (changed != image).any(), name
    moved = shift(image, np.random.default_rng(0), 2)
    assert any(
        (moved[4:-4, 4:-4] == image[4 + dy : 60 + dy, 4 + dx : 60 + dx]).all() for dx in (-2, 0, 2) for dy in (-2, 0, 2)
    )


@pytest.mark.slow
def test_a_submission_keeps_its_pixels_or_the_rules(tmp_path: Path) -> None:
    from ganbench.images.submission import check_submission

    images = pictures(1000, 14)
    assert all(check.ok for check in check_submission(valid(images).write(tmp_path, "valid")))
    folder = lossless(images[:5]).write(tmp_path, "kept")
    source = ganbench.open_source(folder)
    assert all((source.load(index) == images[index]).all() for index in range(5))


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    journal = Journal(path, {"seed": 0})
    for trial in range(3):
        journal.add(Outcome("single/none", trial, {"fd": 14.0}, ["copied"], 1.0))
    path.write_bytes(path.read_bytes()[:-9])  # killed in the middle of a line
    again = Journal(path, {"seed": 0})
    assert again.outcomes == journal.outcomes[:2]
    again.add(replace(journal.outcomes[2], flags=[]))
    assert Journal(path, {"seed": 0}).outcomes == again.outcomes
    with pytest.raises(GanbenchError, match="other settings"):
        Journal(path, {"seed": 1})


def _attack(name: str, *caught_by: str, most: int | None = None) -> Attack:
    return Attack(name, "what it is", lambda *_: Made(valid(pictures(2, 0))), frozenset(caught_by), most=most)


def test_every_attack_is_tried_once_before_any_is_tried_again() -> None:
    two = [_attack("a/one", "copied"), _attack("a/dear", "copied", most=2), _attack("honest/b", most=5)]
    left = [(attack.name, trial) for attack, trial in to_do(two, 3, [Outcome("a/one", 0)])]
    assert left[:2] == [("a/dear", 0), ("honest/b", 0)]
    assert [sum(name == attack.name for name, _ in left) for attack in two] == [2, 2, 5]
    assert len(to_do(two, 1, [])) == 3


def test_the_tally_counts_only_flags_that_are_to_catch() -> None:
    both = [_attack("a/one", "copied"), _attack("honest/b")]
    outcomes = [
        Outcome("a/one", 0, {"fd": 10.0}, ["copied"], 1.0),
        Outcome("a/one", 1, {"fd": 20.0}, ["invalid"], 0.5, ranked="above"),
        Outcome("honest/b", 0, {"fd": 15.0}, [], 0.001),
        Outcome("honest/b", 1, {"fd": 15.0}, ["repeated"], 0.0),
    ]
    one, honest = tally(both, outcomes)
    assert (one.caught, one.trials, one.per_image, one.fd) == (1, 2, 0.75, 15.0)
    assert (one.above, one.on_board) == (1, 1)
    assert one.low < 0.5 < one.high
    assert honest.caught == 1
    table = to_markdown([one, honest])
    assert "1 of 2 dishonest sets caught" in table
    assert "Missed at least once: a/one" in table
    assert "1 of 2 honest sets flagged" in table


@pytest.mark.slow
def test_images_move_downhill_in_fd_and_go_on_where_they_were(lite0: Extractor, tmp_path: Path) -> None:
    from cheats.optimise import Climb, Frechet, noise

    reference = ganbench.Reference.build(save(tmp_path / "real", pictures(60, 1)), lite0)
    rng = np.random.default_rng(0)
    features = rng.random((20, 1280)).astype(np.float32)
    value, gradient = Frechet(reference)(features)
    step = 1e-2 * rng.normal(size=features.shape).astype(np.float32)
    after, before = (Frechet(reference)(features + sign * step)[0] for sign in (1, -1))
    assert after - before == pytest.approx(2 * float((gradient * step).sum()), rel=0.05)
    start = noise(rng, 8, 64)
    whole = Climb(start, reference, tmp_path / "whole.npz")
    moved = whole.run(3, 4.0)
    assert whole.course[-1] < whole.course[0]
    assert (moved != start).any()
    half = Climb(start, reference, tmp_path / "half.npz")
    assert half.values.shape == start.shape
    assert Climb(start, reference, tmp_path / "whole.npz").done == 3
    assert value > 0
