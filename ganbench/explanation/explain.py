"""The explanation of a set of images: they are looked at once, and every rule is applied to what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from ganbench.errors import ReferenceError, SourceError
from ganbench.explanation.chance import threshold
from ganbench.explanation.distance import Distance, take_apart
from ganbench.explanation.finding import Finding
from ganbench.explanation.result import Explanation
from ganbench.explanation.rules import LEAST, Seen, find, rules_tried
from ganbench.features.collect import collect_all, extractor_for, stream
from ganbench.features.looks import LookConsumer, LookObserver, LookTally
from ganbench.features.registry import specify_extractor
from ganbench.features.spec import ExtractorSpec
from ganbench.images.first_look import look_first
from ganbench.images.picked import Picked
from ganbench.images.source import Source
from ganbench.looks.measures import NAMES
from ganbench.references.reference import Reference
from ganbench.references.resolve import resolve_references
from ganbench.scoring.look import Seen as ScoreSeen
from ganbench.scoring.options import Images, Real, ScoreOptions, several
from ganbench.scoring.plan import SAMPLE_CAP, Plan, build_options
from ganbench.statistics.collector import shuffled
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.system.notes import Note, once

if TYPE_CHECKING:
    import torch

    from ganbench.images.resize import Resize


def explain(
    source: Images | torch.Tensor,
    reference: Real | Sequence[Real] | None = None,
    features: str = "lite0",
    *,
    weights: str | Path | None = None,
    precision: str = "fp32",
    device: str = "auto",
    resize: str | Resize | None = None,
    grid: tuple[int, int] | str | None = None,
    pad: int | None = None,
    recursive: bool = False,
    limit: int | None = None,
    value_range: tuple[float, float] | None = None,
    skip_bad: int = 0,
    seed: int = 0,
    cache: bool = True,
) -> Explanation:
    """Explain in which ways images differ from real ones.

    Args:
        source: a folder, archive, array file or sheet; a uint8 array (N, H, W, 3); a torch tensor (N, 3, H, W).
        reference: a reference's name or file, or real images to compute one from; default: ``anime-faces-64``.
        features: the extractor, by whose features kinds, variety and the distance are told.
        weights: weights file for the extractor, where it needs one.
        precision: ``fp32`` or ``bf16``.
        device: ``auto``, ``cpu`` or ``cuda``.
        resize: rule such as ``64`` or ``64x64:lanczos`` applied to every image that is of another size.
        grid: (rows, columns) of a sheet, or ``guess``.
        pad: pixels between the tiles of a sheet.
        recursive: look into subfolders too.
        limit: use the first so many images only.
        value_range: (low, high) of float input; required for it.
        skip_bad: how many unreadable images may be left out.
        seed: seed of every random choice.
        cache: keep and reuse features.

    Returns:
        The findings, strongest first, with the distance taken apart.

    Raises:
        GanbenchError: bad images, fewer than 20, or a reference that does not fit.
    """
    options = ScoreOptions(
        features=(features,), references=several(reference), detector=None, weights=weights, precision=precision,
        device=device, resize=resize, recursive=recursive, limit=limit, skip_bad=skip_bad, seed=seed, cache=cache,
    )  # fmt: skip
    return explain_source(options.open(source, grid=grid, pad=pad, value_range=value_range), options)


def explain_scored(source: Source, plan: Plan, seen: ScoreSeen) -> Explanation:
    """Explain a source that was scored: no network looks again.

    Raises:
        GanbenchError: no extractor has looked; or as ``explain_source`` says.
    """
    return _explained(source, _of_scored(source, plan, seen), plan.options.seed)


def findings_of_scored(source: Source, plan: Plan, seen: ScoreSeen) -> list[Finding]:
    """Return the findings of ``explain_scored`` alone, at half its cost: the distance is taken apart only if they ask.

    Raises:
        GanbenchError: as ``explain_scored``.
    """
    looked, seed = _of_scored(source, plan, seen), plan.options.seed
    return find(looked.real, looked.seen, partial(_taken_apart, looked, seed), seed)


def explain_source(source: Source, options: ScoreOptions, references: Sequence[Reference] = ()) -> Explanation:
    """Explain an opened source.

    Args:
        source: the images.
        options: the choices; of the extractors the first looks.
        references: those that are loaded already, as a scorecard's plan has them; none: as ``options`` say.

    Raises:
        GanbenchError: bad images, fewer than 20, or a reference that does not fit.
    """
    return _explained(source, _looked_at(source, options, references), options.seed)


@dataclass(frozen=True, eq=False)
class _Looked:
    """What findings are made of.

    Attributes:
        source: the images that were looked at.
        real: what they are compared with.
        seen: of them.
        features: of them.
        extractor: whose.
        notes: what a reader must know.
    """

    source: Source
    real: Reference
    seen: Seen
    features: FeatureSet
    extractor: str
    notes: list[str]


def _of_scored(source: Source, plan: Plan, seen: ScoreSeen) -> _Looked:
    names = [name for name in seen.features if name in plan.references]
    if not names:
        raise ReferenceError("an explanation takes an extractor that has a reference, and none has looked")
    asked = next(one.asked for one in plan.instruments if one.name == names[0])
    return _looked_at(source, plan.options.looking_with(asked), [plan.references[names[0]]], seen, names[0])


def _looked_at(
    source: Source,
    options: ScoreOptions,
    references: Sequence[Reference] = (),
    scored: ScoreSeen | None = None,
    name: str = "",
) -> _Looked:
    """Look at a source, or take what was seen of it by the extractor ``name`` where that is complete.

    Raises:
        GanbenchError: bad images, fewer than 20, or a reference that does not fit.
    """
    if len(source) < LEAST:
        raise SourceError(f"{source.label}: an explanation takes {LEAST} images or more, found {len(source)}")
    asked = options.features[0]
    spec = specify_extractor(asked, build_options(options, asked))
    notes: list[str] = list(source.notes)
    note = once(notes.append)
    fitting = next((one for one in references if one.extractor is not None and one.extractor.name == spec.name), None)
    real = fitting or _reference(options, spec, source, note)
    real.require_size(source.image_size())
    whole = source
    if len(source) > SAMPLE_CAP:
        source = Picked(source, np.sort(shuffled(len(source), options.seed)[:SAMPLE_CAP]))
        notes.append(f"{whole.label}: a random {SAMPLE_CAP:,} of its {len(whole):,} images were looked at")
    features = None if scored is None else scored.features[name]
    if scored is None or features is None or not features.complete or source is not whole:
        seen, features = _look(source, options, real, note)
    else:
        seen = _seen_again(source, real, features, scored.looks)
    if real.looks is None:
        notes.append(
            f"reference {real.name} lacks the looks of its images: nothing is said of colour, sharpness, compression, "
            "patterns, borders, position or symmetry. Build it anew (ganbench reference build)"
        )
    if real.index is None:
        notes.append(f"reference {real.name} lacks an index: nothing is said of kinds, variety, repeats and outliers")
    notes += [f"{bad.name} was left out: {bad.why}" for bad in source.bad]
    return _Looked(source, real, seen, features, spec.name, notes)


def _taken_apart(looked: _Looked, seed: int) -> Distance | None:
    rng = np.random.default_rng(seed)
    return take_apart(
        looked.real.features, looked.features, looked.extractor, rng, partial(_name_of, looked.real.index)
    )


def _explained(whole: Source, looked: _Looked, seed: int) -> Explanation:
    distance = _taken_apart(looked, seed)
    findings = find(looked.real, looked.seen, lambda: distance, seed)
    return _explanation(whole, looked.source, looked.real, findings, distance, looked.seen, looked.notes)


def _explanation(
    whole: Source, source: Source, real: Reference, findings: list[Finding], distance: Distance | None,
    seen: Seen, notes: list[str],
) -> Explanation:  # fmt: skip
    height, width = whole.image_size()
    bands = [number for number, name in enumerate(NAMES) if name.startswith("power")]
    spectrum: tuple[list[float], list[float]] = ([], [])
    if real.looks is not None:
        usual = real.looks.centre + 2 * real.looks.scale * np.sinh(real.looks.mean / 2)
        spectrum = ([float(x) for x in seen.measures[:, bands].mean(axis=0)], [float(usual[band]) for band in bands])
    return Explanation(
        findings,
        {
            "label": whole.label, "count": len(whole), "looked_at": len(seen.positions),
            "image_size": [height, width], "resize": None if whole.resize is None else str(whole.resize),
            "digest": whole.digest(),
        },
        real.meta(),
        [] if distance is None else [distance],
        threshold(rules_tried()),
        rules_tried(),
        {int(position): source.names[int(position)] for position in seen.positions},
        spectrum,
        notes,
    )  # fmt: skip


def _look(source: Source, options: ScoreOptions, real: Reference, note: Note) -> tuple[Seen, FeatureSet]:
    asked = options.features[0]
    first = partial(look_first, source)
    extractor = extractor_for(source, None, asked, build_options(options, asked), note=note, first=first)
    features, tallies = collect_all(
        source, [extractor], cap=SAMPLE_CAP, seed=options.seed, what="explaining", cache=options.cache,
        others=[LookObserver()], note=note, device=options.device,
    )  # fmt: skip
    fake = features[extractor.spec.name]
    packed = cast(LookTally, tallies[0]).pack()
    codes = None if real.index is None else real.index.encode(fake.sample)
    return Seen(packed["positions"], packed["measures"], codes, packed["signatures"]), fake


def _seen_again(source: Source, real: Reference, features: FeatureSet, looks: LookTally | None) -> Seen:
    """Return what pixels say of images whose features are known: what was seen with them, or else at a second look.

    Raises:
        SourceError: other images can be read now.
    """
    if looks is None:
        consumer = LookConsumer(np.empty(0, np.int64))
        stream(source, [consumer], "explaining")
        looks = consumer.tally
    packed = looks.pack()
    if not np.array_equal(packed["positions"], features.sample_index):
        raise SourceError(f"{source.label}: its images have changed while they were looked at")
    codes = None if real.index is None else real.index.encode(features.sample)
    return Seen(packed["positions"], packed["measures"], codes, packed["signatures"])


def _reference(options: ScoreOptions, spec: ExtractorSpec, source: Source, note: Note) -> Reference:
    def build(given: Images, spec: ExtractorSpec) -> Reference:
        opened = options.open_real(given)
        extractor = extractor_for(
            opened, None, options.features[0], build_options(options, options.features[0]),
            first=partial(look_first, source, opened),
        )  # fmt: skip
        return Reference.build(
            opened, extractor, sample_size=SAMPLE_CAP, seed=options.seed, name=opened.label, cache=options.cache,
            note=note, device=options.device, looks=True,
        )  # fmt: skip

    found, missing = resolve_references(options.references, [spec], build)
    if spec.name not in found:
        raise ReferenceError(missing.get(spec.name, f"no reference serves {spec.name}"))
    return found[spec.name]


def _name_of(index: ImageIndex | None, position: int) -> str:
    """Return the name of a real image; its number where the reference remembers no names."""
    row = -1 if index is None else int(np.searchsorted(index.positions, position))
    found = index is not None and row < len(index) and int(index.positions[row]) == position
    return index.names[row] if index is not None and found else f"number {position}"
