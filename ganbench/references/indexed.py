"""The look at real images that a reference is made from: their statistics and the index of all of them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.features.extractor import Extractor
from ganbench.features.observers import Elsewhere
from ganbench.features.remember import Remembered, remember
from ganbench.images.picked import Picked
from ganbench.images.source import Source
from ganbench.references.nearest import nearest_different, require_search
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.moments import Moments
from ganbench.statistics.packets import PacketMoments
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import SIGNATURE
from ganbench.system.cache import Cache
from ganbench.system.cluster import Site
from ganbench.system.code import code_of
from ganbench.system.container import Content
from ganbench.system.notes import Note, log_note

_CACHE = Cache("remembered", "what is remembered of real images", 4 << 30)
_LARGEST = 1 << 30  # bytes that are kept of one set
_PACKAGE = Path(__file__).parent.parent
_Found = tuple[FeatureSet, ImageIndex, PacketMoments | None]


def collect_indexed(
    source: Source,
    extractor: Extractor | Elsewhere,
    *,
    cap: int,
    seed: int,
    cache: bool,
    note: Note = log_note,
    site: Site | None = None,
    device: str = "auto",
) -> _Found:
    """Return the statistics of real images, the index of them all, and their packets if their size has any.

    Args:
        source: the images.
        extractor: computes the features.
        cap: how many feature vectors to keep in the sample.
        seed: seed of the choice of those kept.
        cache: reuse what was kept before, and keep this.
        note: told when it cannot be kept.
        site: where a large source is looked at; None: in this process.
        device: on which the networks run there.

    Raises:
        MetricError: so many images take a package that is not installed.
        GanbenchError: bad images.
    """
    require_search(len(source))
    key = _key(source, extractor.spec.key(), str(cap), str(seed)) if cache else ""
    known = _CACHE.load(key, _parse, note) if key else None
    if known is not None:
        seen, nearest = known
    else:
        seen = remember(
            source, extractor, cap=cap, seed=seed, what="reference features", cache=cache, packets=True, note=note,
            site=site, device=device,
        )  # fmt: skip
        squared = nearest_different(seen.codes, seen.signatures)
        nearest = (np.sqrt(squared) * seen.projection.step).astype(np.float32)
        if key and not source.bad:
            _keep(key, seen, nearest, note)
    names = [source.names[int(position)] for position in seen.positions]
    positions = source.positions[seen.positions] if isinstance(source, Picked) else seen.positions
    index = ImageIndex(seen.projection, seen.codes, seen.signatures, SIGNATURE, nearest, positions, names)
    return seen.features, index, seen.packets


def _key(source: Source, *parts: str) -> str:
    """Return a hash of all that is remembered depends on, the code that makes it included."""
    code = code_of(_PACKAGE / "statistics", _PACKAGE / "metrics", _PACKAGE / "references")
    return hashlib.sha256("\n".join((source.digest(), *parts, code)).encode()).hexdigest()


def _keep(key: str, seen: Remembered, nearest: np.ndarray, note: Note) -> None:
    features, projection = seen.features, seen.projection
    arrays: dict[str, Any] = {
        "n": np.array(features.moments.n), "mean": features.moments.mean, "scatter": features.moments.scatter,
        "sample": features.sample, "sample_index": features.sample_index,
        "centre": projection.mean, "axes": projection.axes, "step": np.array(projection.step),
        "positions": seen.positions, "codes": seen.codes, "signatures": seen.signatures, "nearest": nearest,
    }  # fmt: skip
    if features.logits is not None:
        arrays["logits"] = features.logits
    if (packets := seen.packets) is not None:
        arrays |= {
            "packet_size": np.array([*packets.size, packets.level]), "packet_mean": packets.mean,
            "packet_cov": packets.cov,
        }  # fmt: skip
    if sum(array.nbytes for array in arrays.values()) <= _LARGEST:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        _CACHE.keep(key, buffer.getbuffer(), note)


def _parse(content: Content) -> tuple[Remembered, np.ndarray]:
    with np.load(io.BytesIO(content.payload), allow_pickle=False) as file:
        kept = {name: file[name] for name in file.files}
    moments = Moments(int(kept["n"]), kept["mean"], kept["scatter"])
    features = FeatureSet(moments, kept["sample"], kept["sample_index"], kept.get("logits"))
    projection = Projection(kept["centre"], kept["axes"], float(kept["step"]))
    packets = None
    if "packet_size" in kept:
        height, width, level = (int(number) for number in kept["packet_size"])
        packets = PacketMoments(moments.n, (height, width), level, kept["packet_mean"], kept["packet_cov"])
    seen = Remembered(features, projection, kept["positions"], kept["codes"], kept["signatures"], packets)
    return seen, kept["nearest"]
