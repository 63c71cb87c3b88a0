"""A reference with everything in it as a file, and files that differ from it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.features.spec import ExtractorSpec
from ganbench.looks.alterations import alterations
from ganbench.looks.measures import NAMES
from ganbench.looks.real import RealLooks
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


@pytest.fixture(scope="session")
def good_reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
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


def altered(good_reference: dict[str, Any], name: str, **arrays: np.ndarray) -> Path:
    path = good_reference["folder"] / name
    changed = good_reference["arrays"] | arrays
    np.savez(path, **changed, checksum=np.array(checksum(changed)))
    return path


def said(good_reference: dict[str, Any], **parts: object) -> np.ndarray:
    return np.array(json.dumps(json.loads(str(good_reference["arrays"]["meta"])) | parts))
