"""Parts of a set of real images: disjoint, by a seed, found again; and what is held out says what real images reach."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import ReferenceError, SourceError
from ganbench.features.registry import load_extractor
from ganbench.images.picked import Picked
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.metrics.registry import METRICS
from ganbench.references.held_out import with_held_out
from ganbench.references.library import check_reference
from ganbench.references.parts import choose
from ganbench.references.reference import Reference

EXTRACTOR = "own_instruments.features:IN_TORCH"


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (100, 12, 12, 3), np.uint8)


@pytest.fixture
def source(images: np.ndarray) -> Source:
    return open_source(images)


def names(source: Source | None) -> list[str]:
    return [] if source is None else list(source.names)


def test_parts_share_no_image_and_leave_none_out(source: Source) -> None:
    parts = choose(source, "private:0.3,public:.2,rest", "0.1", 0)
    assert [(part.name, len(part.images), len(part.held_out)) for part in parts] == [
        ("private", 27, 3), ("public", 18, 2), ("rest", 45, 5)
    ]  # fmt: skip
    everything = [name for part in parts for name in names(part.images) + names(part.held_out)]
    assert sorted(everything) == sorted(source.names)
    assert names(choose(source, "private:0.3,public:.2,rest", "0.1", 0)[1].images) == names(parts[1].images)
    assert names(choose(source, "private:0.3,public:.2,rest", "0.1", 1)[1].images) != names(parts[1].images)
    assert len(choose(source, "a:0.3", None, 0)) == 1


def test_the_last_ones_are_held_out_where_that_is_asked_for(source: Source) -> None:
    (part,) = choose(source, None, "last:20", 0)
    assert names(part.images) == list(source.names[:80])
    assert names(part.held_out) == list(source.names[80:])
    assert len(choose(source, None, "7", 0)[0].held_out) == 7
    (whole,) = choose(source, None, None, 0)
    assert whole.images is source
    assert whole.choice is whole.held_out is None


@pytest.mark.parametrize(
    ("split", "held_out", "why"),
    [
        ("a:0.3,a:0.2", None, "no new name with a share"),
        ("a:0", None, "no new name with a share"),
        ("a:1.5", None, "no new name with a share"),
        ("a/b:0.5", None, "no new name with a share"),
        ("", None, "no new name with a share"),
        ("a:0.7,b:0.4", None, "more than the whole"),
        ("a,b", None, "nothing is left for a part"),
        ("a:0.01,b", None, "part a of .*1 images are left"),
        (None, "99", "1 images are left"),
        (None, "100", "0 images are left"),
        (None, "0.001", "0 held out"),
        (None, "half", "no part to hold out"),
        (None, "-5", "no part to hold out"),
    ],
)
def test_choices_that_are_none_are_refused(source: Source, split: str | None, held_out: str | None, why: str) -> None:
    with pytest.raises(ReferenceError, match=why):
        choose(source, split, held_out, 0)


def test_a_choice_of_images_is_a_source(source: Source, images: np.ndarray) -> None:
    positions = np.array([3, 50, 51, 97])
    some = Picked(source, positions)
    (batch,) = some.batches(32)
    np.testing.assert_array_equal(batch.pixels, images[positions])
    assert batch.names == names(some) == [source.names[i] for i in positions]
    part = some.part(1, 2)
    np.testing.assert_array_equal(next(part.batches(32)).pixels, images[[50, 51]])
    assert names(part) == [source.names[50], source.names[51]]
    assert part.digest() == Picked(source, np.array([50, 51])).digest()
    for wrong in ([], [3, 3], [-1], [100]):
        with pytest.raises(SourceError, match="no such choice"):
            Picked(source, np.array(wrong, int))


@pytest.mark.usefixtures("own_instruments")
def test_what_is_held_out_is_scored_and_kept(source: Source, tmp_path: Path) -> None:
    (part,) = choose(source, None, "last:40", 0)
    reference = with_held_out(Reference.build(part.images, EXTRACTOR), part.held_out, load_extractor(EXTRACTOR))
    held = reference.held_out
    assert (held["images"], held["digest"]) == (40, source.part(60, 40).digest())
    for name, figure in held["figures"].items():
        assert figure["version"] == METRICS[name].version
        assert figure["n"] == 40
    assert {"fd", "kd"} <= held["figures"].keys()
    reference.save(tmp_path / "held.npz")
    loaded = Reference.load(tmp_path / "held.npz")
    assert loaded.held_out == held
    assert "index of all 60 images" in loaded.memory()
    assert "40 held out" in loaded.memory()


@pytest.mark.usefixtures("own_instruments")
def test_one_command_makes_disjoint_references(images: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", images)
    arguments = ["--features", EXTRACTOR, "--split", "private:0.3,public", "--held-out", "0.2"]
    result = CliRunner().invoke(
        app, ["reference", "build", str(tmp_path / "faces.npy"), *arguments, "-o", str(tmp_path / "faces.npz")]
    )
    assert result.exit_code == 0, result.output
    private, public = (Reference.load(tmp_path / f"faces-{part}.npz") for part in ("private", "public"))
    assert (private.features.n, public.features.n, private.held_out["images"]) == (24, 56, 6)
    assert not set(private.index.positions) & set(public.index.positions)
    assert private.data["choice"]["others"] == {"public": public.data["digest"]}
    for reference in (private, public):
        checks = check_reference(reference, str(tmp_path / "faces.npy"))
        assert [check.what for check in checks if not check.ok] == []
        assert {"made of these images", "held out of these images", "index agrees with sigma"} <= {
            check.what for check in checks
        }
    np.save(tmp_path / "faces.npy", images[::-1])
    failed = [check.what for check in check_reference(private, str(tmp_path / "faces.npy")) if not check.ok]
    assert failed == ["made of these images", "held out of these images"]
    shown = CliRunner().invoke(app, ["reference", "show", str(tmp_path / "faces-private.npz"), "--json"])
    assert json.loads(shown.stdout)["index"]["images"] == 24
    assert not (tmp_path / "faces.npz").exists()
