"""One look at a source feeds every observer: extractors, detectors, duplicate search.

Small sources are looked at in one pass of this process. Large ones can be looked at in pieces, wherever there is room
for them; the result is the same to the last bit.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from ganbench.features.cache import load_features, save_features
from ganbench.features.extractor import BATCH, Extractor
from ganbench.features.observers import Consumer, Elsewhere, FeatureConsumer, FeatureObserver, Observer, Tally
from ganbench.features.pieces import look_in_pieces
from ganbench.features.registry import load_extractor, specify_extractor
from ganbench.features.runtime import resolve_device
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.images.source import Source
from ganbench.statistics.collector import FeatureCollector, sample_bound
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import CHUNK
from ganbench.system.cluster import Needs, Site
from ganbench.system.cores import available_cores
from ganbench.system.notes import Note, log_note
from ganbench.system.progress import track

_LOG = logging.getLogger(__name__)


def goes_in_pieces(source: Source, site: Site | None) -> bool:
    """Tell whether a source is looked at in pieces: it has more than one, and there is somewhere to give them to."""
    return site is not None and len(source) > CHUNK and (site.jobs > 1 or site.cluster is not None)


def extractor_for(
    source: Source,
    site: Site | None,
    name: str,
    options: BuildOptions | None = None,
    *,
    note: Note = log_note,
    first: Callable[[], None] = lambda: None,
) -> Extractor | Elsewhere:
    """Return an extractor for looking at a source; see ``load_extractor``.

    Where the looking is done elsewhere it is loaded here once all the same, and let go: what is wrong with it is said
    at the start, and processes of this machine find its network exported.
    """
    options = options or BuildOptions()
    if site is None or not goes_in_pieces(source, site):
        return load_extractor(name, options, note=note, first=first)
    again = partial(load_extractor, name, options)
    if site.cluster is not None and options.device == "cuda":  # which this machine need not have
        return Elsewhere(specify_extractor(name, options), again, "PyTorch, cuda")
    loaded = again(note=note, first=first)
    return Elsewhere(loaded.spec, again, loaded.runtime)


def needs_of(site: Site, device: str) -> Needs | None:
    """Return what a process takes that looks at pieces: a GPU where the networks run on one; None: its share of all."""
    if device == "cuda" or (device == "auto" and site.cluster is None and resolve_device(device) == "cuda"):
        return Needs(cores=1 if site.cluster is not None else max(1, available_cores() // site.jobs), gpus=1)
    return None if site.cluster is None else Needs()


def collect_all(
    source: Source,
    extractors: Sequence[Extractor | Elsewhere],
    *,
    cap: int,
    seed: int,
    what: str,
    cache: bool,
    others: Sequence[Observer] = (),
    note: Note = log_note,
    site: Site | None = None,
    device: str = "auto",
) -> tuple[dict[str, FeatureSet], list[Tally]]:
    """Return the features of a source under several extractors, by their names, and what others saw of it.

    Args:
        source: the images.
        extractors: compute the features.
        cap: how many feature vectors to keep; the moments are over all images whatever it is.
        seed: seed of the choice of those kept.
        what: shown beside the progress.
        cache: reuse features that were kept before, and keep these.
        others: who else is to see every image; without them there is no pass if all features are known.
        note: told when features cannot be kept.
        site: where large sources are looked at; None: in one pass of this process.
        device: on which the networks run.
    """
    elsewhere = site if goes_in_pieces(source, site) else None
    bound = None if elsewhere is None else sample_bound(len(source), cap + source.skip_bad, seed)
    observers = [FeatureObserver(one, cap=cap, seed=seed, bound=bound) for one in extractors]
    names = [observer.spec.name for observer in observers]
    if elsewhere is None:
        if site is not None and site.cluster is not None:
            log_note(
                f"{source.label}: too few images for the cluster ({CHUNK:,} go to a task); they are looked at here"
            )
        return _in_one_pass(source, observers, others, (cap, seed), what, cache, note)
    everybody = [*others, *observers]
    needs = needs_of(elsewhere, device)
    tallies = look_in_pieces(
        source, everybody, site=elsewhere, needs=needs, batch=BATCH, what=what, cache=cache, note=note
    )
    collected = cast(list[FeatureCollector], tallies[len(others) :])
    return {name: one.result() for name, one in zip(names, collected, strict=True)}, tallies[: len(others)]


def _in_one_pass(
    source: Source,
    observers: Sequence[FeatureObserver],
    others: Sequence[Observer],
    sample: tuple[int, int],
    what: str,
    cache: bool,
    note: Note,
) -> tuple[dict[str, FeatureSet], list[Tally]]:
    found: dict[str, FeatureSet] = {}
    keys: dict[str, str] = {}
    consumers: dict[str, FeatureConsumer] = {}
    for observer in observers:
        name = observer.spec.name
        keys[name] = features_key(source, observer.spec, *sample) if cache else ""
        known = load_features(keys[name], note) if cache else None
        if known is not None:
            found[name] = known
            _LOG.info("%s: the features of %s are in the cache", source.label, name)
        else:
            _LOG.info("%s: the features of %s are computed", source.label, name)
            consumers[name] = observer.consumer(observer.load(note, _nothing_first))
    looking = [observer.consumer(observer.load(note, _nothing_first)) for observer in others]
    if looking or consumers:
        stream(source, [*looking, *consumers.values()], what)
    for name, consumer in consumers.items():
        found[name] = consumer.tally.result()
        if cache and not source.bad:
            save_features(keys[name], found[name], note)
    return found, [one.tally for one in looking]


def stream(source: Source, consumers: Sequence[Consumer], what: str) -> None:
    """Decode a source once, in order, and show every batch to every consumer."""
    with track(what, len(source), unit="images") as advance:
        for batch in source.batches(BATCH, within=CHUNK):
            for consumer in consumers:
                consumer.add(batch)
            advance(len(batch.names))


def collect_features(
    source: Source,
    extractor: Extractor | Elsewhere,
    *,
    cap: int,
    seed: int,
    what: str,
    cache: bool = False,
    note: Note = log_note,
    site: Site | None = None,
    device: str = "auto",
) -> FeatureSet:
    """Return the features of a source under one extractor; see ``collect_all``."""
    found, _ = collect_all(
        source, [extractor], cap=cap, seed=seed, what=what, cache=cache, note=note, site=site, device=device
    )
    return found[extractor.spec.name]


def features_key(source: Source, spec: ExtractorSpec, cap: int, seed: int) -> str:
    """Return the cache key of features: a hash of all that they depend on."""
    parts = (source.digest(), spec.key(), str(cap), str(seed))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _nothing_first() -> None:
    pass
