"""A cheating student against the judge: what must be caught, what must pass, and the kit that tries it.

The tests of the judge were written before it, against what it says in public: flags of scorecards and boards, and the
pairs of ``ganbench overlap``. No threshold of it is known here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import ganbench
from ganbench.errors import GanbenchError
from ganbench.features.extractor import Extractor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from cheats import sharing
from cheats.base import Attack, Made
from cheats.catalogue import attacks
from cheats.changes import CHANGES, UNDONE, Change, change_all, shift
from cheats.files import decoded, lossless, valid
from cheats.judge import Outcome
from cheats.pool import Pool, pick
from cheats.tally import tally, to_markdown
from cheats.trials import Journal, to_do
from cheats.tricks import TRICKS

REAL, FAKE = 300, 60  # images of the made reference, and of a submission
FACES = os.environ.get("GANBENCH_FACES")  # the archive that the shipped reference was made from


def picture(rng: np.random.Generator) -> np.ndarray:
    """Return a picture like no other: shapes of many colours on a shaded ground, uint8 (64, 64, 3)."""
    image = cv2.resize(rng.integers(0, 256, (3, 3, 3), np.uint8), (64, 64), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(6, 14)):
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        centre = tuple(int(value) for value in rng.integers(0, 64, 2))
        if rng.random() < 0.5:
            axes = tuple(int(value) for value in rng.integers(3, 22, 2))
            cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = (np.array(centre) + rng.integers(-24, 25, (4, 2))).astype(np.int32)
            cv2.fillPoly(image, [corners], colour, cv2.LINE_AA)
    return image


def pictures(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([picture(rng) for _ in range(count)])


def save(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for number, image in enumerate(images, 1):
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, lite0: Extractor) -> tuple[Path, np.ndarray]:
    """Return a reference's file and the pictures that made it."""
    folder = tmp_path_factory.mktemp("known")
    images = pictures(REAL, 1)
    reference = ganbench.Reference.build(save(folder / "real", images), lite0)
    reference.save(folder / "known.npz")
    return folder / "known.npz", images


def flags(images: np.ndarray | Path, reference: Path) -> set[str]:
    """Return the kinds of flags on a scorecard, by its JSON."""
    card = json.loads(ganbench.score(images, reference, detector=None, cache=False).to_json())
    return {flag["kind"] for flag in card["flags"]}


def stolen(images: np.ndarray, *changes: Change, count: int = FAKE) -> np.ndarray:
    rng = np.random.default_rng(7)
    return change_all(images[pick(rng, np.arange(len(images)), count)], rng, *changes)


# What must be caught


@pytest.mark.slow
def test_copies_are_caught_and_new_pictures_are_not(known: tuple[Path, np.ndarray]) -> None:
    reference, images = known
    assert "copied" in flags(stolen(images), reference)
    assert "copied" not in flags(pictures(FAKE, 2), reference)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CHANGES))
def test_no_single_change_hides_copies(name: str, known: tuple[Path, np.ndarray]) -> None:
    reference, images = known
    assert "copied" in flags(stolen(images, CHANGES[name]), reference)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", [("mirrored", "jpeg-50"), ("cropped-10", "hue"), ("turned-5", "noise-8"), ("shifted-2", "brightness-1.15")]
)
def test_no_pair_of_changes_hides_copies(names: tuple[str, str], known: tuple[Path, np.ndarray]) -> None:
    reference, images = known
    assert "copied" in flags(stolen(images, *(CHANGES[name] for name in names)), reference)


@pytest.mark.slow
def test_some_copies_among_many_honest_pictures_are_caught(known: tuple[Path, np.ndarray]) -> None:
    reference, images = known
    mixed = np.concatenate([stolen(images, CHANGES["jpeg-85"], count=30), pictures(70, 3)])
    assert "copied" in flags(mixed, reference)


@pytest.mark.slow
def test_a_stored_orientation_hides_no_copy(known: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    from cheats.disguises import oriented

    reference, images = known
    folder, rng = tmp_path / "oriented", np.random.default_rng(0)
    folder.mkdir()
    for number, image in enumerate(stolen(images), 1):
        (folder / f"{number}.jpg").write_bytes(oriented(image, rng))
    assert "copied" in flags(folder, reference)


@pytest.mark.slow
@pytest.mark.parametrize("varied", [False, True], ids=["equal", "varied"])
def test_few_pictures_repeated_are_caught(varied: bool, known: tuple[Path, np.ndarray]) -> None:
    reference, _ = known
    rng = np.random.default_rng(0)
    many = pictures(20, 4)[np.arange(FAKE) % 20]
    found = flags(change_all(many, rng, sharing.vary) if varied else many, reference)
    assert "repeated" in found
    assert "copied" not in found


@pytest.mark.slow
def test_honest_pictures_have_no_flag_under_any_change(known: tuple[Path, np.ndarray]) -> None:
    reference, _ = known
    rng = np.random.default_rng(0)
    for name, change in CHANGES.items():
        found = flags(change_all(pictures(FAKE, 5), rng, change), reference)
        assert not found & {"copied", "repeated"}, name


@pytest.mark.slow
def test_a_classmates_pictures_are_found_and_nobody_elses(tmp_path: Path) -> None:
    theirs = pictures(FAKE, 6)
    taken = change_all(theirs[:20], np.random.default_rng(0), CHANGES["mirrored-jpeg-75"])
    save(tmp_path / "a", theirs)
    save(tmp_path / "b", np.concatenate([taken, pictures(FAKE - 20, 8)]))
    save(tmp_path / "c", pictures(FAKE, 9))
    out = tmp_path / "pairs.json"
    command = [sys.executable, "-m", "ganbench", "overlap", *(str(tmp_path / name) for name in "abc")]
    done = subprocess.run([*command, "--json", str(out)], capture_output=True, text=True, timeout=300, check=False)
    assert out.exists(), done.stderr
    (pair,) = json.loads(out.read_text("utf-8"))["pairs"]
    assert {Path(pair["a"]).name, Path(pair["b"]).name} == {"a", "b"}
    assert 18 <= pair["shared"] <= 20


@pytest.mark.slow
def test_999_images_do_not_rank_above_1000(known: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    reference, images = known
    valid(stolen(images, CHANGES["noise-8"], count=999)).write(tmp_path, "short")
    valid(pictures(1000, 10)).write(tmp_path, "whole")
    out = tmp_path / "board.json"
    entries = [str(tmp_path / f"{name}.tgz") for name in ("short", "whole")]
    command = [sys.executable, "-m", "ganbench", "leaderboard", *entries]
    command += ["--reference", str(reference), "--detector", "none", "--json", str(out), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert out.exists(), done.stderr
    board = json.loads(out.read_text("utf-8"))
    listed = {Path(entry["path"]).stem: entry for part in board["boards"] for entry in part["entries"]}
    assert listed["whole"]["rank"] == 1
    if "short" in listed:  # or it is not ranked at all
        assert listed["short"]["rank"] != 1
        assert "invalid" in {flag["kind"] for flag in listed["short"].get("flags", [])}


@pytest.mark.slow
def test_what_is_changed_behind_a_cache_is_scored_anew(known: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    """The same name, size and times, other images: what was scored before says nothing of them."""
    reference, images = known
    path, digests = tmp_path / "entry.npy", []
    for content in (pictures(8, 11), images[:8]):
        np.save(path, content)
        os.utime(path, ns=(10**18, 10**18))
        digests.append(ganbench.score(path, reference, detector=None, metrics="fd").source["digest"])
    assert digests[0] != digests[1]


@pytest.mark.slow
@pytest.mark.skipif(FACES is None, reason="GANBENCH_FACES names no archive of real faces")
@pytest.mark.parametrize(
    "name", ["single/none", "single/mirrored", "single/cropped-10", "copies/among-0.30", "honest/real"]
)
def test_of_real_faces(name: str) -> None:
    from attacks import the_reference

    reference = the_reference([])
    index = reference.index
    assert index is not None
    pool = Pool(Path(str(FACES)), index.positions, reference.features.sample_index)
    (attack,) = [one for one in attacks(reference, Path(), None) if one.name == name]
    made = attack.make(pool, attack.random(0, 0), 300)
    images = np.stack([decoded(content) for _, content in made.entry.files])
    found = {flag.kind for flag in ganbench.score(images, detector=None, cache=False).flags}
    assert "copied" in found if attack.caught_by else not found & {"copied", "repeated"}


# The kit


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
def test_images_move_downhill_in_fd_and_go_on_where_they_were(known: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    from cheats.optimise import Climb, Frechet, noise

    reference = ganbench.Reference.load(known[0])
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
