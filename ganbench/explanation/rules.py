"""All rules, applied to what was seen of a set: the findings, strongest first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ganbench.explanation import groups, words
from ganbench.explanation.chance import MISFIT, of_draws, threshold
from ganbench.explanation.distance import Distance
from ganbench.explanation.finding import Finding
from ganbench.explanation.kinds import REMEDIES
from ganbench.explanation.pursuit import pursue, usual_spread
from ganbench.looks import alterations as library
from ganbench.looks.kinds import COUNTS, kinds_of
from ganbench.looks.measures import NAMES
from ganbench.metrics.intervals import Z95
from ganbench.references.reference import Reference
from ganbench.statistics.index import ImageIndex

LEAST = 20  # images: of fewer, nothing can be said of a set


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen of a set, image by image.

    Attributes:
        positions: in the source, (n,) int64.
        measures: of the looks, (n, M).
        codes: (n, K) int8, by the reference's index; None without one.
        signatures: (n, L) uint8.
    """

    positions: np.ndarray
    measures: np.ndarray
    codes: np.ndarray | None
    signatures: np.ndarray


def find(reference: Reference, seen: Seen, distance: Distance | None, seed: int) -> list[Finding]:
    """Return what the rules find, strongest first."""
    rng = np.random.default_rng(seed)
    least = threshold(rules_tried())
    found: list[Finding] = []
    ordinary = np.ones(len(seen.positions), bool)
    if reference.looks is not None:
        looks = reference.looks.standardised(seen.measures)
        if reference.index is not None and seen.codes is not None:
            group, outliers = groups.outlying(reference.looks, looks, reference.index, seen.codes)
            found.append(words.of_group("outliers", group, len(looks), ()))
            ordinary = ~outliers if outliers.mean() < 0.5 else ordinary
    if reference.index is not None and seen.codes is not None:
        found += _of_sets(reference, reference.index, seen, ordinary, rng)
    found = [one for one in found if one.effect >= least]
    if reference.looks is not None:
        rows = np.flatnonzero(ordinary)
        more = _of_looks(reference, looks[rows], least)
        found += [replace(one, images=tuple(int(rows[row]) for row in one.images)) for one in more]
    found.sort(key=lambda one: -one.effect)
    if not found and distance is not None and distance.effect >= least:
        found.append(_unexplained(distance))
    return [replace(one, images=tuple(int(seen.positions[row]) for row in one.images)) for one in found]


def rules_tried() -> int:
    """Return how many rules there are: alterations, frequencies, and those over sets."""
    return len(library.alterations()) + len(_SPECTRUM) + sum(COUNTS) * 2 + 5


def _of_sets(
    reference: Reference, index: ImageIndex, seen: Seen, ordinary: np.ndarray, rng: np.random.Generator
) -> list[Finding]:
    assert seen.codes is not None
    n = len(seen.codes)
    repeats, later = groups.repeated(index, seen.codes, seen.signatures, rng)
    levels = list(reference.kinds) or kinds_of(index.codes)
    found = [words.of_group("repeats", repeats, n, ())]
    kept = ordinary & ~later  # each picture once: what repeats is told once
    if kept.sum() < LEAST:
        return found
    rows = np.flatnonzero(kept)
    for kind, missing in (("missing_kinds", True), ("excess_kinds", False)):
        group = groups.kinds(index, levels, seen.codes[rows], missing=missing)
        if group is not None:
            members = tuple(index.names[int(row)] for row in group.members)
            found.append(words.of_group(kind, replace(group, rows=rows[group.rows]), len(rows), members))
    variety = groups.variety(index, seen.codes, ~kept, rng)
    narrow = groups.narrowness(index, levels, seen.codes, rows, rng)
    told = None
    if narrow is not None and narrow.effect > variety.effect:
        variety, told = narrow, words.NARROW
    if of_draws(variety.effect, groups.DRAWS) < threshold(rules_tried()):
        return found
    return [*found, words.of_group("low_variety", variety, len(rows), (), told)]


def _of_looks(reference: Reference, looks: np.ndarray, least: float) -> list[Finding]:
    real, known = reference.looks, library.alterations()
    assert real is not None
    if len(looks) < LEAST:
        return []
    explained, left = pursue(real, known, looks, least)
    found: dict[str, Finding] = {}
    for one in explained:
        alteration = known[one.number]
        strongest = max((other.effect for other in found.values()), default=0.0)
        if one.effect >= max(least, MISFIT * strongest) and alteration.kind not in found:
            found[alteration.kind] = words.of_alteration(one, alteration, real, looks)
    noise = float(np.sqrt(1 / len(looks) + 1 / real.n))
    left = left * noise / usual_spread("spectrum", noise)
    column = _SPECTRUM[int(np.abs(left[_SPECTRUM]).argmax())]
    strongest = max((other.effect for other in found.values()), default=0.0)
    if abs(left[column]) >= max(least, MISFIT * strongest):
        found["spectrum"] = words.of_spectrum(column, float(left[column]), real, looks)
    return list(found.values())


def _unexplained(distance: Distance) -> Finding:
    assert distance.real is not None
    assert distance.real_spread is not None
    effect, error = distance.effect, (distance.high - distance.low) / (2 * Z95 * distance.real_spread)
    text = (
        f"The Frechet distance is {distance.value:.1f}, and that of as many real images {distance.real:.1f}; "
        "no rule says why."
    )
    return Finding(
        "unexplained", effect, effect - Z95 * error, effect + Z95 * error, text, REMEDIES["unexplained"],
        "Frechet distance", distance.value, distance.real, distance.real_spread,
    )  # fmt: skip


_SPECTRUM = [number for number, name in enumerate(NAMES) if name.startswith(("power", "colour power"))]
