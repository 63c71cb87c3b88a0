"""Reference and statistics files that are damaged, hostile, or odd and good: a number, or one line of reason."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes, mutated_tree, peak_memory
from reference_files import FEATURES, SPEC

from ganbench.errors import GanbenchError, ReferenceError
from ganbench.references import index_file
from ganbench.references.interop import open_reference
from ganbench.references.library import check_reference, holds_statistics
from ganbench.references.stored import checksum


def use(path: Path) -> None:
    """Do with a reference what commands do; any error but ours fails the test."""
    with suppress(GanbenchError):
        holds_statistics(path)
        reference = open_reference(path)
        check_reference(reference)
        json.dumps(reference.meta())
        reference.memory()
        reference.require_match(SPEC, (64, 64))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_flipped_bytes_end_in_one_line(good_reference: dict[str, Any], seed: int) -> None:
    path = good_reference["folder"] / "bytes.npz"
    path.write_bytes(mutated_bytes(good_reference["ours"] if seed % 2 else good_reference["theirs"], seed))
    use(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_a_reference_says_of_itself_is_checked(good_reference: dict[str, Any], seed: int) -> None:
    arrays = dict(good_reference["arrays"])
    text = json.dumps(mutated_tree(json.loads(str(arrays["meta"])), seed))
    arrays["meta"] = np.array(text.encode("utf-8", "surrogatepass").decode("utf-8", "ignore"))
    path = good_reference["folder"] / "meta.npz"
    np.savez(path, **arrays, checksum=np.array(checksum(arrays)))
    use(path)


ODD = [np.array(3), np.array("x"), np.zeros((2, 3)), np.zeros(0), np.array(-5), np.array(10**18), np.array([b"x"]),
       np.full(8, np.nan), np.full((8, 8), np.inf), np.full((8, 8), 1e300), np.zeros((8, 8), complex),
       np.zeros((8, 8), "M8[s]"), np.zeros(8, [("a", "f4")]), np.array([True] * 8), np.zeros((0, 0))]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{odd.dtype}{odd.shape}")
def test_arrays_of_other_forms_are_refused(good_reference: dict[str, Any], odd: np.ndarray) -> None:
    path = good_reference["folder"] / "odd.npz"
    for name in ("mu", "sigma_upper", "sample", "sample_index", "n", "meta", *index_file.ARRAYS):
        arrays = good_reference["arrays"] | {name: odd}
        np.savez(path, **arrays, checksum=np.array(checksum(arrays)))
        with pytest.raises(ReferenceError, match=r"odd\.npz: "):
            open_reference(path)
    for name in ("mu", "sigma"):
        np.savez(path, **{"mu": np.zeros(8), "sigma": np.eye(8), name: odd})
        with pytest.raises(ReferenceError, match=r"odd\.npz: "):
            open_reference(path)


@pytest.mark.parametrize(
    ("sigma", "why"),
    [
        (np.diag([1.0, -5.0]), "the variance of feature 1 is -5, and no variance is negative"),
        (np.eye(2, dtype=np.complex64), "sigma is of complex numbers. Save its real part"),
        (np.eye(2, dtype=np.float16), "sigma is in half precision"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "sigma is not symmetric, and a covariance is"),
    ],
)
def test_what_is_no_covariance_is_said_to_be_none(tmp_path: Path, sigma: np.ndarray, why: str) -> None:
    np.savez(tmp_path / "a.npz", mu=np.zeros(2), sigma=sigma)
    with pytest.raises(ReferenceError, match=rf"a\.npz: .*{why}"):
        open_reference(tmp_path / "a.npz")


def _zeros(archive: zipfile.ZipFile, name: str, descr: str, shape: tuple[int, ...], *, honest: bool = True) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
    count = int(np.prod(shape)) * np.dtype(descr).itemsize if honest else 0
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        file.write(header.getvalue())
        for start in range(0, count, 1 << 20):
            file.write(bytes(min(1 << 20, count - start)))


def test_archives_that_unpack_to_much_are_refused_before_they_do(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    for arrays in (
        [("mu", "<f8", (3200,), True), ("sigma", "<f8", (3200, 3200), True)],
        [("mu", "<f8", (10**5,), True), ("sigma", "<f8", (10**5, 10**5), False)],
        [("mu", "<f8", (4,), True), ("meta", "<U1000000", (), True)],
        [("feats", "<f4", (20000, 1000), True)],
    ):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, descr, shape, honest in arrays:
                _zeros(archive, name, descr, shape, honest=honest)

        def read() -> None:
            with pytest.raises(ReferenceError, match=r"bomb\.npz: "):
                open_reference(path)

        assert peak_memory(read) < 32 << 20


def test_clean_fids_pair_serves_every_metric(tmp_path: Path) -> None:
    np.savez(tmp_path / "x_clean_custom_na.npz", mu=FEATURES.mean(0), sigma=np.cov(FEATURES, rowvar=False))
    assert not len(open_reference(tmp_path / "x_clean_custom_na.npz").features.sample)
    np.savez(tmp_path / "x_clean_custom_na_kid.npz", feats=FEATURES)
    np.savez(tmp_path / "alone.npz", feats=FEATURES)
    for name in ("x_clean_custom_na.npz", "x_clean_custom_na_kid.npz", "alone.npz"):
        assert holds_statistics(tmp_path / name)
        np.testing.assert_array_equal(open_reference(tmp_path / name).features.sample, FEATURES)
    np.save(tmp_path / "plain_kid.npy", FEATURES)
    with pytest.raises(ReferenceError, match=r"plain_kid\.npy: not a readable"):
        open_reference(tmp_path / "plain_kid.npy")
