"""What is known of a reference is kept in the cache, and never changes a number."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.errors import ReferenceError
from ganbench.features.spec import ExtractorSpec
from ganbench.metrics import factors, kernel, mind, mmd_rbf, neighbours
from ganbench.metrics.base import Estimate
from ganbench.metrics.evaluate import evaluate
from ganbench.references import kept, stored
from ganbench.references.interop import open_reference
from ganbench.references.reference import Reference
from ganbench.statistics.features import FeatureSet
from ganbench.system.storage import cache_dir

METRICS = ["fd", "kd", "precision", "density", "coverage"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a reference of 40 images with 12 features, whose sample is smaller than the set."""
    features = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32)
    whole = FeatureSet.of(features)
    sampled = FeatureSet(whole.moments, features[:20], np.arange(20))
    spec = ExtractorSpec("lite0", 1, 12, 224, "bicubic-aa", "0" * 64)
    data = {"label": "real", "count": 40, "digest": "1" * 64}
    Reference(sampled, spec, (64, 64), None, data, name="real").save(tmp_path / "real.npz")
    return tmp_path / "real.npz"


def values(reference: Reference) -> dict[str, Any]:
    fake = FeatureSet.of(np.random.default_rng(1).normal(size=(11, 12)).astype(np.float32))
    return evaluate(METRICS, real=reference.features, fake=fake)


def test_the_second_time_nothing_is_computed_from_the_reference_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = values(Reference.load(file))
    again = open_reference(file)
    for module, name in ((factors, "cholesky_factor"), (stored, "read_reference"), (stored, "read_headers")):
        monkeypatch.setattr(module, name, lambda *args, name=name: pytest.fail(f"{name} is called again"))
    for module, name in ((kernel, "kernel_times_self"), (neighbours, "nearest")):  # of the 11 images scored they are
        compute = getattr(module, name)

        def of_fake_alone(x: np.ndarray, more: Any, compute: Any = compute) -> Any:
            assert len(x) == 11
            return compute(x, more)

        monkeypatch.setattr(module, name, of_fake_alone)
    reference = open_reference(file)
    assert values(reference) == first
    assert reference.identity() == again.identity()
    assert reference.meta() == Reference.load(file).meta() == again.meta()


def test_a_set_of_this_run_alone_leaves_nothing_behind(file: Path) -> None:
    values(Reference(FeatureSet.of(np.ones((9, 3), np.float32)), None, None, None, {}))
    assert not (cache_dir() / "references").exists()


@pytest.fixture
def damaged(file: Path) -> list[Path]:
    """Return the files of the cache, each with a byte changed."""
    values(Reference.load(file))
    found = sorted((cache_dir() / "references").iterdir())
    for path in found:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    return found


def test_what_was_damaged_is_made_again(file: Path, damaged: list[Path]) -> None:
    assert {path.name.partition("-")[0] for path in damaged} == {"factor", "file", "kernel", "nearest"}
    broken = [path.read_bytes() for path in damaged]
    found = values(Reference.load(file))
    for path in damaged:
        path.unlink(missing_ok=True)
    assert values(Reference.load(file)) == found
    assert all(path.read_bytes() != before for path, before in zip(damaged, broken, strict=True))


def test_other_code_and_other_files_have_entries_of_their_own(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values(Reference.load(file))
    before = len(list((cache_dir() / "references").iterdir()))
    monkeypatch.setattr(kept, "_makers", lambda: ("other code",))
    values(Reference.load(file))
    assert len(list((cache_dir() / "references").iterdir())) == before + 3


def test_a_file_that_changes_is_read_anew_and_refused_as_ever(file: Path) -> None:
    Reference.load(file)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(ReferenceError, match=r"real\.npz"):
        open_reference(file)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0,), ()])
def test_arrays_of_any_shape_are_kept(shape: tuple[int, ...]) -> None:
    array = np.full(shape, 0.5)
    memory = kept.Kept("a checksum")
    memory.save("array", array)
    again = memory.load("array")
    assert again is not None
    assert again.shape == shape
    assert (again == array).all()


def test_metrics_on_demand_have_the_same_numbers_from_what_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["mind", "mmd_rbf", "clipped_density", "clipped_coverage", "kd_subsets"]
    fake = FeatureSet.of(np.random.default_rng(1).normal(size=(11, 12)).astype(np.float32))

    def computed() -> dict[str, Any]:
        few = partial(kernel.kd_subsets.compute, subsets=4, subset_size=6)
        real = Reference.load(file).features
        return evaluate(names[:-1], real=real, fake=fake) | {"kd_subsets": few(real=real, fake=fake)}

    first = computed()
    assert all(isinstance(one, Estimate) for one in first.values())
    monkeypatch.setattr(mind, "directions_of", lambda *args: pytest.fail("directions are drawn again"))
    monkeypatch.setattr(mmd_rbf.np, "triu_indices_from", lambda *args: pytest.fail("the median is found again"))
    assert computed() == first
