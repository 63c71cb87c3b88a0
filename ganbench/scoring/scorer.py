"""One way of scoring, resolved once and used for many sets of images; their scorecards are kept in the cache."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.registry import load_detector
from ganbench.errors import AssetMissing, GanbenchError
from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions
from ganbench.images.source import Source
from ganbench.references.reference import Reference
from ganbench.scoring.score import ScoreOptions, reference_for, score_source
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.storage import atomic_write, cache_dir, evict
from ganbench.system.versions import library_versions

LIMIT_BYTES = 256 << 20  # of all scorecards kept


@dataclass(frozen=True, eq=False)
class Scorer:
    """Reference, detector and device.

    Attributes:
        reference: the reference, loaded; its name where the extractor has none of it.
        options: what ``score_source`` takes.
        resize: rule that brings images to the reference's size, or None.
        key: hash of all that a scorecard depends on besides the images.
        cache: whether scorecards are kept and reused.
    """

    reference: Reference | str | None
    options: ScoreOptions
    resize: str | None
    key: str
    cache: bool = True

    @classmethod
    def of(
        cls,
        reference: str | None = None,
        detector: str | None = None,
        *,
        resize: str | None = None,
        device: str = "auto",
        cache: bool = True,
    ) -> Scorer:
        """Resolve names and paths; ``ganbench.score`` explains them.

        Raises:
            GanbenchError: no such reference or detector, or files that are none. A detector whose file is not
                installed is no error: it becomes a row with the reason.
        """
        options = ScoreOptions(detector=detector, device=device, cache=cache)
        extractor = load_extractor("lite0", BuildOptions(device=device))
        resolved = reference_for(reference, extractor, options, resize)
        known = resolved if resolved is not None else reference
        parts = [extractor.spec.key(), _identity(known), _protocol(detector, device), str(resize), str(options.seed)]
        parts.append(json.dumps(library_versions(), sort_keys=True))
        return cls(known, options, resize, hashlib.sha256("\n".join(parts).encode()).hexdigest(), cache)

    def score(self, source: Source) -> Scorecard:
        """Return the scorecard of the images, from the cache if the very same were scored in the very same way.

        Raises:
            GanbenchError: bad images, or of another size than the reference's.
        """
        name = hashlib.sha256(f"{source.digest()}\n{self.key}".encode()).hexdigest()
        path = cache_dir() / "scorecards" / f"{name}.json"
        card = _load(path) if self.cache else None
        if card is None:
            card = score_source(source, self.reference, self.options, resize=self.resize)
            if self.cache:
                _keep(path, card)
        card.source["label"] = source.label  # the same images may be called otherwise
        return card


def _identity(reference: Reference | str | None) -> str:
    if not isinstance(reference, Reference):
        return f"none called {reference}"
    moments = reference.features.moments
    arrays = hashlib.sha256(np.ascontiguousarray(moments.mean))
    arrays.update(np.ascontiguousarray(moments.scatter))
    arrays.update(np.ascontiguousarray(reference.features.sample))
    return json.dumps(reference.meta(), sort_keys=True) + arrays.hexdigest()


def _protocol(detector: str | None, device: str) -> str:
    if detector is None:
        return "no detector"
    try:
        return load_detector(detector, DetectorOptions(device)).protocol
    except AssetMissing:
        return f"{detector}: not installed"


def _load(path: Path) -> Scorecard | None:
    try:
        return Scorecard.from_json(path.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent or damaged: made anew


def _keep(path: Path, card: Scorecard) -> None:
    try:
        with atomic_write(path, "w") as f:
            f.write(card.to_json())
        evict(path.parent, LIMIT_BYTES, keep=path)
    except (GanbenchError, OSError) as e:
        warnings.warn(f"the scorecard was not cached: {e}", stacklevel=2)
