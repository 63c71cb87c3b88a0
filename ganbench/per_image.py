"""What is known of every single image: name, duplicates, faces, nearest real image, realism."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganbench.detectors.base import Detector
from ganbench.features.extractor import Extractor
from ganbench.images.sources import Batch
from ganbench.metrics.copies import nearest_reference
from ganbench.metrics.features import FeatureSet
from ganbench.metrics.manifold import realism
from ganbench.metrics.neighbours import Pairs
from ganbench.reference import Reference


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


def per_image_table(
    seen: Seen,
    faces: Faces | None,
    references: dict[Extractor, Reference],
    fakes: dict[Extractor, FeatureSet],
) -> list[dict[str, object]]:
    """Return one row per image; the features must be complete and in the order of the names."""
    first = {}
    rows: list[dict[str, object]] = []
    for name, digest in zip(seen.names, seen.digests, strict=True):
        rows.append({"name": name, "duplicate_of": first.get(digest, "")})
        first.setdefault(digest, name)
    for extractor, reference in references.items():
        real, fake = reference.features, fakes[extractor]
        if not len(real.sample):
            continue  # a file with mu and sigma alone has no images to be near to
        pairs = Pairs(real, fake)
        distance, _ = nearest_reference(real=real, fake=fake, pairs=pairs)
        closeness = realism(real=real, fake=fake, pairs=pairs)
        for i, row in enumerate(rows):
            row[f"nearest_reference[{extractor.spec.name}]"] = float(distance[i])
            row[f"realism[{extractor.spec.name}]"] = float(closeness[i])
    if faces is not None:
        for row, count, score in zip(rows, faces.counts, faces.scores, strict=True):
            row[f"faces[{faces.detector.name}]"] = count
            row[f"score[{faces.detector.name}]"] = score
    return rows
