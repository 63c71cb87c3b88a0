"""Which metrics were asked for, by their names, and whether all choices are read by one of them."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.errors import GanbenchError, UnknownName
from ganbench.metrics.base import Metric
from ganbench.metrics.registry import METRICS
from ganbench.scoring.options import DEFAULT_DETECTOR, DEFAULT_FEATURES, ScoreOptions
from ganbench.system.urls import masked

READ_BY = {
    "extractor": ("moments", "features", "logits", "index"),
    "pixels": ("pixels", "packets"),
    "detector": ("detections",),
}  # "paths" are read off generators, which are not scored


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
    if METRICS[name].needs == "paths":
        raise GanbenchError(f"{name} is measured on a generator, not on images: ganbench ppl RUN")
    # One that goes by the name of another would have its results taken for that one's.
    if called != name and (called in METRICS or called in _established()):
        raise GanbenchError(f"{name} calls itself {called!r}, which is another metric's name. Give it its own.")
    return name


def _established() -> dict[str, str]:
    """Return the metrics' names by the names that they have on Inception features."""
    return {metric.inception_name: metric.name for metric in METRICS.values() if metric.inception_name}


def reads_features(options: ScoreOptions) -> bool:
    """Tell whether any metric that was asked for reads features, and with them a reference."""
    return any(METRICS[name].needs in READ_BY["extractor"] for name in choose_metrics(options))


def reads_real(options: ScoreOptions) -> bool:
    """Tell whether any metric that was asked for compares with real images, by features or by pixels."""
    return reads_features(options) or any(METRICS[name].needs == "packets" for name in choose_metrics(options))


def refuse_idle_choices(options: ScoreOptions, metrics: Sequence[Metric]) -> None:
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
        idle += ["--reference"] if options.references and not reads_real(options) else []
        idle += ["--weights"] if options.weights is not None else []
        if idle:
            raise GanbenchError(f"{idle[0]}: no metric asked for ({asked}) reads features. Add --metric fd")
