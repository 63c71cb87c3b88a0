"""The plan of a scoring: every choice resolved once, and hashed whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.registry import load_detector, result_name
from ganbench.errors import AssetMissing
from ganbench.features.collect import extractor_for
from ganbench.features.registry import specify_extractor, takes_weights
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.images.first_look import look_first
from ganbench.images.source import Source
from ganbench.metrics.base import Better, Metric
from ganbench.metrics.registry import METRICS
from ganbench.references.real_pixels import RealPixels, resolve_pixels
from ganbench.references.reference import Reference
from ganbench.references.resolve import resolve_references
from ganbench.scoring.choose import READ_BY, choose_metrics, is_inception, refuse_idle_choices
from ganbench.scoring.options import Images, ScoreOptions
from ganbench.system.cluster import Site
from ganbench.system.code import foreign_code
from ganbench.system.location import Location
from ganbench.system.versions import library_versions

SAMPLE_CAP = 5_000  # feature vectors kept for the kernel and manifold metrics: memory must not grow with the images


@dataclass(frozen=True)
class Instrument:
    """What values are measured with: an extractor, the pixels themselves, or a detector.

    Attributes:
        kind: which of the three.
        name: what stands in the brackets of a result's id.
        asked: what the user called it.
        identity: everything that decides its output; empty where it is missing.
        logits: whether it also gives class logits.
        missing: why it cannot be used, or empty.
    """

    kind: Literal["extractor", "pixels", "detector"]
    name: str
    asked: str
    identity: str = ""
    logits: bool = False
    missing: str = ""

    def result_id(self, metric: Metric) -> str:
        """Return ``fd[lite0]``; with Inception features a metric goes by its established name, ``fid[inception]``."""
        established = metric.inception_name if self.kind == "extractor" and is_inception(self.name) else None
        return f"{established or metric.name}[{self.name}]"


@dataclass(frozen=True, eq=False)
class Plan:
    """What is measured, with what, against what. Plain data: it can go to another process.

    Attributes:
        options: what the user chose.
        metric_names: the metrics, in the order of their rows.
        instruments: the instruments that they need, in the order of the results.
        references: the real side under each extractor that has one, by its name.
        unserved: why an extractor has no reference, or those metrics have none (under ``pixels``).
        key: hash of everything that a scorecard depends on besides the images, 64 hex digits.
        notes: what a reader must know of the real images and how they were read, one line each.
        real_pixels: the real side of metrics that read pixels alone; None where none is asked for, or there is none.
    """

    options: ScoreOptions
    metric_names: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    references: dict[str, Reference]
    unserved: dict[str, str]
    key: str
    notes: tuple[str, ...] = ()
    real_pixels: RealPixels | None = None

    @classmethod
    def of(cls, options: ScoreOptions | None = None, *scored: Source, site: Site | None = None) -> Plan:
        """Resolve names and paths, and check that the choices go together.

        Args:
            options: the choices.
            scored: what it is for; looked at before a network is exported for the reference.
            site: where large sets of real images are looked at; the plan does not depend on it. None: in this process.

        Raises:
            GanbenchError: an unknown name, a file that is not there or is not what it should be, a reference that
                serves no extractor, or a choice that nothing would read. An asset that can be supplied and is not
                installed is no error: its results become rows with the reason.
        """
        options = options or ScoreOptions()
        names = choose_metrics(options)
        refuse_idle_choices(options, [METRICS[name] for name in names])
        specs: list[ExtractorSpec] = []
        instruments: list[Instrument] = []
        for kind, finder in (("extractor", _extractors), ("pixels", _pixels), ("detector", _detectors)):
            if any(METRICS[name].needs in READ_BY[kind] for name in names):
                instruments += finder(options, specs)
        references: dict[str, Reference] = {}
        unserved: dict[str, str] = {}
        notes: dict[str, None] = {}  # each once, although several extractors look at the same images
        if specs:

            def build(real: Images, spec: ExtractorSpec) -> Reference:
                asked = next(i.asked for i in instruments if i.name == spec.name)
                opened = options.open_real(real)
                notes.update(dict.fromkeys(f"{opened.label}: {text}" for text in opened.notes))
                first = partial(look_first, *scored, opened)
                extractor = extractor_for(opened, site, asked, build_options(options, asked), first=first)
                return Reference.build(
                    opened,
                    extractor,
                    sample_size=SAMPLE_CAP,  # as generous as that of the generated images
                    seed=options.seed,
                    name=opened.label,
                    cache=options.cache,
                    note=lambda text: notes.update({text: None}),
                    site=site,
                    device=options.device,
                )

            all_known = not any(i.missing for i in instruments if i.kind == "extractor")
            references, unserved = resolve_references(options.references, specs, build, all_known=all_known)
        pixels = None
        if any(METRICS[name].needs == "packets" for name in names):

            def look_at(real: Images) -> RealPixels:
                opened = options.open_real(real)
                notes.update(dict.fromkeys(f"{opened.label}: {text}" for text in opened.notes))
                return RealPixels.build(
                    opened, cache=options.cache, note=lambda text: notes.update({text: None}), site=site
                )

            pixels, why = resolve_pixels(options.references, tuple(references.values()), look_at)
            unserved |= {"pixels": why} if pixels is None else {}
        key = _key(options, names, instruments, references, pixels)
        return cls(options, tuple(names), tuple(instruments), references, unserved, key, tuple(notes), pixels)

    def metrics_of(self, instrument: Instrument) -> list[Metric]:
        """Return the metrics that are measured with an instrument.

        One asked for by name always is, if only to say why it cannot be; the others are where they make sense.
        """
        return [
            metric
            for metric in (METRICS[name] for name in self.metric_names)
            if metric.needs in READ_BY[instrument.kind]
            and (self.options.metrics is not None or metric.needs != "logits" or instrument.logits)
        ]

    def results(self) -> dict[str, Better]:
        """Return the ids of all rows, in order, and the direction of each, without scoring anything."""
        return {part.result_id(metric): metric.better for part in self.instruments for metric in self.metrics_of(part)}

    @property
    def reads_index(self) -> bool:
        """Whether any metric compares with every real image."""
        return any(METRICS[name].needs == "index" for name in self.metric_names)

    def without_cache(self) -> Plan:
        """Return this plan for images that nobody will score again."""
        return replace(self, options=replace(self.options, cache=False))

    def extractors(self, names: Collection[str]) -> list[tuple[str, str, BuildOptions]]:
        """Return of some of the extractors the name, what the user called it, and how it is built."""
        return [(i.name, i.asked, build_options(self.options, i.asked)) for i in self.instruments if i.name in names]

    def detector(self) -> tuple[str, DetectorOptions] | None:
        """Return what the user called the detector, and how it is set; None where none is needed, or it is missing."""
        found = next((i for i in self.instruments if i.kind == "detector" and not i.missing), None)
        return None if found is None else (found.asked, _detector_options(self.options))


def build_options(options: ScoreOptions, extractor: str) -> BuildOptions:
    """Return how an extractor is built; beside one that needs weights, one that brings its own is not given them."""
    weights = options.weights if len(options.features) == 1 or takes_weights(extractor) else None
    file = None if weights is None else Location.of(weights).fetched()
    return BuildOptions(file, options.device, options.precision)


def _extractors(options: ScoreOptions, specs: list[ExtractorSpec]) -> list[Instrument]:
    """Return the extractors and add the specifications of those that can be built.

    An extractor may go by another name than it was asked for by: ``inception:tf1`` is ``inception``.
    """
    found: dict[str, Instrument] = {}
    for asked in options.features:
        try:
            spec = specify_extractor(asked, build_options(options, asked))
        except AssetMissing as e:
            found[asked] = Instrument("extractor", asked, asked, logits=is_inception(asked), missing=str(e))
            continue
        if spec.name not in found:
            specs.append(spec)
            found[spec.name] = Instrument("extractor", spec.name, asked, spec.key(), spec.logits > 0)
    return list(found.values())


def _pixels(options: ScoreOptions, specs: list[ExtractorSpec]) -> list[Instrument]:
    del options, specs
    return [Instrument("pixels", "pixels", "pixels", "pixels")]


def _detectors(options: ScoreOptions, specs: list[ExtractorSpec]) -> list[Instrument]:
    del specs
    asked = options.detector or ""
    try:
        detector = load_detector(asked, _detector_options(options), note=lambda text: None)  # said when it is used
    except AssetMissing as e:
        return [Instrument("detector", result_name(asked), asked, missing=str(e))]
    return [Instrument("detector", detector.name, asked, detector.identity)]


def _detector_options(options: ScoreOptions) -> DetectorOptions:
    return DetectorOptions.of(options.device, options.detector_settings)


def _key(
    options: ScoreOptions,
    names: list[str],
    instruments: list[Instrument],
    references: dict[str, Reference],
    pixels: RealPixels | None,
) -> str:
    parts = {
        "metrics": [(name, METRICS[name].version, foreign_code(METRICS[name].compute)) for name in names],
        "instruments": [(i.kind, i.name, i.identity, i.missing) for i in instruments],
        "references": {name: reference.identity() for name, reference in references.items()},
        **({} if pixels is None else {"pixels": pixels.identity()}),
        "sample": SAMPLE_CAP,
        "seed": options.seed,
        "resize": str(options.resize),
        "skip_bad": options.skip_bad,
        "per_image": options.per_image,
        "versions": library_versions(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
