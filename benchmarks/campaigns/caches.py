"""Damaged caches: with any byte of any cached file changed, the numbers are those that come without a cache.

The files are found by looking: whatever the commands leave below the cache folder is damaged, so that a new cache is
tried as soon as one of the ways below fills it. ``FILLED`` says which folders that must be.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from campaigns.base import Sweep, guard
from campaigns.images import smooth
from campaigns.mutate import damage
from ganbench.audit.material import Material
from ganbench.audit.registry import chosen_checks
from ganbench.audit.run import run_audit
from ganbench.audit.scale import Scale
from ganbench.errors import GanbenchError
from ganbench.features import pieces
from ganbench.features.collect import collect_features
from ganbench.features.observers import FeatureObserver
from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions
from ganbench.images.sources import open_source
from ganbench.metrics.evaluate import evaluate
from ganbench.overlap.axes import shipped_axes
from ganbench.overlap.looked import Eye, Looked
from ganbench.overlap.result import Compared, Overlap, Pair, Shared
from ganbench.overlap.searching import candidates
from ganbench.overlap.verdicts import Verdicts
from ganbench.references.indexed import collect_indexed
from ganbench.references.interop import open_reference
from ganbench.references.library import DEFAULT_NAME, find_reference
from ganbench.report.overlap import make_overlap_page
from ganbench.scoring.cached import score_cached
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Instrument, Plan
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import CHUNK
from ganbench.system.cluster import Site
from ganbench.system.storage import cache_dir
from ganbench.toyfaces.cached import cached_toyfaces
from ganbench.training.data import decode_source

FILLED = (  # folders of caches
    "audit",
    "bf16",
    "features",
    "onnx",
    "overlap",
    "pairs",
    "pieces",
    "pixels",
    "references",
    "remembered",
    "scorecards",
    "searches",
    "toyfaces",
    "verdicts",
)
_RARE = 60  # one case in so many damages an exported network: making it again takes seconds


def _hash(*arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _say_nothing(message: object) -> None:
    del message


class Caches(Sweep):
    """A file of a cache is damaged, what uses it is done again, and compared with what came without a cache."""

    name = "caches"
    count = 400
    seconds = 120.0  # a damaged network is exported anew, in a process of its own
    megabytes = 2048

    def __init__(self, folder: Path) -> None:
        """Fill every cache, with a home of its own, and keep what came out the first time as the truth."""
        super().__init__(folder)
        shared = Path(os.environ["GANBENCH_HOME"]) / "cache" / "onnx"
        os.environ["GANBENCH_HOME"] = str(folder / "home")
        shutil.rmtree(folder / "home", ignore_errors=True)
        if shared.is_dir():  # the export, the one slow thing, is taken from the campaigns before
            shutil.copytree(shared, cache_dir() / "onnx")
        images = folder / "images"
        images.mkdir(exist_ok=True)
        rng = np.random.default_rng(7)
        for number in range(8):
            smooth(rng).save(images / f"{number}.png")
        self._images = images
        self._extractor = load_extractor("lite0")
        self._eye = Eye(shipped_axes(), "auto", True)
        self._plan = Plan.of(ScoreOptions(detector=None))
        self._ways: dict[str, Callable[[], Any]] = {
            "scorecards": self._score,
            "audit": self._audit,
            "features": self._features,
            "pieces": self._pieces,
            "bf16": self._rounding,
            "pixels": self._pixels,
            "overlap": self._overlap,
            "searches": self._searches,
            "verdicts": self._verdicts,
            "pairs": self._pairs,
            "remembered": self._remembered,
            "references": self._reference,
            "toyfaces": self._toyfaces,
            "onnx": self._export,
        }
        self._truth = {name: way() for name, way in self._ways.items()}
        self._kept = {path: path.read_bytes() for path in sorted(cache_dir().rglob("*")) if path.is_file()}
        folders = {path.relative_to(cache_dir()).parts[0] for path in self._kept}
        assert folders >= set(FILLED), f"no cache {set(FILLED) - folders} was filled: mend this campaign"
        if not shared.is_dir():
            shutil.copytree(cache_dir() / "onnx", shared)

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Damage one file."""
        by_folder: dict[str, list[Path]] = {}
        for path in self._kept:
            by_folder.setdefault(path.relative_to(cache_dir()).parts[0], []).append(path)
        slow = number % _RARE == _RARE - 1
        folder = "onnx" if slow else rng.choice([name for name in by_folder if name != "onnx"])
        path = rng.choice(by_folder[folder])
        how, data = damage(self._kept[path], rng)
        path.write_bytes(data)
        label = f"{folder}/{path.suffix or path.name} {how}"
        faults = []
        for name in [folder] if folder in self._ways else [name for name in self._ways if name != "onnx"]:
            came, more = guard(f"{label}, {name}", self._ways[name])
            faults += more
            if came is None and not more:
                faults.append(f"{label}: a damaged cache is an error, not made anew")
            elif came is not None and came != self._truth[name]:
                faults.append(f"{label}: {name} have other numbers")
        self._heal()
        return faults

    def _heal(self) -> None:
        """Bring every cached file back to what it was."""
        for path, data in self._kept.items():
            if not path.is_file() or path.stat().st_size != len(data) or path.read_bytes() != data:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

    def _audit(self) -> Any:
        features = np.random.default_rng(3).normal(size=(400, 4)).astype(np.float32)
        instrument = Instrument("extractor", "made", "made", "made")
        material = Material(instrument, ("kd",), None, None, FeatureSet.of(features[:200]), None, features[200:])
        scale = Scale(50, (25, 50), sets=4, coverage=8)
        return run_audit([material], chosen_checks(["matched"]), scale).to_dict()

    def _score(self) -> Any:
        card = score_cached(open_source(self._images), self._plan)
        return [(row.id, row.value, row.low, row.high, row.n, row.protocol, row.reason) for row in card.rows]

    def _features(self) -> Any:
        found = collect_features(
            open_source(self._images), self._extractor, cap=5, seed=0, what="features", cache=True
        )  # a cap below the number of images: the moments are kept apart from the sample
        moments = found.moments
        return moments.n, _hash(moments.mean, moments.cov, found.sample, found.sample_index)

    def _pieces(self) -> Any:
        (piece,) = open_source(self._images).pieces(CHUNK)
        job = pieces._Job((FeatureObserver(self._extractor, cap=5, seed=0),), batch=4, threads=0, cache=True, run="x")
        seen = pieces._look_at(job, piece, _say_nothing)  # what every process does that pieces are given to
        assert not isinstance(seen, GanbenchError), seen
        return seen.hashes, seen.flood, [_hash(*(one[name] for name in sorted(one))) for one in seen.packed]

    def _rounding(self) -> Any:
        return load_extractor("lite0", BuildOptions(device="cpu", precision="bf16")).spec.note

    def _reference(self) -> Any:
        path = find_reference(DEFAULT_NAME, "lite0")
        assert path is not None, "no reference is shipped"
        real = open_reference(path).features
        found = evaluate(["fd", "kd", "precision"], real=real, fake=FeatureSet.of(real.sample[:8]))
        return [found[name].value for name in found], _hash(real.moments.mean, real.moments.scatter, real.sample)

    def _pixels(self) -> Any:
        pixels = decode_source(open_source(self._images))
        return pixels.shape, _hash(pixels)

    def _overlap(self) -> Any:
        found = self._eye.look(open_source(self._images), _say_nothing)
        return _hash(found.index, found.digests, found.codes, found.signatures)

    def _searches(self) -> Any:
        found = self._eye.look(open_source(self._images), _say_nothing)
        turned = Looked(*(getattr(found, one.name)[::-1] for one in fields(Looked)))
        return _hash(*candidates([found, turned], np.ones(2 * found.n, bool), Site(), _say_nothing))

    def _verdicts(self) -> Any:
        kept = Verdicts(_say_nothing)
        names = np.arange(100, dtype=np.uint64)
        known, same = kept.of(names)
        if not known.all():
            same = np.where(known, same, names % 3 == 0)  # as it was when it was made
            kept.keep(names, same)
        return _hash(same)

    def _pairs(self) -> Any:
        source = open_source(self._images)
        shared = tuple(Shared(name, name, True, 1.0, place, place) for place, name in enumerate(source.names[:3]))
        both = Compared("a", len(source)), Compared("b", len(source))
        pair = Pair("a", "b", len(shared), len(shared), len(source), len(source), shared)
        found = Overlap(both, (pair,), (), "made", ())
        return make_overlap_page(found, lambda label: source, dated=False, content_of=str)

    def _remembered(self) -> Any:
        found, index, _ = collect_indexed(open_source(self._images), self._extractor, cap=5, seed=0, cache=True)
        moments = found.moments
        return _hash(moments.mean, moments.cov, found.sample, index.codes, index.signatures, index.nearest)

    def _toyfaces(self) -> Any:
        folder = cached_toyfaces(16, 4, 3)
        return [_hash(np.frombuffer((folder / f"{i}.png").read_bytes(), np.uint8)) for i in range(1, 5)]

    def _export(self) -> Any:
        pixels = np.stack([np.asarray(smooth(np.random.default_rng(1)))])
        return _hash(load_extractor("lite0")(pixels)[0])
