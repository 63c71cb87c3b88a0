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

from ganbench.errors import GanbenchError, ReferenceError
from ganbench.features.spec import ExtractorSpec
from ganbench.looks.alterations import alterations
from ganbench.looks.measures import NAMES
from ganbench.looks.real import RealLooks
from ganbench.references import form, index_file, looks_file, packet_file, stored
from ganbench.references.interop import open_reference
from ganbench.references.library import check_reference, holds_statistics
from ganbench.references.real_pixels import RealPixels
from ganbench.references.reference import Reference
from ganbench.references.stored import checksum
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.moments import Moments
from ganbench.statistics.packets import PacketMoments
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import LENGTH, SIGNATURE

FEATURES = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
SPEC = ExtractorSpec("lite0", 1, 8, 224, "bicubic-aa", "0" * 64)


HELD_OUT = {"images": 9, "digest": "e", "copies": 1, "nearer": 2,
            "figures": {"fd": {"value": 1.5, "low": None, "high": 2.0, "n": 9, "version": 1}}}  # fmt: skip


PACKETS = PacketMoments(50, (64, 64), 4, np.full((256, 48), 0.5), np.tile(np.eye(48), (256, 1, 1)))


COUNT = len(NAMES)
TRACES = np.zeros((len(alterations()), COUNT), np.float32)
LOOKS = RealLooks(450, np.zeros(COUNT), np.ones(COUNT), np.zeros(COUNT), np.eye(COUNT), TRACES, 2.0)
UPPER = np.eye(COUNT, dtype=np.float32)[np.triu_indices(COUNT)]
KINDS = np.arange(48, dtype=np.int8).reshape(6, 8)


def an_index() -> ImageIndex:
    projection = Projection.of(Moments.of(FEATURES))
    codes = projection.encode(FEATURES)
    marks = np.random.default_rng(1).integers(0, 256, (50, LENGTH), np.uint8)
    near = np.linspace(1, 2, 50, dtype=np.float32)
    return ImageIndex(projection, codes, marks, SIGNATURE, near, np.arange(50), [f"{n}.png" for n in range(50)])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("references")
    features = FeatureSet(Moments.of(FEATURES), FEATURES, np.arange(50), None)
    data = {"label": "a", "count": 50, "digest": "d"}
    reference = Reference(features, SPEC, (64, 64), None, data, name="good", index=an_index(), held_out=HELD_OUT,
                          packets=PACKETS, looks=LOOKS, kinds=(KINDS,))  # fmt: skip
    reference.save(folder / "good.npz")
    theirs = io.BytesIO()
    np.savez(theirs, mu=FEATURES.mean(0, np.float64), sigma=np.cov(FEATURES, rowvar=False))
    with np.load(folder / "good.npz") as file:
        arrays = {name: file[name] for name in file.files if name != "checksum"}
    return {"folder": folder, "ours": (folder / "good.npz").read_bytes(), "theirs": theirs.getvalue(), "arrays": arrays}


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
def test_flipped_bytes_end_in_one_line(good: dict[str, Any], seed: int) -> None:
    path = good["folder"] / "bytes.npz"
    path.write_bytes(mutated_bytes(good["ours"] if seed % 2 else good["theirs"], seed))
    use(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_a_reference_says_of_itself_is_checked(good: dict[str, Any], seed: int) -> None:
    arrays = dict(good["arrays"])
    text = json.dumps(mutated_tree(json.loads(str(arrays["meta"])), seed))
    arrays["meta"] = np.array(text.encode("utf-8", "surrogatepass").decode("utf-8", "ignore"))
    path = good["folder"] / "meta.npz"
    np.savez(path, **arrays, checksum=np.array(checksum(arrays)))
    use(path)


ODD = [np.array(3), np.array("x"), np.zeros((2, 3)), np.zeros(0), np.array(-5), np.array(10**18), np.array([b"x"]),
       np.full(8, np.nan), np.full((8, 8), np.inf), np.full((8, 8), 1e300), np.zeros((8, 8), complex),
       np.zeros((8, 8), "M8[s]"), np.zeros(8, [("a", "f4")]), np.array([True] * 8), np.zeros((0, 0))]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{odd.dtype}{odd.shape}")
def test_arrays_of_other_forms_are_refused(good: dict[str, Any], odd: np.ndarray) -> None:
    path = good["folder"] / "odd.npz"
    for name in ("mu", "sigma_upper", "sample", "sample_index", "n", "meta", *index_file.ARRAYS):
        arrays = good["arrays"] | {name: odd}
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


def altered(good: dict[str, Any], name: str, **arrays: np.ndarray) -> Path:
    path = good["folder"] / name
    changed = good["arrays"] | arrays
    np.savez(path, **changed, checksum=np.array(checksum(changed)))
    return path


def said(good: dict[str, Any], **parts: object) -> np.ndarray:
    return np.array(json.dumps(json.loads(str(good["arrays"]["meta"])) | parts))


def test_an_index_comes_back(good: dict[str, Any]) -> None:
    loaded, index = Reference.load(good["folder"] / "good.npz"), an_index()
    for name in ("codes", "signatures", "nearest", "positions"):
        np.testing.assert_array_equal(getattr(loaded.index, name), getattr(index, name))
    assert list(loaded.index.names) == index.names
    np.testing.assert_array_equal(loaded.index.encode(FEATURES), index.codes)
    assert loaded.held_out == HELD_OUT
    assert (
        loaded.memory()
        == "index of all 50 images (264 bytes each), 9 held out, 256 wavelet packets, looks of 450 images"
    )


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("nearest", np.full(50, -1, np.float32), "a distance to the nearest other image is negative or NaN"),
        ("nearest", np.full(50, np.nan, np.float32), "a distance to the nearest other image is negative or NaN"),
        ("positions", np.zeros(50, np.int64), "the places of the images in their source are none"),
        ("names", np.frombuffer(b"a" * 60, np.uint8), "does not hold 50 names"),
        ("names", np.zeros(51, np.uint8), "does not hold 50 names"),
        ("names", np.zeros(49, np.uint8), r"names of 50 images in an array of shape \(49,\)"),
        ("codes", np.zeros((8, 49), np.int8), r"codes is int8 \(8, 49\), and int8 \(8, 50\) belongs there"),
        ("codes", np.zeros((8, 50), np.uint8), r"codes is uint8 \(8, 50\), and int8 \(8, 50\) belongs there"),
        ("index_axes", np.full((8, 8), np.nan, np.float16), "index_axes holds NaN, infinite or absurd values"),
    ],
)
def test_an_index_that_is_none_is_refused(good: dict[str, Any], name: str, value: np.ndarray, why: str) -> None:
    with pytest.raises(ReferenceError, match=rf"index\.npz: .*{why}"):
        Reference.load(altered(good, "index.npz", **{name: value}))


def test_an_index_is_of_all_images(good: dict[str, Any]) -> None:
    few = an_index()
    few = ImageIndex(few.projection, few.codes[:40], few.signatures[:40], SIGNATURE, few.nearest[:40],
                     few.positions[:40], few.names[:40])  # fmt: skip
    path = altered(good, "few.npz", **index_file.pack(few), meta=said(good, index=index_file.describe(few)))
    with pytest.raises(ReferenceError, match="its moments are of 50 images, and its index of 40"):
        Reference.load(path)
    more = HELD_OUT | {"copies": 10}
    with pytest.raises(ReferenceError, match="more copies or nearer ones than the 9 held-out images"):
        Reference.load(altered(good, "more.npz", meta=said(good, held_out=more)))


def test_an_index_that_does_not_fit_into_memory_is_refused_before_it_is_read(
    good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_file, "usable", lambda: 20_000)
    with pytest.raises(ReferenceError, match="its index of 50 images takes 0 MB, and this process may use"):
        Reference.load(altered(good, "large.npz", mu=good["arrays"]["mu"] + 1e-12))
    many = index_file.describe(an_index()) | {"images": index_file.MOST_IMAGES + 1}
    with pytest.raises(ReferenceError, match="less than or equal to 10000000"):
        Reference.load(altered(good, "many.npz", meta=said(good, index=many)))


def test_schema_1_loads_and_says_what_it_lacks(good: dict[str, Any]) -> None:
    meta = json.loads(str(good["arrays"]["meta"])) | {"schema": 1}
    late = (*index_file.ARRAYS, *packet_file.ARRAYS, *looks_file.ARRAYS)
    old = {name: array for name, array in good["arrays"].items() if name not in late}
    old["meta"] = np.array(json.dumps({name: part for name, part in meta.items() if name not in form.SINCE}))
    path = good["folder"] / "old.npz"
    np.savez(path, **old, checksum=np.array(checksum(old)))
    loaded = Reference.load(path)
    assert loaded.index is loaded.held_out is loaded.packets is loaded.looks is None
    assert loaded.meta()["schema"] == 1
    assert "lacks an index" in loaded.memory()
    assert "build it anew" in loaded.memory()
    loaded.save(good["folder"] / "again.npz")
    assert Reference.load(good["folder"] / "again.npz").meta() == loaded.meta()
    with pytest.raises(ReferenceError, match="it says schema 1, which has no held_out"):
        Reference.load(altered(good, "late.npz", meta=np.array(json.dumps(meta))))


def test_schema_2_loads_and_says_what_it_lacks(good: dict[str, Any]) -> None:
    meta = json.loads(str(good["arrays"]["meta"])) | {"schema": 2}
    late = (*packet_file.ARRAYS, *looks_file.ARRAYS)
    old = {name: array for name, array in good["arrays"].items() if name not in late}
    old["meta"] = np.array(json.dumps({name: part for name, part in meta.items() if form.SINCE.get(name, 1) < 3}))
    path = good["folder"] / "two.npz"
    np.savez(path, **old, checksum=np.array(checksum(old)))
    loaded = Reference.load(path)
    assert loaded.packets is None
    assert loaded.index is not None
    assert loaded.memory().endswith("9 held out, lacks wavelet packets, lacks looks for explanations")
    with pytest.raises(ReferenceError, match=r"reference good lacks the wavelet packets of its images: build it anew"):
        RealPixels.of(loaded)
    with pytest.raises(ReferenceError, match="it says schema 2, which has no looks"):
        Reference.load(altered(good, "late.npz", meta=np.array(json.dumps(meta))))


def test_packets_come_back_as_they_were(good: dict[str, Any]) -> None:
    loaded = Reference.load(altered(good, "same.npz", mu=good["arrays"]["mu"])).packets
    assert (loaded.n, loaded.size, loaded.level) == (50, (64, 64), 4)
    np.testing.assert_array_equal(loaded.mean, PACKETS.mean)
    np.testing.assert_array_equal(loaded.cov, PACKETS.cov)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"packet_mean": np.full((256, 48), np.nan)}, "NaN, infinite or absurd"),
        ({"packet_upper": np.full((256, 1176), 1e6, np.float32)}, "NaN, infinite or absurd"),
        ({"packet_upper": np.full((256, 1176), -1, np.float32)}, "no variance is"),
        ({"packet_mean": np.zeros((256, 47))}, "belongs there"),
        ({"packet_upper": np.zeros((256, 1176))}, "belongs there"),
    ],
)
def test_packets_that_are_none_are_refused(good: dict[str, Any], changed: dict[str, np.ndarray], why: str) -> None:
    with pytest.raises(ReferenceError, match=why):
        Reference.load(altered(good, "packets.npz", **changed))


@pytest.mark.parametrize(
    ("said_of_it", "why"),
    [
        ({"packets": {"transform": "haar v1", "level": 3}}, "level 3, and those of 64x64 images have 4"),
        ({"packets": {"transform": "db2 v1", "level": 4}}, "packets.transform"),
        ({"image_size": None}, "images of no size"),
        ({"image_size": [1 << 20, 1 << 20]}, "MB, and the memory budget is"),
        ({"image_size": [65, 64]}, "multiples of 16"),
    ],
)
def test_what_a_file_says_of_its_packets_is_checked(good: dict[str, Any], said_of_it: Any, why: str) -> None:
    with pytest.raises(ReferenceError, match=why):
        Reference.load(altered(good, "packets.npz", meta=said(good, **said_of_it)))


def test_schema_3_loads_and_says_what_it_lacks(good: dict[str, Any]) -> None:
    meta = json.loads(str(good["arrays"]["meta"])) | {"schema": 3}
    old = {name: array for name, array in good["arrays"].items() if name not in looks_file.ARRAYS}
    old["meta"] = np.array(json.dumps({name: part for name, part in meta.items() if name != "looks"}))
    path = good["folder"] / "three.npz"
    np.savez(path, **old, checksum=np.array(checksum(old)))
    loaded = Reference.load(path)
    assert loaded.looks is None
    assert loaded.packets is not None
    assert loaded.memory().endswith("256 wavelet packets, lacks looks for explanations")
    with pytest.raises(ReferenceError, match="it says schema 3, which has no looks"):
        Reference.load(altered(good, "late.npz", meta=np.array(json.dumps(meta))))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"look_centre": np.full(len(NAMES), np.nan)}, "NaN, infinite or absurd"),
        ({"look_scale": np.zeros(len(NAMES))}, "not above 0"),
        ({"look_upper": -UPPER}, "not above 0"),
        ({"look_traces": LOOKS.traces.astype(np.float16)[:-1]}, "belongs there"),
        ({"look_mean": np.zeros(len(NAMES), np.float32)}, "belongs there"),
        ({"kinds": np.zeros((6, 3), np.int8)}, "not of the codes of its index"),
        ({"kinds": np.zeros((7, 8), np.int8)}, "belongs there"),
        ({"kinds": np.zeros(6, np.int8)}, "are not those of codes"),
    ],
)
def test_looks_that_are_none_are_refused(good: dict[str, Any], changed: dict[str, np.ndarray], why: str) -> None:
    with pytest.raises(ReferenceError, match=why):
        Reference.load(altered(good, "looks.npz", **changed))


@pytest.mark.parametrize("wrong", [{"form": "looks v0"}, {"tail": 0.0}, {"kinds": [6] * 17}, {"kinds": [1]}])
def test_what_a_file_says_of_its_looks_is_checked(good: dict[str, Any], wrong: dict[str, Any]) -> None:
    looks = looks_file.describe(LOOKS, (KINDS,)) | wrong
    with pytest.raises(ReferenceError, match="looks"):
        Reference.load(altered(good, "looks.npz", meta=said(good, looks=looks)))


def test_older_readers_refuse_it_in_one_line(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "SCHEMA", 1)
    with pytest.raises(ReferenceError, match=r"reference schema 4, this ganbench reads 1\. Update it"):
        Reference.load(altered(good, "newer.npz", mu=good["arrays"]["mu"] + 1e-13))
    assert form.SCHEMA == 4
