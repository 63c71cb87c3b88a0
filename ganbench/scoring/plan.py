"""The plan of a scoring: every choice resolved once, and hashed whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.registry import load_detector, result_name
from ganbench.errors import AssetMissing, GanbenchError, UnknownName
from ganbench.features.collect import extractor_for
from ganbench.features.registry import specify_extractor, takes_weights
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.images.first_look import look_first
from ganbench.images.source import Source
from ganbench.metrics.base import Better, Metric
from ganbench.metrics.registry import METRICS
from ganbench.references.reference import Reference
from ganbench.references.resolve import resolve_references
from ganbench.scoring.options import DEFAULT_DETECTOR, DEFAULT_FEATURES, Images, ScoreOptions
from ganbench.system.cluster import Site
from ganbench.system.code import foreign_code
from ganbench.system.location import Location
from ganbench.system.urls import masked
from ganbench.system.versions import library_versions

SAMPLE_CAP = 5_000  # feature vectors kept for the kernel and manifold metrics: memory must not grow with the images
_READ_BY = {"extractor": ("moments", "features", "logits", "index"), "pixels": ("pixels",), "detector": ("detections",)}


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
        unserved: why an extractor has no reference.
        key: hash of everything that a scorecard depends on besides the images, 64 hex digits.
        notes: what a reader must know of the real images and how they were read, one line each.
    """

    options: ScoreOptions
    metric_names: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    references: dict[str, Reference]
    unserved: dict[str, str]
    key: str
    notes: tuple[str, ...] = ()

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
        _refuse_idle_choices(options, [METRICS[name] for name in names])
        specs: list[ExtractorSpec] = []
        instruments: list[Instrument] = []
        for kind, finder in (("extractor", _extractors), ("pixels", _pixels), ("detector", _detectors)):
            if any(METRICS[name].needs in _READ_BY[kind] for name in names):
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
        key = _key(options, names, instruments, references)
        return cls(options, tuple(names), tuple(instruments), references, unserved, key, tuple(notes))

    def metrics_of(self, instrument: Instrument) -> list[Metric]:
        """Return the metrics that are measured with an instrument.

        One asked for by name always is, if only to say why it cannot be; the others are where they make sense.
        """
        return [
            metric
            for metric in (METRICS[name] for name in self.metric_names)
            if metric.needs in _READ_BY[instrument.kind]
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


def is_inception(extractor: str) -> bool:
    """Tell whether an extractor is Inception, for which the field has names of its own: FID, KID, IS."""
    return extractor.partition(":")[0] == "inception"


def choose_metrics(options: ScoreOptions) -> list[str]:
    """Return the names of the metrics in the order of their rows.

    Raises:
        UnknownName: no such metric, or a name that is for Inception features alone on others.
        GanbenchError: one of somebody else's that goes by another's name.
    """
    if options.metrics is None:
        return [
            name
            for name in METRICS
            if METRICS[name].default and (options.detector is not None or METRICS[name].needs != "detections")
        ]
    return list(dict.fromkeys(_metric_name(name, options) for name in options.metrics))


def _metric_name(name: str, options: ScoreOptions) -> str:
    """Return the registered name of what a user called a metric: FID is ``fd`` on Inception features."""
    if name not in METRICS and ":" not in name:
        known = _established().get(name.lower())
        if known is None:
            raise METRICS.unknown(name)
        others = [extractor for extractor in options.features if not is_inception(extractor)]
        if others:
            raise UnknownName(
                f"{name.upper()} is a name for Inception features alone; on {others[0]} the same metric is called "
                f"{known!r}: --metric {known}. For {name.upper()} itself: --features inception"
            )
        return known
    called = METRICS[name].name  # imports it, or says why not
    # One that goes by the name of another would have its results taken for that one's.
    if called != name and (called in METRICS or called in _established()):
        raise GanbenchError(f"{name} calls itself {called!r}, which is another metric's name. Give it its own.")
    return name


def _established() -> dict[str, str]:
    """Return the metrics' names by the names that they have on Inception features."""
    return {metric.inception_name: metric.name for metric in METRICS.values() if metric.inception_name}


def reads_features(options: ScoreOptions) -> bool:
    """Tell whether any metric that was asked for reads features, and with them a reference."""
    return any(METRICS[name].needs in _READ_BY["extractor"] for name in choose_metrics(options))


def _refuse_idle_choices(options: ScoreOptions, metrics: Sequence[Metric]) -> None:
    """Refuse a choice that no metric would read: it would be dropped without a word."""
    asked = ", ".join(metric.name for metric in metrics)
    needs = {metric.needs for metric in metrics}
    if options.detector is None:
        if options.detector_settings:
            setting = next(iter(options.detector_settings))
            raise GanbenchError(f"--{setting} is a setting of a detector, and there is none (--detector none)")
        if "detections" in needs:
            name = next(metric.name for metric in metrics if metric.needs == "detections")
            raise GanbenchError(f"--metric {name} needs a detector, and there is none (--detector none)")
    elif "detections" not in needs:
        idle = [f"--{name}" for name in options.detector_settings]
        idle += [f"--detector {masked(options.detector)}"] if options.detector != DEFAULT_DETECTOR else []
        if idle:
            raise GanbenchError(f"{idle[0]}: no metric asked for ({asked}) needs a detector. Add --metric afd")
    if not reads_features(options):
        idle = [] if options.features == DEFAULT_FEATURES else [f"--features {options.features[0]}"]
        idle += ["--reference"] if options.references else []
        idle += ["--weights"] if options.weights is not None else []
        if idle:
            raise GanbenchError(f"{idle[0]}: no metric asked for ({asked}) reads features. Add --metric fd")


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
    options: ScoreOptions, names: list[str], instruments: list[Instrument], references: dict[str, Reference]
) -> str:
    parts = {
        "metrics": [(name, METRICS[name].version, foreign_code(METRICS[name].compute)) for name in names],
        "instruments": [(i.kind, i.name, i.identity, i.missing) for i in instruments],
        "references": {name: reference.identity() for name, reference in references.items()},
        "sample": SAMPLE_CAP,
        "seed": options.seed,
        "resize": str(options.resize),
        "skip_bad": options.skip_bad,
        "per_image": options.per_image,
        "versions": library_versions(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
