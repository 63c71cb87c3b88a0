"""A cheating student against the judge: what must be caught, what must pass, and the kit that tries it.

The tests of the judge were written before it, against what it says in public: flags of scorecards and boards, and the
pairs of ``ganbench overlap``. No threshold of it is known here.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from made_pictures import pictures, save
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.features.extractor import Extractor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from cheats import sharing
from cheats.catalogue import attacks
from cheats.changes import CHANGES, Change, change_all
from cheats.files import decoded, valid
from cheats.pool import Pool, pick

REAL, FAKE = 300, 60  # images of the made reference, and of a submission
FACES = os.environ.get("GANBENCH_FACES")  # the archive that the shipped reference was made from


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
    done = CliRunner().invoke(app, ["overlap", *(str(tmp_path / name) for name in "abc"), "--json", str(out)])
    assert out.exists(), done.output
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
    command = [
        "leaderboard",
        *entries,
        "--reference",
        str(reference),
        "--detector",
        "none",
        "--json",
        str(out),
        "--quiet",
    ]
    done = CliRunner().invoke(app, command)
    assert out.exists(), done.output
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
