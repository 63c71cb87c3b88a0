"""The one pass over what is scored: every image is read once and shown to every instrument."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganbench.detectors.answers import detections
from ganbench.detectors.base import Detection, Detector
from ganbench.features.collect import collect_all
from ganbench.features.extractor import Extractor
from ganbench.images.batch import Batch
from ganbench.images.source import Source
from ganbench.scoring.plan import SAMPLE_CAP, Plan
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.pixels import PixelSet
from ganbench.system.notes import Note


@dataclass(frozen=True, eq=False)
class Seen:
    """What the instruments of a plan saw of a source.

    Attributes:
        names: of the images that could be read, in order.
        pixels: what their pixels say.
        features: under each extractor that was run, by its name.
        detections: what the detector found, None without one.
        protocols: of each instrument, by its name: all that its values depend on, in one line.
    """

    names: list[str]
    pixels: PixelSet
    features: dict[str, FeatureSet]
    detections: DetectionSet | None
    protocols: dict[str, str]


@dataclass
class _Pixels:
    """Looks at what needs no network: names and digests."""

    names: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        self.names += batch.names
        self.digests += batch.digests


@dataclass
class _Faces:
    """Runs a detector."""

    detector: Detector
    found: list[Detection] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        self.found += detections(self.detector, batch.pixels)


def look(source: Source, plan: Plan, extractors: dict[str, Extractor], detector: Detector | None, note: Note) -> Seen:
    """Show a source to the instruments.

    Args:
        source: the images.
        plan: what is to be measured.
        extractors: the networks, by name.
        detector: the detector, or None.
        note: is told in one line what a reader of the results must know.

    Raises:
        GanbenchError: bad images.
    """
    options = plan.options
    pixels = _Pixels()
    faces = None if detector is None else _Faces(detector)
    features = collect_all(
        source,
        list(extractors.values()),
        cap=max(len(source), SAMPLE_CAP) if options.per_image else SAMPLE_CAP,
        seed=options.seed,
        what="scoring",
        cache=options.cache,
        others=[pixels, *([faces] if faces else [])],
        note=note,
    )
    protocols = {name: extractor.spec.protocol for name, extractor in extractors.items()} | {"pixels": ""}
    seen_faces = None
    if faces is not None:
        protocols[faces.detector.name] = faces.detector.protocol
        seen_faces = DetectionSet.of(((one.boxes, one.scores) for one in faces.found), source.image_size())
    return Seen(pixels.names, PixelSet(pixels.digests), features, seen_faces, protocols)
