"""Pictures of what the detector of a scorecard finds in the samples, and of what it misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganbench.detectors.answers import detections
from ganbench.detectors.base import Detector
from ganbench.detectors.registry import DETECTORS, load_detector
from ganbench.errors import GanbenchError
from ganbench.leaderboard.entries import Entry
from ganbench.metrics.registry import metric_of
from ganbench.report.tiles import Tiles
from ganbench.scoring.row import Row

LOOKED_AT = 200  # samples


@dataclass(frozen=True)
class Overlays:
    """What a detector finds in samples.

    Attributes:
        detector: its name.
        boxes: of every sample looked at, the faces in it, float (faces, 4).
        hits: the first samples with a face, with their boxes; None where there are none.
        hit_count: of the samples looked at.
        misses: the first samples without one; None where there are none.
        miss_count: of the samples looked at.
        reason: why there is nothing to show, or "".
    """

    detector: str = ""
    boxes: Sequence[np.ndarray] = ()
    hits: Tiles | None = None
    hit_count: int = 0
    misses: Tiles | None = None
    miss_count: int = 0
    reason: str = ""

    @property
    def count(self) -> int:
        """Samples looked at."""
        return self.hit_count + self.miss_count


class Detectors:
    """The detectors that scorecards were measured with; each is loaded once."""

    def __init__(self, given: str | None) -> None:
        """Set up.

        Args:
            given: a detector that may be one of them: needed for a YOLO in a file, whose path no scorecard holds.
        """
        self._given = given
        self._loaded: dict[str, Detector | str] = {}

    def overlays(self, entry: Entry, images: np.ndarray, shown: int = 16) -> Overlays:
        """Run the very detector of the entry's scorecard over its first samples.

        Args:
            entry: what was scored.
            images: its samples, uint8 (N, H, W, 3).
            shown: of the hits, and of the misses, so many are shown.
        """
        rows = _detection_rows(entry)
        row = next((row for row in rows if row.value is not None), None)
        if row is None:
            return Overlays(reason=rows[0].reason if rows else "scored without a detector")
        reasons = []
        names = [self._given, row.instrument if row.instrument in DETECTORS else None]
        for name in dict.fromkeys(filter(None, names)):
            found = self._load(name)
            if isinstance(found, str):
                reasons.append(found)
            elif f"{row.protocol}; ".startswith(f"{found.protocol}; "):  # what follows is the metric's
                return _draw(found, images[:LOOKED_AT], shown)
            else:
                reasons.append(f"{name} is now {found.protocol}")
        why = "; ".join(reasons) or f"give its file: --detector {row.instrument.partition(':')[0]}:PATH"
        return Overlays(reason=f"the detector of the scorecard ({row.protocol}) is not at hand: {why}")

    def _load(self, name: str) -> Detector | str:
        if name not in self._loaded:
            try:
                self._loaded[name] = load_detector(name)
            except (GanbenchError, OSError, ValueError) as e:
                self._loaded[name] = f"{name} cannot be loaded ({e})"
        return self._loaded[name]


def _detection_rows(entry: Entry) -> list[Row]:
    """Return an entry's results that rest on detections."""
    rows = entry.card.rows if entry.card else []
    return [row for row in rows if (metric := metric_of(row.id)) is not None and metric.needs == "detections"]


def _draw(detector: Detector, images: np.ndarray, shown: int) -> Overlays:
    boxes = [found.boxes for found in detections(detector, images)]
    hits = [i for i, found in enumerate(boxes) if len(found)]
    misses = [i for i, found in enumerate(boxes) if not len(found)]
    with_boxes = Tiles(images[hits[:shown]], boxes=[boxes[i] for i in hits[:shown]]) if hits else None
    without = Tiles(images[misses[:shown]]) if misses else None
    return Overlays(detector.name, boxes, with_boxes, len(hits), without, len(misses))
