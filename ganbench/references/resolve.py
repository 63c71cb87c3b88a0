"""Which reference serves which extractor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ganbench.errors import ReferenceError, SourceError
from ganbench.features.spec import ExtractorSpec
from ganbench.images.source import Source
from ganbench.references.interop import open_reference
from ganbench.references.library import DEFAULT_NAME, find_reference, holds_statistics
from ganbench.references.reference import Reference
from ganbench.system.location import Location, told_as
from ganbench.system.urls import is_url, masked

_SAVED_DATA = (".npy", ".npz", ".pt", ".pth", ".pkl", ".pickle")
_IF_STATISTICS = "If it holds statistics, load it and save numpy.savez('real.npz', mu=mean, sigma=covariance)"
Build = Callable[[str | Path | np.ndarray | Source, ExtractorSpec], Reference]


def resolve_references(
    given: Sequence[str | Path | np.ndarray | Source | Reference],
    specs: Sequence[ExtractorSpec],
    build: Build,
    *,
    all_known: bool = True,
) -> tuple[dict[str, Reference], dict[str, str]]:
    """Return a reference for each extractor by its name, and for each that has none the reason.

    Args:
        given: names, files or real images; each must serve an extractor, and no extractor two of them. None at all
            stands for the shipped reference.
        specs: the extractors.
        build: makes the reference of real images under an extractor.
        all_known: whether ``specs`` are all extractors that were asked for; a reference may be for one that is not
            installed, and then it is no mistake that it serves none.

    Raises:
        ReferenceError: a reference that serves no extractor, or two for one.
        GanbenchError: a file that cannot be read, or an unknown name.
    """
    found: dict[str, Reference] = {}
    missing: dict[str, str] = {}
    for one in given or (DEFAULT_NAME,):
        refused: list[ReferenceError] = []
        serves = False
        for spec in specs:
            try:
                reference = _candidate(one, spec, build)
                if reference is None:
                    missing[spec.name] = _build_one(_label(one), spec.name)
                    continue
                reference.require_extractor(spec)
            except ReferenceError as e:
                refused.append(e)
                missing[spec.name] = str(e)
                continue
            if spec.name in found:
                raise ReferenceError(
                    f"{found[spec.name].name} and {_label(one)} are both references of {spec.name}. Leave one out"
                )
            found[spec.name], serves = reference, True
        if all_known and not serves and refused:
            raise refused[0]
        if all_known and not serves and given:
            raise ReferenceError(missing[specs[-1].name])
    return found, {name: why for name, why in missing.items() if name not in found}


def _candidate(
    one: str | Path | np.ndarray | Source | Reference, spec: ExtractorSpec, build: Build
) -> Reference | None:
    """Return what a name, a file or real images stand for; None where the name has nothing for this extractor."""
    if isinstance(one, Reference):
        return one
    if isinstance(one, str) and is_url(one):
        return _remote(one, spec, build)
    if isinstance(one, str) and not Path(one).exists():
        file = find_reference(one, spec.name)
        return None if file is None else open_reference(file)
    if isinstance(one, str | Path) and holds_statistics(Path(one)):
        return open_reference(Path(one))
    try:
        return build(one, spec)
    except SourceError as e:
        if isinstance(one, str | Path) and str(one).lower().endswith(_SAVED_DATA):
            raise SourceError(f"{e}. {_IF_STATISTICS}") from e
        raise


def _remote(url: str, spec: ExtractorSpec, build: Build) -> Reference:
    """Return the reference in a file at a URL, or that of the images there."""
    from ganbench.system.remote import fetch_file, is_folder

    if not is_folder(url) and holds_statistics(local := fetch_file(url)):
        with told_as(Location(url), local):
            return open_reference(local)
    return build(url, spec)


def _label(one: str | Path | np.ndarray | Source | Reference) -> str:
    if isinstance(one, Reference):
        return one.name
    return masked(str(one)) if isinstance(one, str | Path) else one.label if isinstance(one, Source) else "the array"


def _build_one(label: str, extractor: str) -> str:
    return (
        f"no reference {label} for {extractor}. Build one: ganbench reference build REAL --features {extractor} "
        "--size 64 -o real.npz, then score with --reference real.npz"
    )
