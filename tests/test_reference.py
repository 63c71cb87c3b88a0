"""References: what is saved comes back, what does not fit is refused, what is damaged is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GateFailed, ReferenceError, UnknownName
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.metrics.evaluate import evaluate
from ganbench.references.library import check_reference, find_reference, holds_statistics, installed_references
from ganbench.references.reference import Reference
from ganbench.toyfaces import toyfaces


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.stack([image for _, image in toyfaces(40, seed=11)])


@pytest.fixture(scope="module")
def built(faces: np.ndarray, lite0: Extractor) -> Reference:
    return Reference.build(open_source(faces), lite0, sample_size=25, name="toy")


@pytest.mark.slow
def test_a_saved_reference_comes_back(built: Reference, faces: np.ndarray, tmp_path: Path) -> None:
    built.save(tmp_path / "toy.npz")
    loaded = Reference.load(tmp_path / "toy.npz")
    assert loaded.meta() == built.meta()
    assert loaded.features.n == 40
    assert len(loaded.features.sample) == 25
    np.testing.assert_array_equal(loaded.features.moments.mean, built.features.moments.mean)
    # float32 for sigma, float16 for the sample: 24 and 11 bits of mantissa.
    scale = np.abs(built.features.moments.cov).max()
    np.testing.assert_allclose(loaded.features.moments.cov, built.features.moments.cov, atol=scale * 2**-24)
    np.testing.assert_allclose(loaded.features.sample, built.features.sample, rtol=2**-11, atol=1e-7)
    np.testing.assert_array_equal(loaded.features.sample_index, built.features.sample_index)
    assert holds_statistics(tmp_path / "toy.npz")


@pytest.mark.slow
def test_the_sample_is_of_the_images_it_says(built: Reference, faces: np.ndarray, lite0: Extractor) -> None:
    features, _ = lite0(faces)
    np.testing.assert_array_equal(built.features.sample, features[built.features.sample_index])
    np.testing.assert_allclose(built.features.moments.cov, np.cov(features.astype(float), rowvar=False), atol=1e-9)


def test_what_does_not_compare_is_refused(built: Reference, lite0: Extractor) -> None:
    built.require_match(lite0.spec, (64, 64))
    with pytest.raises(ReferenceError, match=r"of 64x64 images, these are 96x96 pixels.*--resize 64x64"):
        built.require_match(lite0.spec, (96, 96))
    for change, value in (("version", 2), ("weights_sha256", "0" * 64), ("precision", "bf16"), ("name", "other")):
        with pytest.raises(ReferenceError, match=f"built with lite0 v1.*different: {change}"):
            built.require_match(replace(lite0.spec, **{change: value}), (64, 64))


def test_a_reference_cut_in_half_or_altered_is_refused(built: Reference, tmp_path: Path) -> None:
    path = tmp_path / "toy.npz"
    built.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ReferenceError, match="cut short"):
        Reference.load(path)
    path.write_bytes(data)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["mu"] = arrays["mu"] + 1e-9
    np.savez(path, **arrays)
    with pytest.raises(ReferenceError, match="checksum differs"):
        Reference.load(path)
    with pytest.raises(ReferenceError, match="no such reference file"):
        Reference.load(tmp_path / "absent.npz")
    np.savez(path, images=np.zeros(3))
    with pytest.raises(ReferenceError, match="not a reference: it holds images"):
        Reference.load(path)
    np.savez(path, mu=np.zeros(3), sigma=np.zeros((2, 2)))
    with pytest.raises(ReferenceError, match="are not a mean and its covariance"):
        Reference.load(path)


def test_pickles_are_never_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", mu=np.array([{}], object))
    with pytest.raises(ReferenceError, match="not a reference: it holds no arrays of numbers"):
        Reference.load(tmp_path / "evil.npz")


def test_a_damaged_reference_is_called_so(built: Reference, tmp_path: Path) -> None:
    path = tmp_path / "toy.npz"
    built.save(path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    np.save(tmp_path / "one.npy", np.zeros(3))
    for data in (whole[:middle] + bytes(64) + whole[middle + 64 :], whole[:-1000], b"xx", b"",
                 (tmp_path / "one.npy").read_bytes()):  # fmt: skip
        path.write_bytes(data)
        with pytest.raises(ReferenceError, match=r"toy\.npz: not a readable reference: damaged, cut short") as caught:
            Reference.load(path)
        assert "pickle" not in str(caught.value)


def test_a_pytorch_fid_file_serves_the_frechet_distance_alone(
    built: Reference, faces: np.ndarray, lite0: Extractor, tmp_path: Path
) -> None:
    moments = built.features.moments
    np.savez(tmp_path / "theirs.npz", mu=moments.mean, sigma=moments.cov)
    theirs = Reference.load(tmp_path / "theirs.npz")
    theirs.require_match(lite0.spec, (64, 64))
    assert "unknown" in theirs.origin()
    ours = evaluate(["fd"], real=built.features, fake=built.features)["fd"].value
    found = evaluate(["fd", "kd"], real=theirs.features, fake=built.features)
    assert found["fd"].value == pytest.approx(ours, abs=1e-6)
    assert isinstance(found["kd"], Exception)


@pytest.mark.slow
def test_checks_notice_wrong_statistics(built: Reference, faces: np.ndarray, tmp_path: Path) -> None:
    assert all(check.ok for check in check_reference(built))
    moments = built.features.moments
    shifted = replace(built, features=replace(built.features, moments=replace(moments, mean=moments.mean + 1)))
    assert [c.what for c in check_reference(shifted) if not c.ok] == ["sample agrees with mu"]
    indefinite = replace(built.features, moments=replace(moments, scatter=moments.scatter - np.eye(len(moments.mean))))
    failed = [c.what for c in check_reference(replace(built, features=indefinite)) if not c.ok]
    assert failed[0] == "sigma is a covariance"
    np.save(tmp_path / "faces.npy", faces)
    assert all(check.ok for check in check_reference(built, str(tmp_path / "faces.npy")))
    np.save(tmp_path / "faces.npy", faces[::-1])
    failed = [c.what for c in check_reference(built, str(tmp_path / "faces.npy")) if not c.ok]
    assert failed == ["made of these images"]


@pytest.mark.parametrize("value", [0.0, 0.1, 1e4])
def test_a_reference_of_images_that_are_all_alike_is_intact(built: Reference, value: float) -> None:
    moments, sample = built.features.moments, np.full_like(built.features.sample, value)
    alike = replace(moments, mean=np.full_like(moments.mean, value), scatter=np.zeros_like(moments.scatter))
    whole = replace(built, features=replace(built.features, moments=alike, sample=sample))
    assert [check.what for check in check_reference(whole) if not check.ok] == []
    moved = replace(built, features=replace(built.features, moments=alike, sample=sample + np.float32(1)))
    assert [check.what for check in check_reference(moved) if not check.ok] == ["sample agrees with mu"]


@pytest.mark.slow
def test_the_shipped_reference_is_intact() -> None:
    path = find_reference("anime-faces-64", "lite0")
    assert path.stat().st_size < 18_000_000
    shipped = Reference.load(path)
    assert (shipped.features.n, shipped.image_size, shipped.packets.level) == (18_000, (64, 64), 4)
    assert all(check.ok for check in check_reference(shipped))


def test_names_are_looked_up(built: Reference, ganbench_home: Path) -> None:
    assert find_reference("anime-faces-64", "inception") is None
    with pytest.raises(UnknownName, match="Did you mean 'anime-faces-64'"):
        find_reference("anime-face-64", "lite0")
    built.save(ganbench_home / "data" / "references" / "mine.lite0.npz")
    assert find_reference("mine", "lite0") == installed_references()[0]


@pytest.mark.slow
def test_the_commands(faces: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", faces)
    run = CliRunner().invoke
    out = tmp_path / "toy.npz"
    result = run(app, ["reference", "build", str(tmp_path / "faces.npy"), "--limit", "30", "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert "toy: 30 images, sample 30" in result.output
    assert '"count": 30' in run(app, ["reference", "show", str(out), "--json"]).output
    assert "anime-faces-64" in run(app, ["reference", "list"]).output
    assert run(app, ["reference", "verify", str(out), "--source", str(tmp_path / "faces.npy")]).exit_code == 0
    assert run(app, ["reference", "export", str(out), str(tmp_path / "stats.npz")]).exit_code == 0
    with np.load(tmp_path / "stats.npz") as file:
        assert sorted(file.files) == ["mu", "sigma"]
        np.testing.assert_array_equal(file["mu"], Reference.load(out).features.moments.mean)
    assert isinstance(run(app, ["reference", "export", str(out), "x", "--format", "clean"]).exception, UnknownName)
    np.save(tmp_path / "faces.npy", faces[::-1])
    wrong = run(app, ["reference", "verify", str(out), "--source", str(tmp_path / "faces.npy")])
    assert isinstance(wrong.exception, GateFailed)
