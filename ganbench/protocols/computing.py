"""Computing the number of a setup, through the ordinary scoring, with what the user has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ganbench.detectors.registry import DETECTORS, result_name
from ganbench.errors import AssetMissing, GanbenchError
from ganbench.features.collect import extractor_for
from ganbench.features.registry import EXTRACTORS, takes_weights
from ganbench.features.spec import BuildOptions
from ganbench.images.encoded import EncodedSource
from ganbench.images.source import Source
from ganbench.metrics.registry import METRICS
from ganbench.protocols.public import PILLOW_CONVERT
from ganbench.protocols.setup import Material, Setup
from ganbench.protocols.variants import Converted, form_of
from ganbench.references.interop import open_reference
from ganbench.references.library import holds_statistics, installed_references
from ganbench.references.reference import Reference
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.scoring.row import Row
from ganbench.scoring.score import score_source
from ganbench.system.assets import ASSETS, file_hash, find
from ganbench.system.notes import Note


@dataclass(frozen=True)
class Computed:
    """A number, and of which images it is.

    Attributes:
        row: it, as a scorecard has it.
        value: the number itself.
        digest: of the images.
    """

    row: Row
    value: float
    digest: str


def compute(setup: Setup, given: Material) -> Computed:
    """Return the number of a setup.

    Raises:
        GanbenchError: something that it takes is not here, or the choices do not go together.
    """
    options = _options(setup, given)
    source = _source(setup, given, options)
    card = score_source(source, Plan.of(options, source))
    row = card.rows[0]
    if row.value is None:
        raise GanbenchError(row.reason)
    return Computed(row, row.value, str(card.source["digest"]))


def possible(setup: Setup, given: Material, note: Note) -> Setup:
    """Return a setup with no more images than there are; what was lessened is noted.

    Raises:
        GanbenchError: the images cannot be opened.
    """
    options = ScoreOptions(resize=setup.resize, recursive=given.recursive)
    there = len(options.open(given.images, value_range=setup.value_range))
    if setup.count is not None and setup.count + setup.skipped > there:
        note(f"{there:,} images are here, and {setup.count:,} were scored: all of them are taken")
        setup = replace(setup, count=max(there - setup.skipped, 0))
    if given.real is not None and setup.extractor:
        real = len(replace(options, resize=setup.real.resize).open_real(given.real))
        if setup.real.count is not None and setup.real.count > real:
            note(
                f"{real:,} real images are here, and {setup.real.count:,} were in the reference: all of them are taken"
            )
            setup = replace(setup, real=replace(setup.real, count=real))
    return setup


def _refuse_code(setup: Setup, given: Material) -> None:
    """Refuse names of code that only the card names: whoever wrote it would run what they like here.

    Raises:
        GanbenchError: with the option that allows it.
    """
    name = setup.extractor
    if name and name.partition(":")[0] not in EXTRACTORS and name not in given.extractors:
        raise GanbenchError(f"{name} is no extractor that is installed. If it is code of yours: --features {name}")
    if setup.metric not in METRICS:
        raise GanbenchError(f"{setup.metric} is no metric that is installed")


def _options(setup: Setup, given: Material) -> ScoreOptions:
    _refuse_code(setup, given)
    options = ScoreOptions(
        metrics=(form_of(setup.metric, setup.formula),),
        detector=_detector(setup, given),
        detector_settings=setup.settings,
        precision=setup.precision,
        device=setup.device,
        resize=setup.resize,
        recursive=given.recursive,
        limit=setup.files,
        skip_bad=setup.skipped,
        seed=setup.seed,
        cache=given.cache,
    )
    if not setup.extractor:
        return options
    options = replace(options, features=(setup.extractor,), weights=_weights(setup, given))
    return replace(options, references=(_reference(setup, given, options),))


def _source(setup: Setup, given: Material, options: ScoreOptions) -> Source:
    return _decoded(setup, options.open(given.images, value_range=setup.value_range))


def _decoded(setup: Setup, source: Source) -> Source:
    """Return images as the setup decodes them.

    Raises:
        GanbenchError: another decoder is asked for, and there is nothing to decode.
    """
    if setup.decoding != PILLOW_CONVERT:
        return source
    if not isinstance(source, EncodedSource):
        raise GanbenchError(f"{source.label}: nothing is decoded: the pixels are given as numbers")
    return Converted(source)


def _detector(setup: Setup, given: Material) -> str | None:
    """Return what the detector is asked for by: of one in a file, the user's copy; code only if the user names it."""
    if not setup.detector or setup.detector in DETECTORS:
        return setup.detector or None
    found = next((one for one in given.detectors if result_name(one) == setup.detector), None)
    if found is None:
        name = setup.detector.removeprefix("yolo:")
        how = f"yolo:PATH/{name}" if setup.detector.startswith("yolo:") else "MODULE:CLASS"
        raise AssetMissing(f"{name} is not here. With a copy of it: --detector {how}")
    return found


def _weights(setup: Setup, given: Material) -> Path | None:
    """Return the weights file of an extractor that takes one, told by its hash."""
    if not takes_weights(setup.extractor) or not setup.weights:
        return None
    for path in given.weights:
        if not path.is_file():
            raise AssetMissing(f"{path}: no such weights file. Check --weights")
        if file_hash(path) == setup.weights:
            return path
    for asset in ASSETS.values():
        if asset.sha256 == setup.weights:
            if (found := find(asset.name)) is not None:
                return found
            raise AssetMissing(f"its weights are not installed. Run: ganbench assets fetch {asset.name}")
    told = f"with SHA-256 {setup.weights[:12]}…" if len(setup.weights) == 64 else f"({setup.weights})"
    raise AssetMissing(f"weights {told} are not here. With a copy of them: --weights PATH")


def _reference(setup: Setup, given: Material, options: ScoreOptions) -> Reference | str | Path:
    """Return the real side: built from the user's real images, or the reference that the card names."""
    real = setup.real
    if given.real is not None:
        source = replace(options, resize=real.resize).open_real(given.real)
        source = _decoded(setup, source if real.count is None else source.first(real.count))
        build = BuildOptions(_weights(setup, given), setup.device, setup.precision)
        size, seed = real.sample
        extractor = extractor_for(source, None, setup.extractor, build)
        name = real.name or source.label
        return Reference.build(source, extractor, sample_size=size, seed=seed, name=name, cache=given.cache)
    for one in _candidates(given):
        if _fits(one, setup):
            return one
    what = f"{real.count:,} images" if isinstance(real.count, int) else "these images"
    called = f" ({real.name})" if real.name else ""
    raise GanbenchError(
        f"no reference of {what}{called} for {setup.extractor}, {setup.precision}, with a "
        f"sample of {real.sample[0]:,} is here. Give it with --reference, or real images with --real"
    )


def _candidates(given: Material) -> list[Reference]:
    """Return the references that the user gave and those that are installed, each read once.

    Raises:
        GanbenchError: one that was given is not there, or cannot be read.
    """
    installed = installed_references()
    named = {path.name.partition(".")[0] for path in installed}
    found: list[Reference] = []
    own = [one for one in given.references if not (isinstance(one, str) and one in named)]
    for one in (*own, *installed):
        if isinstance(one, Reference):
            found.append(one)
            continue
        path = Path(one)
        if path not in given.loaded:
            if not holds_statistics(path):
                raise GanbenchError(f"{one}: no reference's file. Real images are given with --real")
            given.loaded[path] = open_reference(path)
        found.append(given.loaded[path])
    return found


def _fits(reference: Reference, setup: Setup) -> bool:
    real, spec = setup.real, reference.extractor
    if spec is None:  # a file of mu and sigma says nothing: its name is all there is
        return reference.name == real.name
    if (spec.name, spec.precision) != (setup.extractor, setup.precision):
        return False
    same = reference.data.get("digest") == real.digest if real.digest else reference.name == real.name
    built = reference.data.get("count"), reference.image_resize, (len(reference.features.sample), reference.sample_seed)
    return same and built == (real.count, real.resize, real.sample)
