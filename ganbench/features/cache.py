"""A cache of feature sets, keyed by content: the same images under the same extractor are computed once."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.errors import GanbenchError, MetricError
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments
from ganbench.system.notes import Note, log_note
from ganbench.system.storage import atomic_write, cache_dir, evict

LIMIT_BYTES = 4 << 30  # the least recently used files go when the folder grows past this


def _path(key: str) -> Path:
    return cache_dir() / "features" / f"{key}.npz"


def load_features(key: str) -> FeatureSet | None:
    """Return the cached feature set, or None; an unreadable file counts as absent and is replaced later."""
    path = _path(key)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        os.utime(path)
        sample, index, logits = arrays["sample"], arrays["sample_index"], arrays.get("logits")
        moments = (
            Moments(int(arrays["n"]), arrays["mean"], arrays["scatter"]) if "scatter" in arrays else Moments.of(sample)
        )
        return FeatureSet(moments, sample, index, logits)
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, EOFError, MetricError):
        return None


def save_features(key: str, features: FeatureSet, note: Note = log_note) -> None:
    """Keep a feature set; a cache that cannot be written is a note, never an error."""
    arrays: dict[str, Any] = {"sample": np.asarray(features.sample, np.float32), "sample_index": features.sample_index}
    if features.logits is not None:
        arrays["logits"] = features.logits
    if not features.complete:
        moments = features.moments
        arrays |= {"n": np.array(moments.n), "mean": moments.mean, "scatter": moments.scatter}
    try:
        with atomic_write(_path(key)) as f:
            np.savez(f, **arrays)
        evict(_path(key).parent, LIMIT_BYTES, keep=_path(key))
    except (GanbenchError, OSError) as e:
        note(f"features were not cached: {e}")
