"""What an audit works with under one extractor: the real side, and real images that the real side has never seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from ganbench.errors import MetricError
from ganbench.features.extractor import Extractor
from ganbench.images.arrays import ArraySource
from ganbench.images.picked import Picked
from ganbench.images.source import Source
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.registry import METRICS
from ganbench.scoring.plan import Instrument, Plan
from ganbench.scoring.score import score_source
from ganbench.statistics.collector import sample_bound
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.known import CodedImages, KnownImages
from ganbench.statistics.packets import PacketCollector, PacketSet, sample_cap
from ganbench.statistics.signatures import signatures

Found = dict[str, Estimate | MetricError]
OF_FEATURES = ("moments", "features", "logits")
WITHOUT_FEATURES = "it makes features of its own, and no metric here reads any"


@dataclass(frozen=True, eq=False)
class Fake:
    """A set that metrics are tried on; what is None, no metric that reads it is tried.

    Attributes:
        features: (n, D) float32.
        logits: (n, K) float32, or None.
        marks: Signatures, (n, L) uint8, or None.
        pixels: uint8 (n, H, W, 3), or None.
    """

    features: np.ndarray
    logits: np.ndarray | None = None
    marks: np.ndarray | None = None
    pixels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.features)

    def part(self, rows: slice | np.ndarray) -> Fake:
        """Return some of its images."""
        logits, marks, pixels = (None if one is None else one[rows] for one in (self.logits, self.marks, self.pixels))
        return Fake(self.features[rows], logits, marks, pixels)


@dataclass(frozen=True, eq=False)
class Material:
    """What checks work with. It can be pickled.

    Attributes:
        instrument: The extractor, or the pixels, as a plan knows them.
        metrics: Names of the metrics that are tried with it, in the order of the tables.
        extractor: Computes features of changed images; None where there are no images to change.
        others: Measures the metrics that read no features, along with this extractor; None where another one does.
        real: The real side of metrics on features.
        known: That of metrics that compare with every real image, or None.
        pool: Features of fresh real images, which the real side does not hold, (N, D) float32.
        logits: Their logits, or None.
        images: The images themselves, in the order of the pool; None where only features are known.
        real_images: Those of the real side, or None.
        runs: Folders of training runs that the user calls healthy.
        seed: Of every random choice.
        key: Hash of all of this.
        packets: The real side of metrics that compare pixels, or None.
    """

    instrument: Instrument
    metrics: tuple[str, ...]
    extractor: Extractor | None
    others: Plan | None
    real: FeatureSet
    known: KnownImages | None
    pool: np.ndarray
    logits: np.ndarray | None = None
    images: Source | None = None
    real_images: Source | None = None
    runs: tuple[str, ...] = ()
    seed: int = 0
    key: str = ""
    packets: PacketSet | None = None
    _order: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_order", np.random.default_rng(self.seed).permutation(len(self.pool)))

    def ids(self) -> dict[str, tuple[Instrument, Metric]]:
        """Return what measures and the metric by the result ids, in the order of the tables."""
        found = {self.instrument.result_id(METRICS[name]): (self.instrument, METRICS[name]) for name in self.metrics}
        if self.others is not None:
            for instrument in self.others.instruments:
                found |= {instrument.result_id(one): (instrument, one) for one in self.others.metrics_of(instrument)}
        return found

    @property
    def reads_features(self) -> bool:
        """Whether any of the metrics reads features: where none does, none are computed of changed images."""
        return any(METRICS[name].needs in (*OF_FEATURES, "index") for name in self.metrics)

    @property
    def reads_pixels(self) -> bool:
        """Whether any of the metrics reads pixels, or what a detector finds in them."""
        return self.others is not None or self.packets is not None

    def rows(self, n: int, number: int = 0) -> np.ndarray:
        """Return the pool's rows of one of its disjoint sets of ``n`` images, in random order, fewer at its end."""
        return self._order[number * n : (number + 1) * n]

    def fresh(self, rows: np.ndarray, *, pixels: bool = True) -> Fake:
        """Return fresh real images at rows of the pool.

        Args:
            rows: of the pool, in any order, repeats allowed.
            pixels: whether to decode them, for metrics that read more than features.
        """
        looked = pixels and self.images is not None and (self.known is not None or self.reads_pixels)
        shown = pixels_of(cast(Source, self.images), rows) if looked else None
        return Fake(
            self.pool[rows] if self.reads_features else _none(len(rows)),
            None if self.logits is None else self.logits[rows],
            None if shown is None or self.known is None else signatures(shown),
            shown if self.reads_pixels else None,
        )

    def seen(self, pixels: np.ndarray) -> Fake:
        """Return images, uint8 (n, H, W, 3), as the metrics see them."""
        if not self.reads_features:
            return Fake(_none(len(pixels)), pixels=pixels)
        assert self.extractor is not None
        features, logits = self.extractor(pixels)
        marks = None if self.known is None else signatures(pixels)
        return Fake(features, logits, marks, pixels if self.reads_pixels else None)

    def against(self, real: Fake) -> Material:
        """Return this material with another real side; no index is made of it."""
        packets = None if self.packets is None else PacketSet.of(cast(np.ndarray, real.pixels))
        return replace(self, real=FeatureSet.of(real.features, real.logits), known=None, packets=packets, key="")

    def measure(self, fake: Fake, real: FeatureSet | None = None) -> Found:
        """Return what every metric gives that can be tried on a set, by its result id.

        Args:
            fake: the set.
            real: the real side of metrics on features, where it is not the usual one.
        """
        found: Found = {}
        chosen = [METRICS[name] for name in self.metrics]
        sides = FeatureSet.of(fake.features, fake.logits)
        on_features = [
            one for one in chosen if one.needs in OF_FEATURES and (one.needs != "logits" or fake.logits is not None)
        ]
        found |= self._named(evaluate(on_features, real=real or self.real, fake=sides, seed=self.seed))
        if self.known is not None and fake.marks is not None:
            codes = self.known.index.encode(fake.features)
            coded = CodedImages(codes, fake.marks, np.arange(len(fake)), len(fake))
            single = [one for one in chosen if one.needs == "index"]
            found |= self._named(evaluate(single, real=self.known, fake=coded, seed=self.seed))
        if self.packets is not None and fake.pixels is not None:
            compared = [one for one in chosen if one.needs == "packets"]
            cut = _packets_of(fake.pixels, self.seed)
            found |= self._named(evaluate(compared, real=self.packets, fake=cut, seed=self.seed))
        if self.others is not None and fake.pixels is not None:
            source = ArraySource.of("a set of the audit", fake.pixels, value_range=None, resize=None)
            for row in score_source(source, self.others.without_cache()).rows:
                if row.value is None:
                    found[row.id] = MetricError(row.reason)
                else:
                    found[row.id] = Estimate(row.value, row.low, row.high, row.interval, row.n or len(fake))
        return found

    def _named(self, found: Found) -> Found:
        """Return estimates by their result ids."""
        ids = {METRICS[name].name: self.instrument.result_id(METRICS[name]) for name in self.metrics}
        return {ids[name]: one for name, one in found.items()}


def _none(images: int) -> np.ndarray:
    """Return the features of images that no metric reads them of, (n, 0)."""
    return np.empty((images, 0), np.float32)


def _packets_of(pixels: np.ndarray, seed: int) -> PacketSet:
    """Return what the wavelet packets of images say, with as large a sample as a scoring keeps."""
    size = (pixels.shape[1], pixels.shape[2])
    collector = PacketCollector(size, seed=seed, bound=sample_bound(len(pixels), sample_cap(size), seed))
    collector.add(np.arange(len(pixels)), pixels)
    return collector.result()


def pixels_of(source: Source, rows: np.ndarray) -> np.ndarray:
    """Return images of a source, uint8 (n, H, W, 3), in the order of ``rows``, which may repeat.

    Raises:
        GanbenchError: images that cannot be read.
    """
    unique, back = np.unique(rows, return_inverse=True)
    batches = Picked(source, unique).batches(64)
    return np.concatenate([batch.pixels for batch in batches])[back]
