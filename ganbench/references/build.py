"""Several references at once, of parts of one set of real images, and what was held out of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ganbench.features.collect import extractor_for
from ganbench.features.spec import BuildOptions
from ganbench.images.first_look import look_first
from ganbench.references.held_out import with_held_out
from ganbench.references.parts import Part
from ganbench.references.reference import SAMPLE_SIZE, Reference
from ganbench.system.cluster import Site
from ganbench.system.notes import Note, log_note, once


def build_parts(
    parts: Sequence[Part],
    features: str = "lite0",
    options: BuildOptions | None = None,
    *,
    names: Sequence[str],
    sample_size: int = SAMPLE_SIZE,
    seed: int = 0,
    cache: bool = False,
    note: Note = log_note,
    site: Site | None = None,
) -> list[Reference]:
    """Return a reference of each part, which says how it was chosen and what was held out of it shows.

    Args:
        parts: as ``ganbench.references.parts.choose`` gives them.
        features: the extractor's name.
        options: how it is built.
        names: of the references, one a part.
        sample_size: images whose features are kept in each; all of them if there are fewer.
        seed: seed of that choice and of the figures of what was held out.
        cache: keep and reuse the features.
        note: told when they cannot be kept.
        site: where a large part is looked at; no reference depends on it. None: in this process.

    Raises:
        GanbenchError: bad images.
    """
    options, note = options or BuildOptions(), once(note)
    found = []
    for part, name in zip(parts, names, strict=True):
        first = partial(look_first, part.images)
        extractor = extractor_for(part.images, site, features, options, note=note, first=first)
        reference = Reference.build(
            part.images, extractor, sample_size=sample_size, seed=seed, name=name, cache=cache, note=note, site=site,
            device=options.device, looks=True,
        )  # fmt: skip
        if part.held_out is not None:
            reference = with_held_out(
                reference, part.held_out, extractor, seed=seed, cache=cache, note=note, site=site, device=options.device
            )
        found.append(reference)
    digests = {part.name: reference.data["digest"] for part, reference in zip(parts, found, strict=True)}
    return [_chosen(reference, part, digests) for reference, part in zip(found, parts, strict=True)]


def _chosen(reference: Reference, part: Part, digests: dict[str, str]) -> Reference:
    """Return a reference that says how its images were chosen, and what the other parts are."""
    if part.choice is None:
        return reference
    others = {name: digest for name, digest in digests.items() if name != part.name}
    return replace(reference, data={**reference.data, "choice": {**part.choice, "others": others}})
