"""Mutated references of every kind that is read: ours, pytorch-fid's, clean-fid's pair.

What loads must be whole: a mutant of our own file that loads has the very numbers of the original, and whatever loads
can be described and scored against, or is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from campaigns.base import Sweep, guard
from campaigns.mutate import bend, damage
from ganbench.features.spec import ExtractorSpec
from ganbench.metrics.frechet import fd
from ganbench.metrics.wavelet import fwd
from ganbench.references.interop import read_clean_fid
from ganbench.references.library import check_reference, holds_statistics
from ganbench.references.real_pixels import RealPixels
from ganbench.references.reference import Reference
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.moments import Moments
from ganbench.statistics.packets import PacketSet
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import LENGTH, SIGNATURE

_SIZE = 8  # features of an image


def checksum(arrays: dict[str, np.ndarray]) -> str:
    """Return the checksum that our file has over its arrays, as docs/references.md describes it."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return digest.hexdigest()


def _index(features: np.ndarray, rng: np.random.Generator) -> ImageIndex:
    projection = Projection.of(Moments.of(features))
    marks = rng.integers(0, 256, (len(features), LENGTH), np.uint8)
    near = np.ones(len(features), np.float32)
    names = [f"{number}.png" for number in range(len(features))]
    return ImageIndex(projection, projection.encode(features), marks, SIGNATURE, near, np.arange(len(names)), names)


def _search(index: ImageIndex) -> None:
    """Look for an image, and for the name of what is nearest to it."""
    _, rows = index.candidates(index.encode(np.zeros((1, _SIZE), np.float32)), 3)
    [index.names[int(row)] for row in rows[0]]


class References(Sweep):
    """Bytes are damaged, and arrays and the description are bent under a checksum that is right."""

    name = "references"
    count = 1500

    def __init__(self, folder: Path) -> None:
        """Write the whole files."""
        super().__init__(folder)
        rng = np.random.default_rng(0)
        features = rng.normal(size=(50, _SIZE)).astype(np.float32)
        self._fakes = FeatureSet.of(rng.normal(0.3, 1.2, (40, _SIZE)).astype(np.float32))
        spec = ExtractorSpec("lite0", 1, _SIZE, 224, "bicubic-aa", "0" * 64)
        data: dict[str, Any] = {"label": "faces", "count": 50, "digest": "d" * 64}
        held_out = {"images": 9, "digest": "e" * 64, "copies": 1, "nearer": 2, "figures": {}}
        index = _index(features, rng)
        drawn = rng.integers(0, 256, (90, 8, 8, 3), np.uint8)
        self._pixels = PacketSet.of(drawn[50:])
        self._reference = Reference(
            FeatureSet.of(features), spec, (8, 8), None, data, index=index, held_out=held_out,
            packets=PacketSet.of(drawn[:50]).moments,
        )  # fmt: skip
        ours = folder / "ours.npz"
        self._reference.save(ours)
        self._ours = ours.read_bytes()
        self._identity = Reference.load(ours).identity()
        with np.load(ours, allow_pickle=False) as file:
            self._arrays = {name: file[name] for name in file.files if name != "checksum"}
            assert checksum(self._arrays) == str(file["checksum"]), "else no bent file would get past it"
        moments = self._reference.features.moments
        self._theirs = {"mu": moments.mean, "sigma": moments.cov}
        self._kid = {"feats": features}

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one mutant."""
        act = rng.random()
        path = self.folder / "mutant.npz"
        if act < 0.3:
            how, data = damage(self._ours, rng)
            path.write_bytes(data)
            return self._use(path, f"ours {how}", self._identity)
        if act < 0.65:
            _write(path, self._bent(rng), rng)
            return self._use(path, "ours bent")
        if act < 0.75:
            how, data = damage(_file(self._theirs), rng)
            path.write_bytes(data)
            return self._use(path, f"mu and sigma {how}", whole=self._theirs)
        if act < 0.9:
            path.write_bytes(_file(_replaced(self._theirs, rng)))
            return self._use(path, "mu and sigma bent")
        kid = self.folder / "mutant_kid.npz"
        path.write_bytes(_file(self._theirs))
        kid.write_bytes(damage(_file(self._kid), rng)[1] if rng.random() < 0.5 else _file(_replaced(self._kid, rng)))
        faults = self._described(lambda: read_clean_fid(rng.choice([path, kid])), "clean-fid's pair")
        kid.unlink()
        return faults

    def _bent(self, rng: random.Random) -> dict[str, np.ndarray]:
        arrays = dict(self._arrays)
        if rng.random() < 0.5:
            meta = json.dumps(bend(json.loads(str(arrays["meta"])), rng))
            arrays["meta"] = np.array(rng.choice([meta, meta, meta, meta[: rng.randrange(len(meta))], "[" * 5000]))
        else:
            arrays = _replaced(arrays, rng)
        return arrays | {"checksum": np.array(checksum(arrays))}

    def _use(self, path: Path, label: str, identity: str = "", whole: dict[str, np.ndarray] | None = None) -> list[str]:
        faults = guard(f"{label}, looked at", lambda: holds_statistics(path))[1]
        loaded: list[Reference] = []

        def load() -> Reference:
            loaded.append(Reference.load(path))
            return loaded[0]

        faults += self._described(load, label)
        if loaded and identity and loaded[0].identity() != identity:
            faults.append(f"{label}: loads with other numbers")
        if loaded and whole is not None:
            moments = loaded[0].features.moments
            if not (np.array_equal(moments.mean, whole["mu"]) and np.allclose(moments.cov, whole["sigma"], 1e-12)):
                faults.append(f"{label}: loads with other numbers")
        return faults

    def _described(self, load: Any, label: str) -> list[str]:
        """Load a reference, and do with it what every command does."""
        reference, faults = guard(label, load)
        if reference is None:
            return faults
        faults += guard(f"{label}, checked", lambda: check_reference(reference))[1]
        faults += guard(
            f"{label}, shown", lambda: (reference.origin(), reference.memory(), _strict_json(reference.meta()))
        )[1]
        spec = self._reference.extractor
        assert spec is not None
        faults += guard(f"{label}, compared", lambda: reference.require_match(spec, (8, 8)))[1]
        if reference.packets is not None and reference.packets.size == (8, 8):
            real = RealPixels.of(reference).packets
            score, more = guard(f"{label}, scored by pixels", lambda: fwd(real=real, fake=self._pixels))
            faults += more
            if score is not None and not (math.isfinite(score.value) and score.value >= 0):
                faults.append(f"{label}: gives FWD {score.value}")
        if len(reference.features.moments.mean) == _SIZE:
            if reference.index is not None:
                faults += guard(f"{label}, searched", lambda: _search(reference.index))[1]
            score, more = guard(f"{label}, scored", lambda: fd(real=reference.features, fake=self._fakes))
            faults += more
            if score is not None and not (math.isfinite(score.value) and score.value >= 0):
                faults.append(f"{label}: gives FD {score.value}")
        return faults


def _strict_json(meta: dict[str, object]) -> bytes:
    return json.dumps(meta, allow_nan=False).encode("utf-8")


def _file(arrays: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _write(path: Path, arrays: dict[str, np.ndarray], rng: random.Random) -> None:
    """Write arrays; now and then with a member that is no array, or twice there."""
    path.write_bytes(_file(arrays))
    if rng.random() < 0.1:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(rng.choice(["mu", "x.npy", "notes.txt", "../mu.npy"]), b"not an array")


def _replaced(arrays: dict[str, np.ndarray], rng: random.Random) -> dict[str, np.ndarray]:
    """Return arrays with one of them gone, or of another type, shape or content."""
    out = dict(arrays)
    name = rng.choice(list(out))
    old = out.pop(name)
    shape = np.shape(old)
    odd = [
        *(np.array(3), np.array("x"), np.array(-5), np.array(10**18), np.array([b"x"]), np.zeros(0), np.zeros((0, 0))),
        *(np.zeros((2, 3)), np.full(shape, np.nan), np.full(shape, np.inf), np.full(shape, 1e300)),
        *(np.full(shape, -1.0), np.zeros(shape), np.zeros(shape, complex), np.zeros(shape, bool)),
        *(np.zeros(shape, "M8[s]"), np.zeros(shape, [("a", "f4")]), np.full(shape, "x"), old[..., None]),
        *(np.full(shape, 2**62, np.int64), np.ones((1, *shape)), np.zeros(shape, np.float16)),
    ]
    return out if rng.random() < 0.1 else out | {name: rng.choice(odd)}
