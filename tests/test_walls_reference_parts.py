"""Parts of a reference's file: they come back as they were, are checked, and older files say what they lack."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from reference_files import FEATURES, HELD_OUT, KINDS, LOOKS, PACKETS, UPPER, altered, an_index, said

from ganbench.errors import ReferenceError
from ganbench.looks.measures import NAMES
from ganbench.references import form, index_file, looks_file, packet_file, stored
from ganbench.references.real_pixels import RealPixels
from ganbench.references.reference import Reference
from ganbench.references.stored import checksum
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.signatures import SIGNATURE


def test_an_index_comes_back(good_reference: dict[str, Any]) -> None:
    loaded, index = Reference.load(good_reference["folder"] / "good.npz"), an_index()
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
def test_an_index_that_is_none_is_refused(
    good_reference: dict[str, Any], name: str, value: np.ndarray, why: str
) -> None:
    with pytest.raises(ReferenceError, match=rf"index\.npz: .*{why}"):
        Reference.load(altered(good_reference, "index.npz", **{name: value}))


def test_an_index_is_of_all_images(good_reference: dict[str, Any]) -> None:
    few = an_index()
    few = ImageIndex(few.projection, few.codes[:40], few.signatures[:40], SIGNATURE, few.nearest[:40],
                     few.positions[:40], few.names[:40])  # fmt: skip
    path = altered(
        good_reference, "few.npz", **index_file.pack(few), meta=said(good_reference, index=index_file.describe(few))
    )
    with pytest.raises(ReferenceError, match="its moments are of 50 images, and its index of 40"):
        Reference.load(path)
    more = HELD_OUT | {"copies": 10}
    with pytest.raises(ReferenceError, match="more copies or nearer ones than the 9 held-out images"):
        Reference.load(altered(good_reference, "more.npz", meta=said(good_reference, held_out=more)))


def test_an_index_that_does_not_fit_into_memory_is_refused_before_it_is_read(
    good_reference: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_file, "usable", lambda: 20_000)
    with pytest.raises(ReferenceError, match="its index of 50 images takes 0 MB, and this process may use"):
        Reference.load(altered(good_reference, "large.npz", mu=good_reference["arrays"]["mu"] + 1e-12))
    many = index_file.describe(an_index()) | {"images": index_file.MOST_IMAGES + 1}
    with pytest.raises(ReferenceError, match="less than or equal to 10000000"):
        Reference.load(altered(good_reference, "many.npz", meta=said(good_reference, index=many)))


def test_schema_1_loads_and_says_what_it_lacks(good_reference: dict[str, Any]) -> None:
    meta = json.loads(str(good_reference["arrays"]["meta"])) | {"schema": 1}
    late = (*index_file.ARRAYS, *packet_file.ARRAYS, *looks_file.ARRAYS)
    old = {name: array for name, array in good_reference["arrays"].items() if name not in late}
    old["meta"] = np.array(json.dumps({name: part for name, part in meta.items() if name not in form.SINCE}))
    path = good_reference["folder"] / "old.npz"
    np.savez(path, **old, checksum=np.array(checksum(old)))
    loaded = Reference.load(path)
    assert loaded.index is loaded.held_out is loaded.packets is loaded.looks is None
    assert loaded.meta()["schema"] == 1
    assert "lacks an index" in loaded.memory()
    assert "build it anew" in loaded.memory()
    loaded.save(good_reference["folder"] / "again.npz")
    assert Reference.load(good_reference["folder"] / "again.npz").meta() == loaded.meta()
    with pytest.raises(ReferenceError, match="it says schema 1, which has no held_out"):
        Reference.load(altered(good_reference, "late.npz", meta=np.array(json.dumps(meta))))


def test_schema_2_loads_and_says_what_it_lacks(good_reference: dict[str, Any]) -> None:
    meta = json.loads(str(good_reference["arrays"]["meta"])) | {"schema": 2}
    late = (*packet_file.ARRAYS, *looks_file.ARRAYS)
    old = {name: array for name, array in good_reference["arrays"].items() if name not in late}
    old["meta"] = np.array(json.dumps({name: part for name, part in meta.items() if form.SINCE.get(name, 1) < 3}))
    path = good_reference["folder"] / "two.npz"
    np.savez(path, **old, checksum=np.array(checksum(old)))
    loaded = Reference.load(path)
    assert loaded.packets is None
    assert loaded.index is not None
    assert loaded.memory().endswith("9 held out, lacks wavelet packets, lacks looks for explanations")
    with pytest.raises(ReferenceError, match=r"reference good lacks the wavelet packets of its images: build it anew"):
        RealPixels.of(loaded)
    with pytest.raises(ReferenceError, match="it says schema 2, which has no looks"):
        Reference.load(altered(good_reference, "late.npz", meta=np.array(json.dumps(meta))))


def test_packets_come_back_as_they_were(good_reference: dict[str, Any]) -> None:
    loaded = Reference.load(altered(good_reference, "same.npz", mu=good_reference["arrays"]["mu"])).packets
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
def test_packets_that_are_none_are_refused(
    good_reference: dict[str, Any], changed: dict[str, np.ndarray], why: str
) -> None:
    with pytest.raises(ReferenceError, match=why):
        Reference.load(altered(good_reference, "packets.npz", **changed))


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
def test_what_a_file_says_of_its_packets_is_checked(good_reference: dict[str, Any], said_of_it: Any, why: str) -> None:
    with pytest.raises(ReferenceError, match=why):
        Reference.load(altered(good_reference, "packets.npz", meta=said(good_reference, **said_of_it)))


def test_schema_3_loads_and_says_what_it_lacks(good_reference: dict[str, Any]) -> None:
    meta = json.loads(str(good_reference["arrays"]["meta"])) | {"schema": 3}
    old = {name: array for name, array in good_reference["arrays"].items() if name not in looks_file.ARRAYS}
    old["meta"] = np.array(json.dumps({name: part for name, part in meta.items() if name != "looks"}))
    path = good_reference["folder"] / "three.npz"
    np.savez(path, **old, checksum=np.array(checksum(old)))
    loaded = Reference.load(path)
    assert loaded.looks is None
    assert loaded.packets is not None
    assert loaded.memory().endswith("256 wavelet packets, lacks looks for explanations")
    with pytest.raises(ReferenceError, match="it says schema 3, which has no looks"):
        Reference.load(altered(good_reference, "late.npz", meta=np.array(json.dumps(meta))))


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
def test_looks_that_are_none_are_refused(
    good_reference: dict[str, Any], changed: dict[str, np.ndarray], why: str
) -> None:
    with pytest.raises(ReferenceError, match=why):
        Reference.load(altered(good_reference, "looks.npz", **changed))


@pytest.mark.parametrize("wrong", [{"form": "looks v0"}, {"tail": 0.0}, {"kinds": [6] * 17}, {"kinds": [1]}])
def test_what_a_file_says_of_its_looks_is_checked(good_reference: dict[str, Any], wrong: dict[str, Any]) -> None:
    looks = looks_file.describe(LOOKS, (KINDS,)) | wrong
    with pytest.raises(ReferenceError, match="looks"):
        Reference.load(altered(good_reference, "looks.npz", meta=said(good_reference, looks=looks)))


def test_older_readers_refuse_it_in_one_line(good_reference: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "SCHEMA", 1)
    with pytest.raises(ReferenceError, match=r"reference schema 4, this ganbench reads 1\. Update it"):
        Reference.load(altered(good_reference, "newer.npz", mu=good_reference["arrays"]["mu"] + 1e-13))
    assert form.SCHEMA == 4
