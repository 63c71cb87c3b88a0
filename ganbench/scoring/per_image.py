"""What is known of every single image: name, duplicates, faces, nearest real image, realism."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganbench.detectors.base import Detector
from ganbench.images.source import Batch
from ganbench.metrics.neighbours import Pairs


@dataclass
class Seen:
    """Looks at pixels for what needs no network: names and exact duplicates."""

    names: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """Take a batch."""
        self.names += batch.names
        self.digests += batch.digests


@dataclass
class Faces:
    """Runs the detector: number of faces and best score of every image (0 without a face)."""

    detector: Detector
    counts: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """Take a batch."""
        found = self.detector.detect(batch.pixels)
        self.counts += [len(d.boxes) for d in found]
        self.scores += [float(d.scores.max(initial=0.0)) for d in found]


def per_image_table(seen: Seen, faces: Faces | None, neighbours: dict[str, Pairs]) -> list[dict[str, object]]:
    """Return one row per image.

    Args:
        seen: names and digests.
        faces: what the detector found, or None.
        neighbours: the nearest images under each extractor; its fake samples must be all images, in the order of names.
    """
    first = {}
    rows: list[dict[str, object]] = []
    for name, digest in zip(seen.names, seen.digests, strict=True):
        rows.append({"name": name, "duplicate_of": first.get(digest, "")})
        first.setdefault(digest, name)
    for extractor, pairs in neighbours.items():
        between = pairs.between
        for row, distance, realism in zip(rows, between.nearest, between.realism, strict=True):
            row[f"nearest_reference[{extractor}]"] = float(distance)
            row[f"realism[{extractor}]"] = float(realism)
    if faces is not None:
        for row, count, score in zip(rows, faces.counts, faces.scores, strict=True):
            row[f"faces[{faces.detector.name}]"] = count
            row[f"score[{faces.detector.name}]"] = score
    return rows
