"""The one look at what is scored: every image is read once and shown to every instrument."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from ganbench.detectors.answers import detections
from ganbench.detectors.base import Detector, DetectorOptions
from ganbench.detectors.registry import load_detector
from ganbench.errors import GanbenchError, MetricError
from ganbench.features.collect import collect_all, extractor_for, goes_in_pieces
from ganbench.features.looks import LookObserver, LookTally
from ganbench.features.observers import Observer
from ganbench.features.packets import PacketObserver
from ganbench.images.batch import Batch
from ganbench.images.first_look import look_first
from ganbench.images.source import Source
from ganbench.scoring.plan import SAMPLE_CAP, Plan
from ganbench.scoring.stated import stated_detector, stated_extractor
from ganbench.statistics.collector import sample_bound
from ganbench.statistics.detections import DetectionCollector, DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.marks import MarkCollector
from ganbench.statistics.packets import PacketCollector, PacketSet
from ganbench.statistics.pixels import PixelCollector, PixelSet
from ganbench.statistics.signatures import SIGNATURE, signatures
from ganbench.system.cluster import Site
from ganbench.system.notes import Note, once


@dataclass(frozen=True, eq=False)
class Seen:
    """What the instruments of a plan saw of a source.

    Attributes:
        index: positions of the images that could be read, (n,) int64, ascending.
        pixels: what their pixels say.
        features: under each extractor that was run, by its name.
        detections: what the detector found, None without one.
        protocols: of each instrument, by its name: all that its values depend on, in one line.
        instruments: the same as plain data, and what ran them, for scorecards.
        sample: how many features of images are kept at most, and the seed of their choice.
        marks: signatures of the images whose features are kept, None where no metric compares with single real ones.
        packets: wavelet packets of their pixels, or why there are none; None where no metric reads them.
        looks: of the images, for an explanation; None where nobody asks for one, or it looks at some of them only.
    """

    index: np.ndarray
    pixels: PixelSet
    features: dict[str, FeatureSet]
    detections: DetectionSet | None
    protocols: dict[str, str]
    instruments: dict[str, dict[str, Any]]
    sample: dict[str, int]
    marks: MarkCollector | None = None
    packets: PacketSet | MetricError | None = None
    looks: LookTally | None = None


class _Pixels:
    """Looks at what needs no network: positions and digests."""

    def __init__(self) -> None:
        self._tally = PixelCollector()

    @property
    def tally(self) -> PixelCollector:
        return self._tally

    def add(self, batch: Batch) -> None:
        self._tally.add(batch.indices, batch.digests)


class _PixelObserver:
    """Sends ``_Pixels``."""

    identity = "pixels v1"

    def load(self, note: Note, first: Callable[[], None]) -> None:
        del note, first

    def consumer(self, loaded: None) -> _Pixels:
        del loaded
        return _Pixels()

    def tally(self) -> PixelCollector:
        return PixelCollector()


class _Marks:
    """Makes signatures."""

    def __init__(self, tally: MarkCollector) -> None:
        self.tally = tally

    def add(self, batch: Batch) -> None:
        wanted = self.tally.wanted(batch.indices)
        if wanted.any():
            self.tally.add(batch.indices[wanted], signatures(batch.pixels[wanted]))


class _MarkObserver:
    """Sends ``_Marks``."""

    def __init__(self, seed: int, bound: int | None) -> None:
        self._seed, self._bound = seed, bound
        self.identity = f"{SIGNATURE} {seed} {bound}"

    def load(self, note: Note, first: Callable[[], None]) -> None:
        del note, first

    def consumer(self, loaded: None) -> _Marks:
        del loaded
        return _Marks(self.tally())

    def tally(self) -> MarkCollector:
        return MarkCollector(self._seed, self._bound)


class _Faces:
    """Runs a detector."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._tally = DetectionCollector()

    @property
    def tally(self) -> DetectionCollector:
        return self._tally

    def add(self, batch: Batch) -> None:
        self._tally.add((one.boxes, one.scores) for one in detections(self._detector, batch.pixels))


class _FaceObserver:
    """Sends ``_Faces``: the detector is loaded where it looks."""

    def __init__(self, asked: str, options: DetectorOptions, identity: str, detector: Detector | None) -> None:
        self._asked, self._options, self.identity = asked, options, identity
        self._detector = detector  # where it looks in this process; it does not travel

    def load(self, note: Note, first: Callable[[], None]) -> Detector:
        del first
        if self._detector is not None:
            return self._detector
        found = load_detector(self._asked, self._options, note=note)
        if found.identity != self.identity:
            raise GanbenchError(
                f"{self._asked} is another one here: {found.identity}; where it came from: {self.identity}"
            )
        return found

    def consumer(self, loaded: Detector) -> _Faces:
        return _Faces(loaded)

    def tally(self) -> DetectionCollector:
        return DetectionCollector()


def look(
    source: Source,
    plan: Plan,
    extractors: Collection[str],
    note: Note,
    site: Site | None = None,
    *,
    explained: bool = False,
) -> Seen:
    """Show a source to the instruments.

    Args:
        source: the images.
        plan: what is to be measured.
        extractors: names of the extractors that are to look.
        note: is told in one line what a reader of the results must know.
        site: where a large source is looked at; None: in this process.
        explained: whether an explanation follows, which asks for the looks of all of up to ``SAMPLE_CAP`` images.

    Raises:
        GanbenchError: bad images.
    """
    options, note = plan.options, once(note)
    first = partial(look_first, source)
    loaded = {
        name: extractor_for(source, site, asked, build, note=note, first=first)
        for name, asked, build in plan.extractors(extractors)
    }
    protocols = {name: extractor.spec.protocol for name, extractor in loaded.items()} | {"pixels": ""}
    stated = {name: stated_extractor(loaded[name], asked) for name, asked, _ in plan.extractors(extractors)}
    cap = max(len(source), SAMPLE_CAP) if options.per_image else SAMPLE_CAP
    others, uncut = _of_pixels(source, plan, cap, indexed=bool(loaded), explained=explained)
    if (chosen := plan.detector()) is not None:
        stays = not goes_in_pieces(source, site)
        # A cluster may have the device that this machine lacks: there it is said what there is to say.
        absent = not stays and site is not None and site.cluster is not None and options.device == "cuda"
        detector = load_detector(*chosen, note=_unsaid if absent else note)
        protocols[detector.name] = detector.protocol
        stated[detector.name] = stated_detector(detector)
        others.append(_FaceObserver(*chosen, detector.identity, detector if stays else None))
        del detector
    features, tallies = collect_all(
        source,
        list(loaded.values()),
        cap=cap,
        seed=options.seed,
        what="scoring",
        cache=options.cache,
        others=others,
        note=note,
        site=site,
        device=options.device,
    )
    index, pixels = cast(PixelCollector, tallies[0]).result()
    marks = next((tally for tally in tallies if isinstance(tally, MarkCollector)), None)
    packets = next((_packets(tally) for tally in tallies if isinstance(tally, PacketCollector)), uncut)
    boxes = next((tally for tally in tallies if isinstance(tally, DetectionCollector)), None)
    faces = None if boxes is None else boxes.result(source.image_size())
    looks = next((tally for tally in tallies if isinstance(tally, LookTally)), None)
    keeping = {"most": cap, "seed": options.seed}
    return Seen(index, pixels, features, faces, protocols, stated, keeping, marks, packets, looks)


def _of_pixels(
    source: Source, plan: Plan, cap: int, *, indexed: bool, explained: bool
) -> tuple[list[Observer], MetricError | None]:
    """Return what looks without a network, and why there are no packets where they are asked for and cannot be cut."""
    others: list[Observer] = [_PixelObserver()]
    if plan.reads_index and indexed:
        bound = sample_bound(len(source), cap + source.skip_bad, plan.options.seed)
        others.append(_MarkObserver(plan.options.seed, bound))
    if explained and len(source) <= SAMPLE_CAP:
        others.append(LookObserver())
    if plan.real_pixels is not None:
        try:
            others.append(PacketObserver.sampling(source, plan.options.seed))
        except MetricError as e:
            return others, e
    return others, None


def _packets(tally: PacketCollector) -> PacketSet | MetricError:
    try:
        return tally.result()
    except MetricError as e:
        return e


def _unsaid(text: str) -> None:
    """Drop what is said of a detector that is only asked what it is: it is said again where it looks."""
    del text
