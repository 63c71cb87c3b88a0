"""A cache of feature sets, keyed by content: the same images under the same extractor are computed once."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments
from ganbench.system.cache import Cache
from ganbench.system.container import Content
from ganbench.system.notes import Note, log_note

_CACHE = Cache("features", "a set of features", 4 << 30)


def load_features(key: str, note: Note = log_note) -> FeatureSet | None:
    """Return the cached feature set, or None; a file that was damaged counts as absent, with a note."""
    return _CACHE.load(key, _parse, note)


def save_features(key: str, features: FeatureSet, note: Note = log_note) -> None:
    """Keep a feature set; a cache that cannot be written is a note, never an error."""
    arrays: dict[str, Any] = {"sample": np.asarray(features.sample, np.float32), "sample_index": features.sample_index}
    if features.logits is not None:
        arrays["logits"] = features.logits
    if not _follows(features):
        moments = features.moments
        arrays |= {"n": np.array(moments.n), "mean": moments.mean, "scatter": moments.scatter}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    _CACHE.keep(key, buffer.getbuffer(), note)


def _follows(features: FeatureSet) -> bool:
    """Tell whether the moments follow from the sample, to the last bit: it holds every image, and none is missing."""
    return features.complete and features.n > 0 and int(features.sample_index[-1]) == features.n - 1


def _parse(content: Content) -> FeatureSet:
    with np.load(io.BytesIO(content.payload), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    sample, index, logits = arrays["sample"], arrays["sample_index"], arrays.get("logits")
    whole = "scatter" not in arrays  # the sample has every position of the source, and the moments follow from it
    moments = Moments.of(sample) if whole else Moments(int(arrays["n"]), arrays["mean"], arrays["scatter"])
    return FeatureSet(moments, sample, index, logits)
