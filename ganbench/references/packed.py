"""A reference as arrays: what is written of one, in which types, and what it remembers, in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ganbench.looks.real import RealLooks
from ganbench.references import index_file, looks_file, packet_file
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.packets import PacketMoments


def arrays_of(
    features: FeatureSet,
    meta: dict[str, object],
    index: ImageIndex | None,
    packets: PacketMoments | None,
    looks: RealLooks | None,
    kinds: tuple[np.ndarray, ...],
) -> dict[str, Any]:
    """Return all arrays of a reference as its file holds them, without the checksum; see ``Reference.save``."""
    moments = features.moments
    return {
        "mu": moments.mean,
        "sigma_upper": moments.cov[np.triu_indices(len(moments.mean))].astype(np.float32),
        "sample": np.asarray(features.sample, np.float16),
        "sample_index": features.sample_index,
        "n": np.array(moments.n, np.int64),
        "meta": np.array(json.dumps(meta, sort_keys=True)),
        **({} if index is None else index_file.pack(index)),
        **({} if packets is None else packet_file.pack(packets)),
        **({} if looks is None else looks_file.pack(looks, kinds)),
    }


def memory_of(
    index: ImageIndex | None, held_out: dict[str, Any] | None, packets: PacketMoments | None, looks: RealLooks | None
) -> str:
    """Return one phrase that says what a reference remembers of single images, or what it lacks."""
    if index is None:
        return "lacks an index of its images and what held-out ones reach: build it anew"
    size = index.codes.shape[1] + index.signatures.shape[1]
    held = "none held out" if held_out is None else f"{held_out['images']:,} held out"
    waves = "lacks wavelet packets" if packets is None else f"{len(packets.mean):,} wavelet packets"
    seen = "lacks looks for explanations" if looks is None else f"looks of {looks.n:,} images"
    return f"index of all {len(index):,} images ({size} bytes each), {held}, {waves}, {seen}"


def whole_of(upper: np.ndarray, size: int) -> np.ndarray:
    """Return the matrix (size, size), float64, of an upper triangle that is stored row after row."""
    whole = np.empty((size, size))
    start = 0
    for row in range(size):
        end = start + size - row
        whole[row, row:] = whole[row:, row] = upper[start:end]
        start = end
    whole += 0.0  # there is one zero: a file may hold a negative one
    return whole
