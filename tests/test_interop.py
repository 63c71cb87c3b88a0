"""Statistics files of pytorch-fid and clean-fid, written and read, against those tools' own code."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import ganbench
from ganbench.errors import GanbenchError, ReferenceError
from ganbench.metrics.frechet import fd
from ganbench.metrics.kernel import kd
from ganbench.references.interop import read_clean_fid, write_clean_fid, write_pytorch_fid
from ganbench.references.library import holds_statistics
from ganbench.references.reference import Reference
from ganbench.statistics.features import FeatureSet

SIZE = 16


def features(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 1, (count, SIZE)) @ rng.normal(0, 0.5, (SIZE, SIZE)) + 1).astype(np.float32)


@pytest.fixture
def reference() -> Reference:
    return Reference(FeatureSet.of(features(50, 0)), None, None, None, {"label": "real", "count": 50}, name="real")


def test_pytorch_fid_reads_what_we_write(reference: Reference, tmp_path: Path) -> None:
    from pytorch_fid.fid_score import compute_statistics_of_path

    write_pytorch_fid(reference, tmp_path / "ours.npz")
    mu, sigma = compute_statistics_of_path(str(tmp_path / "ours.npz"), None, 1, SIZE, "cpu")
    x = features(50, 0).astype(np.float64)
    np.testing.assert_allclose(mu, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(sigma, np.cov(x, rowvar=False), rtol=1e-10, atol=1e-12)


def test_we_read_what_pytorch_fid_writes(tmp_path: Path) -> None:
    x, y = features(50, 0), features(40, 1)
    np.savez_compressed(tmp_path / "theirs.npz", mu=x.mean(0, np.float64), sigma=np.cov(x, rowvar=False))
    loaded = Reference.load(tmp_path / "theirs.npz")
    expected = fd(real=FeatureSet.of(x), fake=FeatureSet.of(y)).value
    assert fd(real=loaded.features, fake=FeatureSet.of(y)).value == pytest.approx(expected, rel=1e-8)


def test_clean_fid_finds_and_reads_what_we_write(
    reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cleanfid
    from cleanfid.features import get_reference_statistics

    write_clean_fid(reference, tmp_path / "stats", "Faces")
    monkeypatch.setattr(cleanfid, "__file__", str(tmp_path / "__init__.py"))
    mu, sigma = get_reference_statistics("Faces", "na", split="custom")
    np.testing.assert_allclose(mu, reference.features.moments.mean)
    np.testing.assert_allclose(sigma, reference.features.moments.cov)
    feats = get_reference_statistics("Faces", "na", split="custom", metric="KID")
    np.testing.assert_array_equal(feats, features(50, 0))


def test_we_read_clean_fids_pair_of_files(tmp_path: Path) -> None:
    x, y = features(50, 0), FeatureSet.of(features(40, 1))
    statistics, kid = tmp_path / "a_clean_custom_na.npz", tmp_path / "a_clean_custom_na_kid.npz"
    np.savez_compressed(statistics, mu=np.mean(x, axis=0), sigma=np.cov(x, rowvar=False))
    np.savez_compressed(kid, feats=x)
    exact = FeatureSet.of(x)
    for path in (statistics, kid):
        loaded = read_clean_fid(path)
        assert loaded.features.n == 50
        assert fd(real=loaded.features, fake=y).value == pytest.approx(fd(real=exact, fake=y).value, rel=1e-5)
        assert kd(real=loaded.features, fake=y).value == pytest.approx(kd(real=exact, fake=y).value, rel=1e-12)
    kid.unlink()
    alone = read_clean_fid(statistics)
    assert not len(alone.features.sample)
    with pytest.raises(ReferenceError, match="mu and sigma only"):
        write_clean_fid(alone, tmp_path, "again")


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    statistics, kid = tmp_path / "a.npz", tmp_path / "a_kid.npz"
    with pytest.raises(ReferenceError, match="no such statistics file"):
        read_clean_fid(statistics)
    x = features(50, 0)
    np.savez(statistics, mu=np.mean(x, axis=0) + 1, sigma=np.cov(x, rowvar=False))
    np.savez(kid, feats=x)
    with pytest.raises(ReferenceError, match="not of the same images: their means differ. Move one"):
        read_clean_fid(statistics)
    np.savez(statistics, mu=np.mean(x, axis=0), sigma=np.cov(x, rowvar=False) * 1.2)
    with pytest.raises(ReferenceError, match="not of the same images: their covariances differ"):
        read_clean_fid(statistics)
    np.savez(statistics, mu=np.mean(x, axis=0), sigma=np.cov(x, rowvar=False, ddof=0))  # as some tools have it
    assert read_clean_fid(statistics).features.n == 50
    kid.write_bytes(kid.read_bytes()[:300])
    with pytest.raises(ReferenceError, match="not a readable clean-fid feature file"):
        read_clean_fid(kid)
    np.savez(kid, feats=x[0])
    with pytest.raises(ReferenceError, match="not the features of at least 2 images"):
        read_clean_fid(kid)


@pytest.mark.parametrize("name", ["real", "real.npz", "real.NPZ", "real.bin"])
def test_statistics_are_known_by_what_they_hold(tmp_path: Path, name: str) -> None:
    x = features(50, 0)
    np.savez(tmp_path / "a.npz", mu=np.mean(x, axis=0), sigma=np.cov(x, rowvar=False))
    (tmp_path / "a.npz").rename(tmp_path / name)
    assert holds_statistics(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt", "a.pkl"])
def test_statistics_of_other_forms_are_told_how_to_save_them(tmp_path: Path, image_folder: Path, name: str) -> None:
    """What was said of them spoke of images alone."""
    with (tmp_path / name).open("wb") as file:
        if name.endswith(".npz"):
            np.savez(file, ref_mu=np.zeros(8), ref_sigma=np.eye(8))
        elif name.endswith(".npy"):
            np.save(file, np.zeros(8))
        else:
            pickle.dump({"mu": 0}, file)
    with pytest.raises(GanbenchError, match=rf"{name}: .*If it holds statistics, .*numpy.savez\('real.npz', mu=mean"):
        ganbench.score(image_folder, tmp_path / name, metrics="fd", detector=None)
